"""Read request bodies off a connection in small pieces, and undo aws-chunked framing."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedIOBase

from tests.support.s3_model.errors import S3Error, invalid_request

READ_SIZE = 64 * 1024


class Disconnected(Exception):
    """The client is gone, or a fault wants the connection to end.  reset: with an RST instead of a FIN."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("connection ended")
        self.reset = reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A body without its framing.  trailers: by lower-case name, empty without framing."""

    data: bytes
    trailers: Mapping[str, str]


class BodyReader:
    """Reads one request's body.

    Args:
        stream: The connection, just behind the head.
        headers: By lower-case name.
        at_half: Called once, when half of the bytes were read; never for an empty body.
        on_bytes: Called with the size of each piece that was read.
        stopping: Set when the server ends; a slow read ends with it.

    Raises:
        S3Error: the headers do not say how long the body is in a way S3 accepts.
    """

    def __init__(
        self,
        *,
        stream: BufferedIOBase,
        headers: Mapping[str, str],
        length_needed: bool,
        at_half: Callable[[], None],
        on_bytes: Callable[[int], None],
        handle_signals: threading.Event,
    ) -> None:
        self.bytes_per_second: float | None = None
        self._stream = stream
        self._headers = headers
        self._at_half = at_half
        self._on_bytes = on_bytes
        self._stopping = handle_signals
        self._received = bytearray()
        self._is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._length = _body_length(headers, length_needed=length_needed)
        self._half: int | None = self._length // 2 if self._length else None
        self.finished = self._length == 0 and not self._is_chunked

    @property
    def received(self) -> bytes:
        """What was read up to now, aws-chunked framing included."""
        return bytes(self._received)

    def read(self) -> bytes:
        """The whole body.

        Raises:
            Disconnected: it broke off.
        """
        if self._is_chunked:
            while size := self._chunk_size():
                self._take(size)
                self._stream.readline()
            while self._stream.readline() not in (b"\r\n", b"\n", b""):
                pass
        elif self._length:
            self._take(self._length)
        self.finished = True
        return self.received

    def _take(self, size: int) -> None:
        while size:
            want = min(size, READ_SIZE)
            if self._half is not None and self._half > len(self._received):
                want = min(want, self._half - len(self._received))
            if self.bytes_per_second is not None:
                want = max(1, min(want, int(self.bytes_per_second / 20)))
            piece = self._stream.read1(want)
            if not piece:
                raise Disconnected
            self._received += piece
            size -= len(piece)
            self._on_bytes(len(piece))
            if self.bytes_per_second is not None and self._stopping.wait(len(piece) / self.bytes_per_second):
                raise Disconnected
            if self._half is not None and len(self._received) >= self._half:
                self._half = None
                self._at_half()

    def _chunk_size(self) -> int:
        line = self._stream.readline(100)
        if not line:
            raise Disconnected
        try:
            return int(line.split(b";")[0], 16)
        except ValueError:
            raise S3Error(
                "IncompleteBody", 400, "The chunk framing is broken.", headers={"Connection": "close"}
            ) from None


def decode_body(body: bytes, headers: Mapping[str, str]) -> Decoded:
    """Undo ``Content-Encoding: aws-chunked`` with unsigned chunks; other bodies pass as they are.

    Raises:
        S3Error: broken framing, another length than announced, or an announced trailer that did not come.
    """
    if "aws-chunked" not in headers.get("content-encoding", ""):
        if "x-amz-trailer" in headers:
            raise invalid_request("x-amz-trailer needs Content-Encoding: aws-chunked.")
        return Decoded(data=body, trailers={})
    data, rest = bytearray(), memoryview(body)
    try:
        while True:
            line, rest = _line(rest)
            size = int(line, 16)
            if size == 0:
                break
            data += rest[:size]
            if bytes(rest[size : size + 2]) != b"\r\n":
                raise ValueError
            rest = rest[size + 2 :]
        trailers = {}
        while rest:
            line, rest = _line(rest)
            if line:
                name, _, value = line.decode("ascii").partition(":")
                trailers[name.strip().lower()] = value.strip()
    except ValueError:
        raise S3Error("IncompleteBody", 400, "The aws-chunked framing of the body is broken.") from None
    if str(len(data)) != headers.get("x-amz-decoded-content-length"):
        raise S3Error("IncompleteBody", 400, "The body is not as long as x-amz-decoded-content-length says.")
    if {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name} != set(trailers):
        raise S3Error("MalformedTrailerError", 400, "The trailers are not the ones that x-amz-trailer names.")
    return Decoded(data=bytes(data), trailers=trailers)


def _line(rest: memoryview) -> tuple[bytes, memoryview]:
    end = bytes(rest[:1024]).find(b"\r\n")
    if end < 0:
        raise ValueError
    return bytes(rest[:end]), rest[end + 2 :]


def _body_length(headers: Mapping[str, str], *, length_needed: bool) -> int:
    """Bytes to expect; with chunked transfer encoding, the announced length of the payload."""
    if "transfer-encoding" in headers:
        text = headers.get("x-amz-decoded-content-length")
    else:
        text = headers.get("content-length", None if length_needed else "0")
    if text is None:
        raise S3Error("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
    if not (text.isascii() and text.isdigit()):
        raise invalid_request("The length of the body is not a number.")
    return int(text)
