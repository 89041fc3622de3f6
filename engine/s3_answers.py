"""Send, and take so much of the answer.  Without a bound, an endpoint that is no S3 could fill the memory."""

from typing import Any
from xml.parsers import expat

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from urllib3.exceptions import ReadTimeoutError as SilentTooLong

from .errors import Transient
from .s3_errors import wrong_scheme

# The longest answers are pages of 1000 rows: parts take less than 1 MiB, uploads of the longest keys 2 MiB.
LONGEST = 8 * 1024 * 1024

# What servers answer to plain http on their https port: Go's and MinIO, nginx and AWS, Apache.
_WANTS_TLS = (b"HTTP request to an HTTPS server", b"HTTP request was sent to HTTPS port", b"HTTP to an SSL-enabled")
# What expat says of a document that ends within an element, a tag, a character or a section.
_ENDS_EARLY = frozenset(
    expat.errors.codes[words]
    for words in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)


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
        Transient: the answer is longer, which is asked for once more.
        Refused: the endpoint wants https.
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
    if len(body) > LONGEST:
        raise Transient(
            f"the answer to {operation} has more than {LONGEST // 2**20} MiB, as none of S3's has; check the endpoint",
            operation=operation,
            code="AnswerTooLong",
            status=answer.status_code,
            once=True,
        )
    if answer.status_code >= 300 and _is_cut(body):
        raise ConnectionClosedError(
            endpoint_url=request.url, request=request, error=EOFError("the response was cut off")
        )
    if answer.status_code == 400 and any(words in body for words in _WANTS_TLS):
        raise wrong_scheme(operation, request.url)
    answer.raw = _Taken(body)
    return answer


def _is_cut(document: bytes) -> bool:
    """True for an error document without its end: botocore takes it for one without a code."""
    if not document.startswith((b"<?xml", b"<Error")):
        return False
    try:
        expat.ParserCreate().Parse(document, True)
    except expat.ExpatError as error:
        return error.code in _ENDS_EARLY
    return False


def _read(raw: Any) -> bytes:
    """The body, or more than ``LONGEST`` bytes of it; only one that was read to its end leaves the connection open."""
    body = bytearray()
    for block in raw.stream():
        body += block
        if len(body) > LONGEST:
            raw.close()
            break
    return bytes(body)
