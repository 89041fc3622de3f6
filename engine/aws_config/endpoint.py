"""Find the endpoint, and the setting that names it.

The order is that of the SDKs.  botocore's own lookup is not used: it does not say which setting has an invalid address.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .files import config_file, refused

_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_HOST = re.compile(r"[A-Za-z0-9:](?:[A-Za-z0-9.:%-]*[A-Za-z0-9.])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """url: None means AWS's own.  source: the setting, such as "AWS_ENDPOINT_URL"; "" when nothing is set."""

    url: str | None
    source: str


def find_endpoint(given: str | None, profile: Mapping[str, Any], config: Mapping[str, Any]) -> Endpoint:
    """The endpoint to use.  An empty value counts as not set.

    Args:
        given: The command's option, or the endpoint of the stored upload; "" means AWS's own, None means not given.
        profile: The profile's settings.
        config: The whole configuration file.

    Raises:
        Refused: the setting is not an address, or names a services section that does not exist.
    """
    if given == "":
        return Endpoint(url=None, source="")
    if given is not None:
        places = [("--endpoint-url", given)]
    elif _is_ignored(profile):
        places = []
    else:
        places = _configured(profile, config)
    for source, url in places:
        if url:
            if not is_address(url):
                shown = "an endpoint with a password" if "@" in url else repr(url[:100])
                raise refused(f"{shown} ({source}) is not a valid endpoint; use http://host or https://host:port")
            return Endpoint(url=url, source=source)
    return Endpoint(url=None, source="")


def is_address(url: str) -> bool:
    """True for an http or https address with a host, and optionally a port and a path."""
    try:
        parts = urlsplit(url)
        # Reading the port raises ValueError when it is out of range.
        return (
            parts.scheme in ("http", "https")
            and bool(_HOST.fullmatch(parts.hostname or ""))
            and parts.port != 0
            and not parts.query
            and not parts.fragment
        )
    except ValueError:
        return False


def _is_ignored(profile: Mapping[str, Any]) -> bool:
    named = os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") or profile.get("ignore_configured_endpoint_urls")
    return isinstance(named, str) and named.strip().lower() == "true"


def _configured(profile: Mapping[str, Any], config: Mapping[str, Any]) -> list[tuple[str, str]]:
    file = config_file()
    found: list[tuple[str, Any]] = [
        (name, os.environ.get(name)) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    ]
    if name := profile.get("services"):
        services = (config.get("services") or {}).get(name)
        if services is None:
            raise refused(f"the profile names the services {name!r}, but {file} has no section [services {name}]")
        block = services.get("s3")
        if block is not None and not isinstance(block, dict):
            raise refused(f"s3 in [services {name}] of {file} has no settings below it; add some, or remove it")
        found.append((f"endpoint_url in [services {name}] of {file}", (block or {}).get("endpoint_url")))
    found.append((f"endpoint_url in {file}", profile.get("endpoint_url")))
    return [(source, url) for source, url in found if isinstance(url, str)]
