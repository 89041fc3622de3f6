"""Make frequent calls from templates (engine/requests/template.py).

Botocore makes the first call of a kind, and every call after an error.  A request that S3 accepted is the template for
the next ones: the same address and headers, with a new signature, but without ``Expect: 100-continue``, which costs a
round trip.  They go over connections that botocore opened (engine/requests/sender.py).
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.endpoint import convert_to_response_dict
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from ..requests.sender import Sender
from ..requests.template import Template, kind, learn, own_headers
from ..responses.limit import Taken
from ..source.part_reader import PartReader
from .clock_skew import ClockSkew

# botocore's names of operations and of their methods.
_METHODS = {"UploadPart": "upload_part", "PutObject": "put_object", "HeadObject": "head_object"}

# Response headers that the engine reads, by botocore's names; checksums are found by their prefix.
_READ = {
    "ETag": "etag",
    "LastModified": "last-modified",
    "VersionId": "x-amz-version-id",
    "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
}
_ANSWERS = (404, 412)  # statuses that are about the object, not about the call
_MOST_PATTERNS = 64


class RequestTemplates:
    """The templates of one client.  Thread-safe: threads share only single reads and writes of a dict.

    Args:
        client: A botocore client.
        offset: Signs, and is updated from refusals.
        send: Sends a prepared request, given its event's name, like ``responses.limit.send``.
        check: Checks a response, given its operation and request, like ``responses.limit.checked``.
        may_repeat: False when event handlers of the caller may change each request: then botocore makes every call.
    """

    def __init__(
        self,
        client: Any,
        offset: ClockSkew,
        send: Callable[..., Any],
        check: Callable[..., Any],
        *,
        may_repeat: bool = True,
    ) -> None:
        self._client = client
        self._offset = offset
        self._send = send
        self._check = check
        self._sender = Sender(client._endpoint.http_session)
        self._patterns: dict[tuple[str, ...], Template] = {}
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
        sort = kind(operation, params)
        pattern = self._patterns.get(sort)
        if pattern is not None:
            try:
                return self._again(operation, pattern, params)
            except BaseException as error:
                status = _status(error)
                if status not in _ANSWERS:
                    # After any error the next call is botocore's own, with Expect before it sends the body.
                    self._patterns.pop(sort, None)
                if not _is_redirect(operation, status, error):
                    raise
                # Botocore handles regions, and follows immediately.
                if isinstance(body := params.get("Body"), PartReader):
                    body.seek(0)
        answer = self._by_client(operation, params)
        learned = learn(self._thread.request, params) if self._may_repeat else None
        if learned is not None:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            self._patterns[sort] = learned
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

    def _again(self, operation: str, pattern: Template, params: Mapping[str, Any]) -> Any:
        credentials = self._offset.credentials.get_frozen_credentials()
        request = pattern.request(params, credentials, self._offset.now())
        received = self._sender.send(request)
        if received is None:
            return self._again_by_botocore(operation, pattern, params)
        is_usual = received.status == 200 and not received.body
        if is_usual and not received.headers.get("content-type", "").startswith("text/html"):
            return _answer(received.headers)
        headers: Any = received.headers
        answer: Any = AWSResponse(request.url, received.status, headers, Taken(received.body))
        answer = self._check(operation, request, answer)
        if answer.status_code >= 300:
            raise self._refusal(operation, answer)
        return _answer(received.headers)

    def _again_by_botocore(self, operation: str, pattern: Template, params: Mapping[str, Any]) -> Any:
        request = AWSRequest(
            pattern.method,
            pattern.url(params),
            headers=pattern.headers | own_headers(params),
            data=params.get("Body"),
        )
        request.context["client_config"] = self._client.meta.config
        self._offset.signer(pattern.scope.service, pattern.scope.region).add_auth(request)
        answer = self._send(request.prepare(), event_name=f"before-send.s3.{operation}")
        if answer.status_code >= 300:
            raise self._refusal(operation, answer)
        return _answer(answer.headers)

    def _refusal(self, operation: str, answer: Any) -> ClientError:
        model = self._client.meta.service_model.operation_model(operation)
        parsed = create_parser("rest-xml").parse(convert_to_response_dict(answer, model), model.output_shape)
        self._offset.update(parsed)
        return ClientError(parsed, operation)


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


def _answer(headers: Any) -> dict[str, Any]:
    given = {name.lower(): value for name, value in headers.items()}
    answer: dict[str, Any] = {name: given[header] for name, header in _READ.items() if header in given}
    for name, value in given.items():
        if name.startswith("x-amz-checksum-"):
            answer[f"Checksum{name.removeprefix('x-amz-checksum-').upper()}"] = value
    if "content-length" in given:
        answer["ContentLength"] = int(given["content-length"])
    return answer | {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": given}}
