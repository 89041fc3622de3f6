"""Send a request over an idle connection of botocore's HTTP session, without botocore's and urllib3's layers.

botocore opens every connection, with its certificates, timeouts and name look-ups.  Here a request and its response go
over one that is open and idle.  A plain response is read here; any other is read as every response is, by http.client.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from errno import ECONNRESET, EPROTOTYPE
from http.client import HTTPException, RemoteDisconnected
from io import BufferedReader, RawIOBase
from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError, SSLError
from urllib3.exceptions import ClosedPoolError, ProtocolError

from ..clock import SYSTEM_CLOCK
from ..responses.connection import Response
from ..responses.limit import MAX_RESPONSE_BYTES
from ..source.part_reader import BLOCK, PartReader

_MAX_AGE = 300.0  # seconds; then a new connection asks for the endpoint's address again
_MAX_HEAD = 65536  # bytes of a response that is read here
_SMALL = 65536  # bytes of a body that goes with the head of its request


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is ready to be sent.

    url, headers: as botocore's requests have them, for messages and checks.
    origin: the beginning of the address, up to its path.
    head: the request line and all headers, with the empty line.
    """

    method: str
    origin: str
    url: str
    headers: Mapping[str, str]
    head: bytes
    body: PartReader | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A response, read to its end, or until its body is larger than any of S3.

    headers: by name, in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Sender:
    """Sends requests of one client.  Any thread may use it.

    Args:
        session: botocore's HTTP session of the client.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._pools: dict[str, Any] = {}

    def send(self, request: Request) -> Received | None:
        """Send a request; None when no connection is idle, or a proxy is in use: then botocore has to send it.

        Raises:
            BotoCoreError: as botocore's session does.
            PartwayError: what the body raises while it is read.
        """
        pool = self._pool(request)
        if pool is None or (connection := _idle_connection(pool)) is None:
            return None
        is_reusable = False
        try:
            timeout = pool.timeout
            connection.sock.settimeout(timeout.connect_timeout)
            _send(request, connection.sock)
            connection.sock.settimeout(timeout.read_timeout)
            received, is_reusable = _receive(request, connection.sock)
        finally:
            if not is_reusable:
                connection.close()
            pool._put_conn(connection)
        return received

    def _pool(self, request: Request) -> Any:
        """urllib3's pool of connections to the request's host; None when a proxy is in use."""
        pool = self._pools.get(request.origin)
        if pool is None or pool.pool is None:  # it was closed
            if self._session._proxy_config.proxy_url_for(request.url):
                return None
            pool = self._pools[request.origin] = self._session._manager.connection_from_url(request.url)
        return pool


def _idle_connection(pool: Any) -> Any:
    """An open connection taken from the pool; None when there is none."""
    try:
        connection = pool._get_conn()
    except ClosedPoolError:
        return None
    if connection.sock is not None and SYSTEM_CLOCK.monotonic() - connection.connected_at <= _MAX_AGE:
        return connection
    connection.close()
    pool._put_conn(connection)
    return None


def _send(request: Request, sock: Any) -> None:
    try:
        if isinstance(request.body, bytes):
            sock.sendall(request.head + request.body)
            return
        request.body.begin_sending()
        block = request.body.read(BLOCK)
        if len(block) > _SMALL:
            sock.sendall(request.head)
            sock.sendall(block)
        else:
            sock.sendall(b"".join((request.head, block)))
        # The read at the end, of nothing, tells the body that all of it is on its way.
        while block := request.body.read(BLOCK):
            sock.sendall(block)
    except ssl.SSLError as error:
        raise SSLError(endpoint_url=request.url, error=error) from error
    except BrokenPipeError:
        pass  # the response may say why the server wants no more of it
    except OSError as error:
        if error.errno not in (ECONNRESET, EPROTOTYPE):
            raise _aborted(request, error) from error


def _receive(request: Request, sock: Any) -> tuple[Received, bool]:
    """The response, and whether the connection can be used again."""
    try:
        first = sock.recv(_MAX_HEAD)
        if not first:
            raise RemoteDisconnected("the endpoint closed the connection without a response")
        received = _plain(first, request.method)
        if received is not None:
            return received, "close" not in received.headers.get("connection", "").lower()
        response = Response(_Continued(sock, first), method=request.method)
        response.begin()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        body = response.read(MAX_RESPONSE_BYTES + 1)
        return Received(status=response.status, headers=headers, body=body), False
    except TimeoutError as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except ssl.SSLError as error:
        raise SSLError(endpoint_url=request.url, error=error) from error
    except (OSError, HTTPException) as error:
        raise _aborted(request, error) from error


def _plain(data: bytes, method: str) -> Received | None:
    """A usual response, which came in one piece; None for any other, which http.client has to read."""
    end = data.find(b"\r\n\r\n")
    if end < 0 or not data.startswith(b"HTTP/1.1 200"):
        return None
    headers: dict[str, str] = {}
    for line in data[:end].decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name in headers or name != name.strip():
            return None
        headers[name] = value.strip()
    length = "0" if method == "HEAD" else headers.get("content-length", "")
    if "transfer-encoding" in headers or length != str(len(data) - end - 4):
        return None
    return Received(status=200, headers=headers, body=data[end + 4 :])


def _aborted(request: Request, error: Exception) -> ConnectionClosedError:
    """The error that botocore has for a connection that breaks."""
    reason = ProtocolError("Connection aborted.", error)
    return ConnectionClosedError(endpoint_url=request.url, request=request, error=reason)


class _Continued:
    """A socket of which the first bytes were read already, for ``http.client``."""

    def __init__(self, sock: Any, first: bytes) -> None:
        self._sock = sock
        self._first = first

    def gettimeout(self) -> Any:
        return self._sock.gettimeout()

    def makefile(self, mode: str) -> BufferedReader:
        return BufferedReader(_Rest(self._sock, self._first))


class _Rest(RawIOBase):
    def __init__(self, sock: Any, first: bytes) -> None:
        self._sock = sock
        self._first = first

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._first:
            return self._sock.recv_into(buffer)  # type: ignore[no-any-return]
        count = min(len(buffer), len(self._first))
        buffer[:count] = self._first[:count]
        self._first = self._first[count:]
        return count
