"""Redirects.  botocore follows only those between S3's own regions, to an address that it builds itself: a request
carries credentials, and a response may point anywhere.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
"""

import re
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from ..errors import ForeignResponse
from ..limits import is_aws
from .error_translation import one_line

_STATUSES = frozenset({301, 302, 303, 307, 308})
_AS_PORTALS_DO = frozenset({302, 303, 307})
_REGION = re.compile(rb"<Region>[^<]+</Region>")
_ENDPOINT = re.compile(rb"<Endpoint>([^<]+)</Endpoint>")
_PORTS = {"http": 80, "https": 443}


def check_redirect(operation: str, url: str, answer: Any, body: bytes) -> None:
    """Return if the response is not a redirect, or is one that botocore may follow.

    Args:
        url: The request's address.
        answer: The response's status and headers.

    Raises:
        ForeignResponse: the message names the address that the endpoint redirects to.
    """
    if answer.status_code not in _STATUSES:
        return
    place = answer.headers.get("Location") or ""
    names_region = bool(answer.headers.get("x-amz-bucket-region") or _REGION.search(body))
    target = _target(url, place) if place else None
    if is_aws(url):
        # Without the region botocore calls HeadBucket to get it; for HeadBucket itself, that would never end.
        if operation != "HeadBucket" or names_region:
            return
    elif names_region and target is None:
        return  # the same address, with another region in the signature
    sentence = _sentence(urlsplit(url), target, body)
    if answer.status_code in _AS_PORTALS_DO:
        sentence += "; if this network requires a login, log in first"
    raise ForeignResponse(sentence, operation=operation, code="InvalidEndpoint")


def _sentence(request: SplitResult, target: SplitResult | None, body: bytes) -> str:
    endpoint = f"the endpoint {_origin(request)}"
    if target is None and (named := _ENDPOINT.search(body)):
        place = one_line(named[1].decode(errors="replace"))[:200]
        return f"{endpoint} redirects to {place}; use that in --endpoint-url"
    if target is None:
        return f"{endpoint} responds with a redirect without an address; check --endpoint-url"
    if _address(target) == _address(request):
        return f"{endpoint} redirects to {one_line(target.path)[:200]}, which S3 never does; check --endpoint-url"
    return f"{endpoint} redirects to {_origin(target)}; use that in --endpoint-url"


def _target(url: str, place: str) -> SplitResult | None:
    """The address that the redirect leads to; None when it is invalid."""
    try:
        parts = urlsplit(urljoin(url, place))
        return parts if parts.hostname and parts.scheme in _PORTS and parts.port != 0 else None
    except ValueError:
        return None


def _address(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _origin(parts: SplitResult) -> str:
    """Scheme, host and port, without user and path."""
    return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")[:200]
