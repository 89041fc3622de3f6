"""UploadPart again: parts of one upload differ in a number, a length and a checksum, so the second need not ask
botocore's model what the first had to say.  (docs/decisions/0012-parts-after-the-first.md)

Botocore makes the first call of an upload and every call after trouble.  What it sent, and S3 took, is the pattern of
the next ones: the same address and headers, signed anew by botocore's signer and sent by its HTTP session, but without
``Expect: 100-continue``, which costs a round trip.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.endpoint import convert_to_response_dict
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from .clock_offset import ClockOffset
from .source import PartReader

OPERATION = "UploadPart"

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request, ")
_NUMBER = re.compile(r"(?<=[?&]partNumber=)\d+")
# Of one part, or of one request.
_OWN = frozenset(
    {
        "authorization",
        "content-length",
        "content-md5",
        "expect",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    }
)
_OWN_PREFIXES = ("x-amz-checksum-", "amz-sdk-")
_MOST_PATTERNS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """What the UploadParts of one upload have in common.

    before, after: the address, around the part's number.
    region, service: of the signature's scope.
    """

    before: str
    after: str
    headers: dict[str, str]
    region: str
    service: str


class PartCalls:
    """The patterns that one client learned.  Thread-safe: what threads share are single reads and writes of a dict.

    Args:
        client: botocore's.
        offset: Signs, and learns from refusals.
        send: Sends a prepared request, given its event's name, as ``s3_answers.send`` does.
    """

    def __init__(self, client: Any, offset: ClockOffset, send: Callable[..., Any]) -> None:
        self._client = client
        self._offset = offset
        self._send = send
        self._patterns: dict[tuple[str, ...], _Pattern] = {}
        self._thread = threading.local()
        client.meta.events.register(f"before-send.s3.{OPERATION}", self._note)

    def call(self, address: dict[str, str], body: PartReader | bytes, number: int, proof: dict[str, str]) -> Any:
        """Send a part; the answer as botocore gives it, or its ETag, checksums and ResponseMetadata alone.

        Args:
            address: Bucket, Key, UploadId, and whatever else the operation's parameters have in common.
            proof: The parameter that carries the part's checksum.

        Raises:
            ClientError, BotoCoreError.
        """
        key = tuple(f"{name}={value}" for name, value in sorted(address.items()))
        pattern = self._patterns.get(key)
        if pattern is not None:
            try:
                return self._again(pattern, body, number, proof)
            except BaseException as error:
                # After any trouble the next call is botocore's own, which asks before it sends the body.
                self._patterns.pop(key, None)
                if not _is_redirect(error):
                    raise
                # Botocore knows about regions, and follows at once.
                if isinstance(body, PartReader):
                    body.seek(0)
        answer = self._client.upload_part(**address, PartNumber=number, Body=body, **proof)
        pattern = _pattern(self._thread.request)
        if pattern is not None:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            self._patterns[key] = pattern
        return answer

    def _note(self, request: Any, **_: Any) -> None:
        self._thread.request = request

    def _again(self, pattern: _Pattern, body: PartReader | bytes, number: int, proof: dict[str, str]) -> Any:
        request = AWSRequest(
            "PUT",
            f"{pattern.before}{number}{pattern.after}",
            headers=pattern.headers | {_header(name): value for name, value in proof.items()},
            data=body,
        )
        request.context["client_config"] = self._client.meta.config
        self._offset.signer(pattern.service, pattern.region).add_auth(request)
        answer = self._send(request.prepare(), event_name=f"before-send.s3.{OPERATION}")
        if answer.status_code != 200:
            raise self._refusal(answer)
        return _answer(answer.headers)

    def _refusal(self, answer: Any) -> ClientError:
        model = self._client.meta.service_model.operation_model(OPERATION)
        parsed = create_parser("rest-xml").parse(convert_to_response_dict(answer, model), model.output_shape)
        self._offset.learn(parsed)
        return ClientError(parsed, OPERATION)


def _pattern(request: Any) -> _Pattern | None:
    """What later parts may repeat of this request; None when its signature is none that can be made anew here: an
    anonymous one, one over the body, or one of a session of S3 Express."""
    headers = {name: _text(value) for name, value in request.headers.items()}
    by_name = {name.lower(): value for name, value in headers.items()}
    scope = _SCOPE.match(by_name.get("authorization", ""))
    if scope is None or by_name.get("x-amz-content-sha256") != "UNSIGNED-PAYLOAD" or "x-amz-s3session-token" in by_name:
        return None
    before, after = _NUMBER.split(request.url, maxsplit=1)
    return _Pattern(
        before=before,
        after=after,
        headers={
            name: value
            for name, value in headers.items()
            if name.lower() not in _OWN and not name.lower().startswith(_OWN_PREFIXES)
        },
        region=scope[1],
        service=scope[2],
    )


def _is_redirect(error: BaseException) -> bool:
    """True for an answer that says where else the bucket is.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
    """
    if not isinstance(error, ClientError):
        return False
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status in (301, 302, 307, 308) or error.response["Error"]["Code"] == "AuthorizationHeaderMalformed"


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("ascii")


def _header(parameter: str) -> str:
    """The header of a parameter that carries a checksum."""
    name = parameter.removeprefix("Checksum")
    return "Content-MD5" if name == parameter else f"x-amz-checksum-{name.lower()}"


def _answer(headers: Any) -> dict[str, Any]:
    given = {name.lower(): value for name, value in headers.items()}
    answer: dict[str, Any] = {
        f"Checksum{name.removeprefix('x-amz-checksum-').upper()}": value
        for name, value in given.items()
        if name.startswith("x-amz-checksum-")
    }
    return answer | {"ETag": given.get("etag"), "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": given}}
