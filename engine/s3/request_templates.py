"""Make frequent calls from templates: parts of one upload differ only in a number, a length and a checksum, small files
of one directory in the key, so the second call need not be built from botocore's model again.
(docs/decisions/0012-calls-after-the-first.md)

Botocore makes the first call of a kind, and every call after an error.  A request that S3 accepted is the template for
the next ones: the same address and headers, with a new signature from botocore's signer, and sent by its HTTP session,
but without ``Expect: 100-continue``, which costs a round trip.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.awsrequest import AWSRequest
from botocore.endpoint import convert_to_response_dict
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from ..source.part_reader import PartReader
from .clock_skew import ClockSkew

# botocore's names of operations and of their methods.
_METHODS = {"UploadPart": "upload_part", "PutObject": "put_object", "HeadObject": "head_object"}

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
# Response headers that the engine reads, by botocore's names; checksums are found by their prefix.
_READ = {
    "ETag": "etag",
    "LastModified": "last-modified",
    "VersionId": "x-amz-version-id",
    "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
}
_ANSWERS = (404, 412)  # statuses that are about the object, not about the call
_MOST_PATTERNS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """What calls of one kind have in common.

    before, after: the address before and after the variable part.
    region, service: of the signature's scope.
    """

    method: str
    before: str
    after: str
    headers: dict[str, str]
    region: str
    service: str


class RequestTemplates:
    """The templates of one client.  Thread-safe: threads share only single reads and writes of a dict.

    Args:
        client: A botocore client.
        offset: Signs, and is updated from refusals.
        send: Sends a prepared request, given its event's name, like ``responses.limit.send``.
        may_repeat: False when event handlers of the caller may change each request: then botocore makes every call.
    """

    def __init__(self, client: Any, offset: ClockSkew, send: Callable[..., Any], *, may_repeat: bool = True) -> None:
        self._client = client
        self._offset = offset
        self._send = send
        self._patterns: dict[tuple[str, ...], _Template] = {}
        self._thread = threading.local()
        self._may_expect = True
        self._may_repeat = may_repeat
        for operation in _METHODS:
            client.meta.events.register(f"before-send.s3.{operation}", self._note)
            client.meta.events.register(f"request-created.s3.{operation}", self._drop_expect)

    def call(self, operation: str, params: Mapping[str, Any]) -> Any:
        """Make a call.  Returns the response like botocore, or only the members that the engine reads.

        Args:
            operation: UploadPart, PutObject or HeadObject.
            params: As for botocore's method; must not contain None.

        Raises:
            ClientError, BotoCoreError.
        """
        kind = _kind(operation, params)
        pattern = self._patterns.get(kind)
        if pattern is not None:
            try:
                return self._again(operation, pattern, params)
            except BaseException as error:
                status = _status(error)
                if status not in _ANSWERS:
                    # After any error the next call is botocore's own, with Expect before it sends the body.
                    self._patterns.pop(kind, None)
                if not _is_redirect(operation, status, error):
                    raise
                # Botocore handles regions, and follows immediately.
                if isinstance(body := params.get("Body"), PartReader):
                    body.seek(0)
        answer = self._by_client(operation, params)
        learned = _pattern(self._thread.request, params) if self._may_repeat else None
        if learned is not None:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            self._patterns[kind] = learned
        return answer

    def _by_client(self, operation: str, params: Mapping[str, Any]) -> Any:
        """Botocore's own call; without ``Expect`` if a proxy does not support it."""
        try:
            return getattr(self._client, _METHODS[operation])(**params)
        except ClientError as error:
            if _status(error) != 417 or "Expect" not in self._thread.request.headers:
                raise
        self._may_expect = False
        if isinstance(body := params.get("Body"), PartReader):
            body.seek(0)
        return getattr(self._client, _METHODS[operation])(**params)

    def _drop_expect(self, request: Any, **_: Any) -> None:
        if not self._may_expect:
            del request.headers["Expect"]

    def _note(self, request: Any, **_: Any) -> None:
        self._thread.request = request

    def _again(self, operation: str, pattern: _Template, params: Mapping[str, Any]) -> Any:
        request = AWSRequest(
            pattern.method,
            f"{pattern.before}{_variable_part(params)}{pattern.after}",
            headers=pattern.headers | _own_headers(params),
            data=params.get("Body"),
        )
        request.context["client_config"] = self._client.meta.config
        self._offset.signer(pattern.service, pattern.region).add_auth(request)
        answer = self._send(request.prepare(), event_name=f"before-send.s3.{operation}")
        if answer.status_code >= 300:
            raise self._refusal(operation, answer)
        return _answer(answer.headers)

    def _refusal(self, operation: str, answer: Any) -> ClientError:
        model = self._client.meta.service_model.operation_model(operation)
        parsed = create_parser("rest-xml").parse(convert_to_response_dict(answer, model), model.output_shape)
        self._offset.update(parsed)
        return ClientError(parsed, operation)


def _kind(operation: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """What calls must have in common to share a template: everything but the values of one part or one file.  Parts of
    two uploads differ in more than their numbers, so for parts the key is included."""
    own = {"PartNumber"} if "PartNumber" in params else {"Key"}
    same = [(name, value) for name, value in params.items() if name not in own and not _is_own(name)]
    return operation, *(f"{name}={value}" for name, value in sorted(same))


def _is_own(parameter: str) -> bool:
    return parameter in ("Body", "ContentMD5", "ContentType") or (
        parameter.startswith("Checksum") and parameter not in ("ChecksumMode", "ChecksumAlgorithm")
    )


def _variable_part(params: Mapping[str, Any]) -> str:
    """The variable part of the address in one kind of call, as botocore writes it."""
    return str(params["PartNumber"]) if "PartNumber" in params else quote(params["Key"], safe="/~")


def _own_headers(params: Mapping[str, Any]) -> dict[str, str]:
    return {_header(name): value for name, value in params.items() if _is_own(name) and name != "Body"}


def _header(parameter: str) -> str:
    if parameter.startswith("Checksum"):
        return f"x-amz-checksum-{parameter.removeprefix('Checksum').lower()}"
    return {"ContentMD5": "Content-MD5", "ContentType": "Content-Type"}[parameter]


def _pattern(request: Any, params: Mapping[str, Any]) -> _Template | None:
    """The template that this request gives for later calls; None when its signature cannot be made here: an anonymous
    request, a signed body, or a session of S3 Express."""
    headers = {name: _text(value) for name, value in request.headers.items()}
    by_name = {name.lower(): value for name, value in headers.items()}
    scope = _SCOPE.match(by_name.get("authorization", ""))
    around = _around(request.url, params)
    if (
        scope is None
        or around is None
        or by_name.get("x-amz-content-sha256") != "UNSIGNED-PAYLOAD"
        or "x-amz-s3session-token" in by_name
    ):
        return None
    return _Template(
        method=request.method,
        before=around[0],
        after=around[1],
        headers={
            name: value
            for name, value in headers.items()
            if (name.lower() not in _OWN and not name.lower().startswith(_OWN_PREFIXES)) or _is_mode(name)
        },
        region=scope[1],
        service=scope[2],
    )


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


def _status(error: BaseException) -> int | None:
    """The HTTP status of a refusal; None for other errors."""
    if not isinstance(error, ClientError):
        return None
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _is_redirect(operation: str, status: int | None, error: BaseException) -> bool:
    """True for a response that means, or without a body may mean, that the bucket is in another region.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
    """
    if status in (301, 302, 307, 308) or (operation == "HeadObject" and status == 400):
        return True
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == (
        "AuthorizationHeaderMalformed"
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("ascii")


def _answer(headers: Any) -> dict[str, Any]:
    given = {name.lower(): value for name, value in headers.items()}
    answer: dict[str, Any] = {name: given[header] for name, header in _READ.items() if header in given}
    for name, value in given.items():
        if name.startswith("x-amz-checksum-"):
            answer[f"Checksum{name.removeprefix('x-amz-checksum-').upper()}"] = value
    if "content-length" in given:
        answer["ContentLength"] = int(given["content-length"])
    return answer | {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": given}}
