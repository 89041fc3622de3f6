"""Takes request bodies off a connection: to nowhere, or into memory for the few that are read."""

import socket
import sys

_BLOCK = 4 * 1024 * 1024
# With MSG_TRUNC Linux drops a TCP socket's bytes without copying them anywhere.
_DROP = socket.MSG_TRUNC if sys.platform == "linux" else 0


class ClientGone(ConnectionError):
    """The client closed, or speaks something else."""


class Incoming:
    """A connection's bytes from the client: heads, lines, blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._pending = b""
        self._view = memoryview(bytearray(_BLOCK))  # never touched where bytes are dropped, so it costs nothing

    def head(self) -> bytes | None:
        """The next request's head without its empty line; None when the client closed after the last answer."""
        while (end := self._pending.find(b"\r\n\r\n")) < 0:
            if not self._more() and not self._pending:
                return None
        head, self._pending = self._pending[:end], self._pending[end + 4 :]
        return head

    def read(self, length: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._pending) < length:
            self._more(must=True)
        block, self._pending = self._pending[:length], self._pending[length:]
        return block

    def discard(self, length: int) -> None:
        """Read so many bytes to nowhere."""
        here = min(length, len(self._pending))
        self._pending = self._pending[here:]
        length -= here
        while length > 0:
            got = self._connection.recv_into(self._view, min(length, _BLOCK), _DROP)
            if not got:
                raise ClientGone
            length -= got

    def discard_chunks(self) -> None:
        """Read a chunked body and its trailers to nowhere."""
        while size := int(self._line().partition(b";")[0], 16):
            self.discard(size + 2)
        while self._line():
            pass

    def _line(self) -> bytes:
        while (end := self._pending.find(b"\r\n")) < 0:
            self._more(must=True)
        line, self._pending = self._pending[:end], self._pending[end + 2 :]
        return line

    def _more(self, *, must: bool = False) -> bool:
        block = self._connection.recv(65536)
        if not block and (must or self._pending):
            raise ClientGone
        self._pending += block
        return bool(block)
