"""A TCP relay on the loopback that counts what clients send, request heads included."""

import select
import socket
import threading
import time
from types import TracebackType
from typing import Self

_BLOCK = 1024 * 1024


class Relay:
    """Listens on ``port`` and passes everything to ``inner_port`` and back; ``received`` counts bytes from clients."""

    def __init__(self) -> None:
        self.received = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.inner_port = probe.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def wait_for_server(self) -> None:
        """Until something listens behind the relay."""
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.inner_port)).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("the server did not start")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.inner_port)) as server:
            try:
                while True:
                    ready, _, _ = select.select([client, server], [], [])
                    for source in ready:
                        block = source.recv(_BLOCK)
                        if not block:
                            return
                        if source is client:
                            with self._lock:
                                self.received += len(block)
                            server.sendall(block)
                        else:
                            client.sendall(block)
            except OSError:
                return
