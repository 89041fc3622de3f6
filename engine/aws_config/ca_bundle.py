"""Find the CA bundle, and the setting that names it.

botocore reads the file only when it connects, so a missing file, or one without certificates, would look like a broken
connection.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .files import config_file, refused


def find_bundle(given: bool | str | None, profile: Mapping[str, Any]) -> bool | str:
    """The path of the CA bundle; True means botocore's own, False disables the verification of certificates.

    An empty value counts as not set.

    Args:
        given: The command's option.
        profile: The profile's settings.

    Raises:
        Refused: the file is missing, is unreadable, or has no certificates.
    """
    if isinstance(given, bool):
        return given
    places = (
        ("--ca-bundle", given),
        ("AWS_CA_BUNDLE", os.environ.get("AWS_CA_BUNDLE")),
        (f"ca_bundle in {config_file()}", profile.get("ca_bundle")),
        ("REQUESTS_CA_BUNDLE", os.environ.get("REQUESTS_CA_BUNDLE")),
    )
    for source, path in places:
        if isinstance(path, str) and path:
            if wrong := _fault(path):
                raise refused(f"the certificates in {path} ({source}) cannot be used: {wrong}")
            return path
    return True


def _fault(path: str) -> str | None:
    """Why certificates cannot be read from the file; None when they can."""
    if Path(path).is_dir():
        return "it is a directory; use a file"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "it contains no certificates in PEM format"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None
