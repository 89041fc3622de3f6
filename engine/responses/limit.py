"""Send a request and limit the size of the response: an endpoint that is not S3 could fill the memory."""

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from urllib3.exceptions import ReadTimeoutError as SilentTooLong

from ..errors import WEB_PAGE, Transient
from .error_translation import wrong_scheme
from .redirects import check_redirect
from .xml import is_cut, is_web_page, plain

# The largest responses are pages of 1000 rows: less than 1 MiB for parts, 2 MiB for uploads with the longest keys.
MAX_RESPONSE_BYTES = 8 * 1024 * 1024
# Opening and closing tags.  A page has at most 24,000, but some services send 10,000 rows per page.
MAX_TAGS = 400_000

# The response to plain http on an https port: of Go's server and MinIO, of nginx and AWS, of Apache.
_WANTS_TLS = (b"HTTP request to an HTTPS server", b"HTTP request was sent to HTTPS port", b"HTTP to an SSL-enabled")

# x-amz-request-id, x-goog-hash, x-minio-..., Swift's X-Trans-Id: proxies and web servers do not send them.  CloudFront
# adds x-amz-cf-id to any web site.
_OF_SERVICE = re.compile(r"x-(?:amz-(?!cf-)|goog-|minio-|rgw-|oss-|cos-|obs-|bz-|trans-)", re.IGNORECASE)


class Taken:
    """A body that was already read; botocore calls ``stream`` to get it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> list[bytes]:
        return [self._body]


def send(session: Any, request: Any, event_name: str, is_service: Callable[[Any], bool]) -> Any:
    """Send a request like botocore, but accept at most ``MAX_RESPONSE_BYTES`` bytes of the response.

    Args:
        session: botocore's HTTP session of the client.
        event_name: botocore's "before-send.s3.<operation>".
        is_service: Given the request, determines whether the service itself responds to such requests.  Called when the
            response alone does not show whether it is an HTML object or a web page from something else.

    Raises:
        Transient: the response is too large, which is retried once, or is a web page.
        Refused: the endpoint expects https, or redirects elsewhere.
        BotoCoreError: as raised by botocore's session.
    """
    operation = event_name.rpartition(".")[2]
    request.stream_output = True  # else botocore would read the whole response
    answer = session.send(request)
    if operation == "GetObject" and answer.status_code < 300:
        return answer  # an object may have any size: the caller reads it
    return checked(operation, request, answer, is_service)


def checked(operation: str, request: Any, answer: Any, is_service: Callable[[Any], bool]) -> Any:
    """The response with its body read, when it may be one of S3; otherwise as ``send``.

    request: what was sent; its address and headers are used.
    """
    try:
        body = _read(answer.raw)
    except SilentTooLong as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except Exception as error:
        raise ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
    try:
        body = plain(body, answer.headers.get("Content-Encoding", ""), MAX_RESPONSE_BYTES)
    except EOFError as error:
        raise ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
    if too_much := _too_much(body):
        raise Transient(
            f"the response to {operation} has {too_much}, which S3 never sends; check the endpoint",
            operation=operation,
            code="AnswerTooLong",
            status=answer.status_code,
            once=True,
        )
    if answer.status_code >= 300 and is_cut(body):
        raise ConnectionClosedError(
            endpoint_url=request.url, request=request, error=EOFError("the response was truncated")
        )
    check_redirect(operation, request.url, answer, body)
    if answer.status_code == 400 and any(words in body for words in _WANTS_TLS):
        raise wrong_scheme(operation, request.url)
    if answer.status_code < 300 and _is_html(operation, answer.headers, body):
        is_object = _may_be_object(operation) and (_has_service_header(answer.headers) or is_service(request))
        if not is_object:
            raise _web_page(operation)
    answer.raw = Taken(body)
    return answer


def _may_be_object(operation: str) -> bool:
    """True for a call whose response may be about an HTML object: HEAD reports its type, and a service without
    ListParts sends the object instead of a list."""
    return operation in ("HeadObject", "HeadBucket", "ListParts")


def _is_html(operation: str, headers: Any, body: bytes) -> bool:
    if body:
        return is_web_page(body)
    return _may_be_object(operation) and str(headers.get("Content-Type", "")).lower().startswith("text/html")


def _has_service_header(headers: Any) -> bool:
    return any(_OF_SERVICE.match(name) for name in headers)


def _web_page(operation: str) -> Transient:
    return Transient(
        f"{operation} was answered with a web page, which S3 never sends: log in to this network if it asks for that, "
        "and check the proxy and --endpoint-url",
        operation=operation,
        code=WEB_PAGE,
    )


def _too_much(body: bytes) -> str | None:
    """What the body has too much of, or None.  A parser turns a few bytes into hundreds, an entity into any number."""
    if len(body) > MAX_RESPONSE_BYTES:
        return f"more than {MAX_RESPONSE_BYTES // 2**20} MiB"
    if body.count(b"<") > MAX_TAGS:
        return f"more than {MAX_TAGS:,} tags"
    return "its own entities" if b"<!ENTITY" in body else None


def _read(raw: Any) -> bytes:
    """The body, or slightly more than ``MAX_RESPONSE_BYTES`` of it; then the connection is closed."""
    body = bytearray()
    for block in raw.stream():
        body += block
        if len(body) > MAX_RESPONSE_BYTES:
            raw.close()
            break
    return bytes(body)
