"""Send, and take so much of the answer.  Without a bound, an endpoint that is no S3 could fill the memory."""

import re
from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from urllib3.exceptions import ReadTimeoutError as SilentTooLong

from ..errors import WEB_PAGE, Transient
from .error_translation import wrong_scheme
from .redirects import check_redirect
from .xml import is_cut, is_web_page, plain

# The longest answers are pages of 1000 rows: parts take less than 1 MiB, uploads of the longest keys 2 MiB.
LONGEST = 8 * 1024 * 1024
# Opening and closing ones.  A page has 24,000 at most, but some services put 10,000 rows on one.
MAX_TAGS = 400_000

# What servers answer to plain http on their https port: Go's and MinIO, nginx and AWS, Apache.
_WANTS_TLS = (b"HTTP request to an HTTPS server", b"HTTP request was sent to HTTPS port", b"HTTP to an SSL-enabled")

# x-amz-request-id, x-goog-hash, x-minio-..., X-Trans-Id of Swift: what proxies and web servers do not send.
_OF_SERVICE = re.compile(r"x-(?:amz|goog|minio|rgw|oss|cos|obs|bz|trans)-|.*request-?id$", re.IGNORECASE)


class _Taken:
    """A body that was read; botocore asks for it by ``stream``."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> list[bytes]:
        return [self._body]


def send(session: Any, request: Any, event_name: str) -> Any:
    """Send a request as botocore would, and take at most ``LONGEST`` bytes of the answer.

    Args:
        session: botocore's HTTP session of the client.
        event_name: botocore's "before-send.s3.<operation>".

    Raises:
        Transient: the answer is longer, which is asked for once more, or it is a web page.
        Refused: the endpoint wants https, or redirects elsewhere.
        BotoCoreError: as botocore's session does.
    """
    operation = event_name.rpartition(".")[2]
    request.stream_output = True  # botocore would read it to its end
    answer = session.send(request)
    if operation == "GetObject" and answer.status_code < 300:
        return answer  # an object may be of any size: whoever asks for it reads it
    try:
        body = _read(answer.raw)
    except SilentTooLong as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except Exception as error:
        raise ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
    try:
        body = plain(body, answer.headers.get("Content-Encoding", ""), LONGEST)
    except EOFError as error:
        raise ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
    if too_much := _too_much(body):
        raise Transient(
            f"the answer to {operation} has {too_much}, as none of S3's has; check the endpoint",
            operation=operation,
            code="AnswerTooLong",
            status=answer.status_code,
            once=True,
        )
    if answer.status_code >= 300 and is_cut(body):
        raise ConnectionClosedError(
            endpoint_url=request.url, request=request, error=EOFError("the response was cut off")
        )
    check_redirect(operation, request.url, answer, body)
    if answer.status_code == 400 and any(words in body for words in _WANTS_TLS):
        raise wrong_scheme(operation, request.url)
    if answer.status_code < 300 and _is_web_page(operation, answer.headers, body):
        raise Transient(
            f"{operation} was answered with a web page, as S3 never does: log in to this network if it asks for that, "
            "and check the proxy and --endpoint-url",
            operation=operation,
            code=WEB_PAGE,
        )
    answer.raw = _Taken(body)
    return answer


def _is_web_page(operation: str, headers: Any, body: bytes) -> bool:
    """True for HTML in the place of the service's response.  The objects of users may be HTML, too: then HEAD names
    that type, and a service without ListParts sends it instead of a list, both with headers of the service's."""
    is_of_object = operation.startswith("Head") or operation == "ListParts"
    if is_of_object and any(_OF_SERVICE.match(name) for name in headers):
        return False
    if body:
        return is_web_page(body)
    return is_of_object and str(headers.get("Content-Type", "")).lower().startswith("text/html")


def _too_much(body: bytes) -> str | None:
    """What the body has too much of, or None.  Parsed, a few bytes become hundreds, and an entity any number."""
    if len(body) > LONGEST:
        return f"more than {LONGEST // 2**20} MiB"
    if body.count(b"<") > MAX_TAGS:
        return f"more than {MAX_TAGS:,} tags"
    return "entities of its own" if b"<!ENTITY" in body else None


def _read(raw: Any) -> bytes:
    """The body, or more than ``LONGEST`` bytes of it; only one that was read to its end leaves the connection open."""
    body = bytearray()
    for block in raw.stream():
        body += block
        if len(body) > LONGEST:
            raw.close()
            break
    return bytes(body)
