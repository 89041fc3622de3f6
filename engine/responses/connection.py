"""HTTP connections that notice what http.client and botocore let pass: a response that was cut off inside its headers,
and one that trickles in without end.
"""

from contextlib import closing, suppress
from functools import partial
from http.client import HTTPResponse, RemoteDisconnected
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import Any

from botocore.awsrequest import (
    AWSConnection,
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPResponse,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from urllib3.exceptions import ConnectTimeoutError

# A whole response may take this many times the longest wait for one of its bytes.
_WHOLE_RESPONSE = 5
_FIRST_ATTEMPTS = (5.0, 10.0)  # seconds, of the attempts to connect
_MAX_LINE = 65536  # bytes; http.client's own bound
_MAX_HEADERS = 100
_END_OF_HEADERS = (b"\r\n", b"\n")
# Interim responses say that the final one will come; 101 would be the final one.
# https://www.rfc-editor.org/rfc/rfc9110#section-15.2
_INTERIM = (100, *range(102, 200))


def install(session: Any) -> None:
    """Have botocore's HTTP session open these connections, also through proxies."""
    session._pool_classes_by_scheme.update(http=_Pool, https=_TlsPool)


class _Bounded(RawIOBase):
    """Reads of a file with a deadline for all of them.

    Args:
        seconds: How long one read may take, as the socket has it; None: reads are not bounded.
    """

    def __init__(self, file: Any, seconds: float | None) -> None:
        self._file = file
        # One look at the socket a read: a block would be waited for to its end.
        self._read = getattr(file, "readinto1", file.readinto)
        self._end = None if seconds is None else monotonic() + _WHOLE_RESPONSE * seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Raises TimeoutError when the deadline has passed, or the socket's own has."""
        if self._end is not None and monotonic() > self._end:
            raise TimeoutError("the response took too long")
        return self._read(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._file.close()
        super().close()


class _Lines:
    """Stands for a response's file while its headers are read.  last: the line that was read last."""

    def __init__(self, file: Any) -> None:
        self.last = b""
        self._file = file

    def readline(self, limit: int = -1) -> bytes:
        self.last = self._file.readline(limit)
        return self.last

    def close(self) -> None:
        self._file.close()


class _Response(HTTPResponse):
    """Headers that end without an empty line were cut off; http.client takes them for all there are, and then a missing
    checksum looks like a service that has none."""

    fp: Any

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._seconds: float | None = sock.gettimeout()

    def begin(self) -> None:
        first = self.fp.peek()
        if b"\r\n\r\n" in first and first[8:10] != b" 1":
            # They are there as a whole, as nearly always: nothing to look after, which would cost every small file.
            super().begin()
            if self.fp is not None and self.length != 0:
                self.fp = BufferedReader(_Bounded(self.fp, self._seconds))
            return
        file = BufferedReader(_Bounded(self.fp, self._seconds))
        self.fp = lines = _Lines(file)
        try:
            super().begin()
        finally:
            if self.fp is lines:  # it is None when the response was closed at once
                self.fp = file
        if lines.last not in _END_OF_HEADERS:
            raise RemoteDisconnected("the response was truncated in its headers")

    def _read_status(self) -> tuple[str, int, str]:
        """The first line of the final response; http.client passes over 100 alone."""
        while True:
            version, status, phrase = super()._read_status()  # type: ignore[misc]
            if status not in _INTERIM:
                return version, status, phrase
            _skip_headers(self.fp)


class _EarlyResponse(_Response, AWSHTTPResponse):
    """The response to a request whose body was held back; its first line has been read."""


class _Expecting(AWSConnection):
    response_class: Any = _Response
    sock: Any
    timeout: Any

    def _new_conn(self) -> Any:
        """Connect, in attempts that take the connect timeout together."""
        whole = self.timeout
        try:
            *first, last = _attempts(whole)
            for self.timeout in first:
                with suppress(ConnectTimeoutError):
                    return self._connected(whole)
            self.timeout = last
            return self._connected(whole)
        finally:
            self.timeout = whole

    def _connected(self, timeout: Any) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        sock.settimeout(timeout)
        return sock

    def _handle_expect_response(self, message_body: Any) -> None:
        """Read the answer to ``Expect: 100-continue``.

        As botocore's, which reads for ever where the connection ends within the headers of a 100, and does not
        understand a status without a phrase.
        """
        # Unbuffered: what comes next is read by another.
        with closing(_Bounded(self.sock.makefile("rb", 0), self.sock.gettimeout())) as reader:
            while True:
                version, status, phrase = _status(reader.readline(_MAX_LINE))
                if status not in _INTERIM:
                    break
                _skip_headers(reader)
                if status == 100:
                    if message_body is not None:
                        self.send(message_body)
                    return
            if status:
                self.response_class = partial(_EarlyResponse, status_tuple=(version, status, phrase))
                self._response_received = True


def _attempts(seconds: Any) -> list[Any]:
    """How long each attempt to connect may take.  Within one, the kernel repeats what got no answer after 1, 3, 7 and
    15 s, so that an endpoint that comes back would be noticed late."""
    attempts = []
    if isinstance(seconds, int | float):
        for longest in _FIRST_ATTEMPTS:
            if seconds > longest:
                attempts.append(longest)
                seconds -= longest
    return [*attempts, seconds]


def _skip_headers(file: Any) -> None:
    for _ in range(_MAX_HEADERS):
        if file.readline(_MAX_LINE) in (*_END_OF_HEADERS, b""):
            break


def _status(line: bytes) -> tuple[str, int, str]:
    """Version, status and phrase; status 0 when this is not the first line of a response."""
    version, status, phrase = [*line.decode("latin-1").strip().split(None, 2), "", "", ""][:3]
    is_status = version.startswith("HTTP/") and len(status) == 3 and status.isdecimal()
    return version, int(status) if is_status else 0, phrase


class _Connection(_Expecting, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _TlsConnection(_Expecting, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _Plain:
    """Takes a redirect for a response like any other; urllib3 makes a GET of a 303 first."""

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["redirect"] = False
        return super().urlopen(*args, **kwargs)  # type: ignore[misc]


class _Pool(_Plain, AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(_Plain, AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection
