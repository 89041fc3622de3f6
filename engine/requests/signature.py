"""AWS Signature Version 4 for requests whose body is not signed.  The key is derived once a day, not for each request.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a signature is valid.  service: "s3", or "s3-object-lambda" and the like."""

    region: str
    service: str


def timestamp(seconds: float) -> str:
    """A time, in seconds since the epoch, as ``x-amz-date`` writes it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}"


def canonical_query(query: str) -> str:
    """The parameters of an address in the order of their names, as they are signed."""
    if "&" not in query:
        return query if "=" in query or not query else f"{query}="
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
    return "&".join([f"{name}={value}" for name, value in pairs])


def authorization(
    method: str,
    path: str,
    query: str,
    headers: Sequence[tuple[str, str]],
    *,
    date: str,
    scope: Scope,
    credentials: Any,
) -> str:
    """The Authorization header of a request.

    Args:
        path: Encoded, as in the address.
        query: Of ``canonical_query``.
        headers: All that are signed, in the order of their names, which are in lower case; ``x-amz-date`` among them.
        date: Of ``timestamp``.
        credentials: botocore's frozen credentials.
    """
    names = ";".join([name for name, _ in headers])
    lines = "".join([f"{name}:{' '.join(value.split())}\n" for name, value in headers])
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{UNSIGNED}"
    where = f"{date[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{where}\n{sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_key, date[:8], scope)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{where}, SignedHeaders={names}, Signature={signature}"


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for text in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, text.encode(), "sha256")
    return key
