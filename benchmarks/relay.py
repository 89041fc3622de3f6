"""A TCP relay on the loopback that counts what clients send, request heads included, and may slow it down."""

import contextlib
import select
import socket
import threading
import time
from types import TracebackType
from typing import Self

from .token_bucket import TokenBucket

_BLOCK = 1024 * 1024


class Relay:
    """Passes everything that comes to ``port`` on to ``inner_port`` and back; ``received`` counts bytes from clients.

    rate: bytes a second from clients, all connections together; None does not slow them.
    """

    def __init__(self, inner_port: int, *, rate: float | None = None) -> None:
        self.received = 0
        self._inner_port = inner_port
        self._bucket = TokenBucket(rate=rate, burst=65536) if rate else None
        self._block = _BLOCK if rate is None else 16384
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone would leave the thread that waits in accept where it is.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._inner_port)) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for source in ready:
                    block = source.recv(self._block)
                    if not block:
                        return
                    if source is client:
                        time.sleep(self._count(len(block)))
                        server.sendall(block)
                    else:
                        client.sendall(block)

    def _count(self, size: int) -> float:
        """Seconds to wait before so many bytes may go on."""
        with self._lock:
            self.received += size
            return self._bucket.wait_for(size, time.monotonic()) if self._bucket else 0.0
