"""Find the region, and the setting that names it.

The order is that of version 2 of the AWS CLI and of the other SDKs: the command, AWS_REGION, AWS_DEFAULT_REGION, the
profile.  botocore itself does not support AWS_REGION.
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
"""

import os
import re
from dataclasses import dataclass

from ..errors import Refused

_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_NAME = re.compile(r"(?!\d+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # a label of a host name


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """name: None when not set.  source: the setting, such as "AWS_REGION"; "" when nothing is set."""

    name: str | None
    source: str


def find_region(given: str | None, configured: str | None) -> Region:
    """The region to use.  An empty value counts as not set.

    Args:
        given: The command's option.
        configured: The profile's setting.

    Raises:
        Refused: it cannot be part of a host name.
    """
    places = [("--region", given), *((name, os.environ.get(name)) for name in _VARIABLES)]
    for source, name in [*places, ("region in the AWS configuration", configured)]:
        if not name:
            continue
        if not _NAME.fullmatch(name):
            raise Refused(
                f"{name[:70]!r} ({source}) is not a valid region; use one like eu-west-1", code="InvalidRegion"
            )
        return Region(name=name, source=source)
    return Region(name=None, source="")
