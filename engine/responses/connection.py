"""HTTP connections that detect what http.client and botocore miss: a response that is truncated in its headers, and one
that arrives so slowly that it never ends.
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

# A whole response may take this many times the read timeout.
_WHOLE_RESPONSE = 5
_FIRST_ATTEMPTS = (5.0, 10.0)  # seconds; the timeouts of the first attempts to connect
_MAX_LINE = 65536  # bytes; http.client's own limit
_MAX_HEADERS = 100
_END_OF_HEADERS = (b"\r\n", b"\n")
# Interim responses precede the final one; 101 would be final.
# https://www.rfc-editor.org/rfc/rfc9110#section-15.2
_INTERIM = (100, *range(102, 200))


def install(session: Any) -> None:
    """Make botocore's HTTP session use these connections, also through proxies."""
    session._pool_classes_by_scheme.update(http=_Pool, https=_TlsPool)


class _Bounded(RawIOBase):
    """A file whose reads share one deadline.

    Args:
        seconds: The socket's timeout for one read; None means no deadline.
    """

    def __init__(self, file: Any, seconds: float | None) -> None:
        self._file = file
        # At most one socket read each: ``readinto`` would wait until the block is full.
        self._read = getattr(file, "readinto1", file.readinto)
        self._end = None if seconds is None else monotonic() + _WHOLE_RESPONSE * seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Raises TimeoutError when the deadline or the socket's timeout has passed."""
        if self._end is not None and monotonic() > self._end:
            raise TimeoutError("the response took too long")
        return self._read(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._file.close()
        super().close()


class _Lines:
    """Replaces a response's file while its headers are read.  last: the last line that was read."""

    def __init__(self, file: Any) -> None:
        self.last = b""
        self._file = file

    def readline(self, limit: int = -1) -> bytes:
        self.last = self._file.readline(limit)
        return self.last

    def close(self) -> None:
        self._file.close()


class Response(HTTPResponse):
    """A response that fails when its headers end without an empty line, because they were truncated.  http.client
    accepts them, and then a missing checksum looks like a service that does not support it."""

    fp: Any

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._seconds: float | None = sock.gettimeout()

    def begin(self) -> None:
        first = self.fp.peek()
        if b"\r\n\r\n" in first and first[8:10] != b" 1":
            # The headers are complete, as nearly always: skip the checks, which would slow down every small file.
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
        """The status line of the final response; http.client skips only 100."""
        while True:
            version, status, phrase = super()._read_status()  # type: ignore[misc]
            if status not in _INTERIM:
                return version, status, phrase
            _skip_headers(self.fp)


class _EarlyResponse(Response, AWSHTTPResponse):
    """The response to a request whose body was held back; its first line has been read."""


class _Expecting(AWSConnection):
    response_class: Any = Response
    sock: Any
    timeout: Any
    connected_at = 0.0  # of ``time.monotonic``

    def _new_conn(self) -> Any:
        """Connect, in attempts that share the connect timeout."""
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
        self.connected_at = monotonic()
        return sock

    def _handle_expect_response(self, message_body: Any) -> None:
        """Read the response to ``Expect: 100-continue``.

        Like botocore's method, which loops forever when the connection ends within the headers of a 100, and does not
        understand a status without a phrase.
        """
        # Unbuffered: another reader reads what follows.
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
    """The timeout of each attempt to connect.  Within one attempt the kernel retries only after 1, 3, 7 and 15 s, so an
    endpoint that is reachable again would be noticed late."""
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
    """Version, status and phrase; status 0 when this is not a status line."""
    version, status, phrase = [*line.decode("latin-1").strip().split(None, 2), "", "", ""][:3]
    is_status = version.startswith("HTTP/") and len(status) == 3 and status.isdecimal()
    return version, int(status) if is_status else 0, phrase


class _Connection(_Expecting, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _TlsConnection(_Expecting, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _Plain:
    """Returns a redirect like any other response; urllib3 would first turn a 303 into a GET."""

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["redirect"] = False
        return super().urlopen(*args, **kwargs)  # type: ignore[misc]


class _Pool(_Plain, AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(_Plain, AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection
