"""What frequent calls of one kind have in common: parts of one upload differ in a number, a length and a checksum,
small files of one directory in the key.  A request that botocore made and S3 accepted is the template of later ones.
(docs/decisions/0012-calls-after-the-first.md)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import SIGNED_HEADERS_BLACKLIST
from botocore.exceptions import HTTPClientError

from .sender import Request
from .signature import UNSIGNED, Scope, authorization, canonical_query, timestamp

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request, ")
_NUMBER = re.compile(r"(?<=[?&]partNumber=)\d+")
# Headers that belong to a single request.
_OWN = frozenset(
    {
        "authorization",
        "content-length",
        "content-md5",
        "content-type",
        "expect",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    }
)
_OWN_PREFIXES = ("x-amz-checksum-", "amz-sdk-")
# Accept-Encoding is added after botocore has signed.
_UNSIGNED_HEADERS = frozenset({*SIGNED_HEADERS_BLACKLIST, "accept-encoding"})


@dataclass(frozen=True, kw_only=True)
class Template:
    """The common part of calls of one kind.

    before, after: the address before and after the variable part.
    headers: those that do not belong to a single request.
    scope: of the signature.
    """

    method: str
    before: str
    after: str
    headers: dict[str, str]
    scope: Scope

    def url(self, params: Mapping[str, Any]) -> str:
        """The address of a call.  params: as for botocore's method."""
        return f"{self.before}{_variable_part(params)}{self.after}"

    def request(self, params: Mapping[str, Any], credentials: Any, now: float) -> Request:
        """The request of a call, signed.

        Args:
            params: As for botocore's method.
            credentials: botocore's frozen credentials.
            now: The service's time, in seconds since the epoch.

        Raises:
            HTTPClientError: a header has a character that no header may have.
        """
        url = self.url(params)
        target = url.removeprefix(self._origin)
        path, _, query = target.partition("?")
        date = timestamp(now)
        own = own_headers(params) | {"X-Amz-Date": date, "X-Amz-Content-SHA256": UNSIGNED}
        if credentials.token:
            own["X-Amz-Security-Token"] = credentials.token
        signed = sorted([*self._signed, *((name.lower(), value) for name, value in own.items())])
        own["Authorization"] = authorization(
            self.method,
            path,
            canonical_query(query),
            signed,
            date=date,
            scope=self.scope,
            credentials=credentials,
        )
        body = params.get("Body")
        if body is not None:
            own["Content-Length"] = str(len(body))
        lines = [f"{name}: {value}" for name, value in own.items()]
        head = "\r\n".join([f"{self.method} {target} HTTP/1.1", *self._lines, *lines, "", ""])
        return Request(
            method=self.method, origin=self._origin, url=url, headers=own, head=_encoded(head, lines), body=body or b""
        )

    @cached_property
    def _origin(self) -> str:
        parts = urlsplit(self.before)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def _lines(self) -> list[str]:
        return [f"{name}: {value}" for name, value in {"Accept-Encoding": "identity", **self.headers}.items()]

    @cached_property
    def _signed(self) -> tuple[tuple[str, str], ...]:
        named = ((name.lower(), value) for name, value in self.headers.items())
        return tuple((name, value) for name, value in named if name not in _UNSIGNED_HEADERS)


def _encoded(head: str, lines: list[str]) -> bytes:
    try:
        if any("\n" in line or "\r" in line for line in lines):
            raise ValueError("a header has a line break")
        return head.encode("latin-1")
    except ValueError as error:
        raise HTTPClientError(error=error) from error


def kind(operation: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """What calls must have in common to share a template: everything but the values of one part or one file.  Parts of
    two uploads differ in more than their numbers, so for parts the key is included."""
    own = {"PartNumber"} if "PartNumber" in params else {"Key"}
    same = [(name, value) for name, value in params.items() if name not in own and not _is_own(name)]
    return operation, *(f"{name}={value}" for name, value in sorted(same))


def learn(request: Any, params: Mapping[str, Any]) -> Template | None:
    """The template that a request of botocore gives for later calls; None when its signature cannot be made here: an
    anonymous request, a signed body, or a session of S3 Express."""
    headers = {name: _text(value) for name, value in request.headers.items()}
    by_name = {name.lower(): value for name, value in headers.items()}
    scope = _SCOPE.match(by_name.get("authorization", ""))
    around = _around(request.url, params)
    if (
        scope is None
        or around is None
        or by_name.get("x-amz-content-sha256") != UNSIGNED
        or "x-amz-s3session-token" in by_name
        or "host" not in by_name
    ):
        return None
    return Template(
        method=request.method,
        before=around[0],
        after=around[1],
        headers={
            name: value
            for name, value in headers.items()
            if (name.lower() not in _OWN and not name.lower().startswith(_OWN_PREFIXES)) or _is_mode(name)
        },
        scope=Scope(region=scope[1], service=scope[2]),
    )


def own_headers(params: Mapping[str, Any]) -> dict[str, str]:
    """The headers of one call that the template lacks, but for its date, length and signature."""
    return {_header(name): value for name, value in params.items() if _is_own(name) and name != "Body"}


def _is_own(parameter: str) -> bool:
    return parameter in ("Body", "ContentMD5", "ContentType") or (
        parameter.startswith("Checksum") and parameter not in ("ChecksumMode", "ChecksumAlgorithm")
    )


def _header(parameter: str) -> str:
    if parameter.startswith("Checksum"):
        return f"x-amz-checksum-{parameter.removeprefix('Checksum').lower()}"
    return {"ContentMD5": "Content-MD5", "ContentType": "Content-Type"}[parameter]


def _variable_part(params: Mapping[str, Any]) -> str:
    """The variable part of the address in one kind of call, as botocore writes it."""
    return str(params["PartNumber"]) if "PartNumber" in params else quote(params["Key"], safe="/~")


def _around(url: str, params: Mapping[str, Any]) -> tuple[str, str] | None:
    """The address before and after the variable part; None when that is not found."""
    if "PartNumber" in params:
        before, after = _NUMBER.split(url, maxsplit=1)
        return before, after
    path, mark, query = url.partition("?")
    key = _variable_part(params)
    return (path.removesuffix(key), mark + query) if path.endswith(f"/{key}") else None


def _is_mode(header: str) -> bool:
    """True for the header that requests checksums; the others with its prefix carry one."""
    return header.lower() == "x-amz-checksum-mode"


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("ascii")
