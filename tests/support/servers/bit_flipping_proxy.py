"""A bad line to a server: it flips a bit of a part's body and passes everything else on."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.support.s3_server.listener import Listener

_BLOCK = 64 * 1024


class FlippingLine:
    """Passes connections on to ``url``, and flips a bit in the body of part ``number``, ``times`` times.

    flipped: how often it did so far.
    """

    def __init__(self, url: str, *, number: int, times: int) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._request = re.compile(rb"PUT /\S*[?&]partNumber=%d[& ]" % number)
        self._left = times
        self.flipped = 0
        self._lock = threading.Lock()
        self.listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{self.listener.port}"

    def heal(self) -> None:
        """Flip no more."""
        with self._lock:
            self._left = 0

    def _serve(self, client: socket.socket) -> None:
        with socket.create_connection(self._server) as server:
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            in_body, end = False, 0
            with suppress(OSError):
                while block := client.recv(_BLOCK):
                    if self._request.search(block):
                        in_body, end = True, block.find(b"\r\n\r\n") + 4
                    elif in_body:
                        end = 0
                    if in_body and end < len(block) and self._wanted():
                        block = block[:end] + bytes([block[end] ^ 1]) + block[end + 1 :]
                        in_body = False
                    server.sendall(block)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _wanted(self) -> bool:
        with self._lock:
            if not self._left:
                return False
            self._left -= 1
            self.flipped += 1
            return True


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def flipping_line(url: str, *, number: int, times: int = 1) -> Iterator[FlippingLine]:
    """A line that ends with the block."""
    line = FlippingLine(url, number=number, times=times)
    line.listener.accept()
    try:
        yield line
    finally:
        line.listener.stop()
    assert not line.listener.crashes, line.listener.crashes
