"""The demo's S3 server, in its own process: moto on a free loopback port, counting the bytes that it receives.

It writes its port to stdout and ends when its stdin does, so that it never outlives the demo.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

COUNT_PATH = "/partway-demo/bytes"


class CountingApp:
    """WSGI middleware that counts the bytes of PUT bodies; GET ``COUNT_PATH`` returns the count."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._bytes = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == COUNT_PATH:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(self._bytes).encode()]
        if environ["REQUEST_METHOD"] == "PUT":
            environ["wsgi.input"] = _CountingInput(environ["wsgi.input"], self._count)
        return self._inner(environ, start_response)

    def _count(self, size: int) -> None:
        with self._lock:
            self._bytes += size


class _CountingInput:
    def __init__(self, inner: BinaryIO, count: Callable[[int], None]) -> None:
        self._inner = inner
        self._count = count

    def read(self, size: int = -1) -> bytes:
        block = self._inner.read(size)
        self._count(len(block))
        return block

    def readline(self, size: int = -1) -> bytes:
        return self._inner.readline(size)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def main() -> None:
    """Serve until stdin ends."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").disabled = True
    app = CountingApp(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
