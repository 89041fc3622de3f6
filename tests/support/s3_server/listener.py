"""Accept connections on one port of 127.0.0.1, each in its own thread, and end them all."""

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable

HANDSHAKE_SECONDS = 30.0
JOIN_SECONDS = 30.0
LOOK_SECONDS = 0.005


class Listener:
    """A port that can be closed and opened again.

    While it is closed the port stays bound, so that nobody else gets it, and connections are refused.

    Args:
        serve: Called with each connection in its thread; it returns when the connection is to be closed.
        tls: Wraps connections; None: plain.
    """

    def __init__(self, serve: Callable[[socket.socket], None], *, tls: ssl.SSLContext | None = None) -> None:
        self._serve = serve
        self._tls = tls
        self._lock = threading.Lock()
        self._switching = threading.Lock()  # who opens the port again waits until it is closed
        self._open: dict[socket.socket, object] = {}  # with the address of the client
        self._threads: list[threading.Thread] = []
        self._acceptor: threading.Thread | None = None
        self._stopped = False
        self._socket = _bound(0)
        self.port: int = self._socket.getsockname()[1]
        self.crashes: list[Exception] = []

    def accept(self) -> None:
        """Take connections; nothing happens when it does already."""
        with self._switching:
            if self._acceptor is not None:
                return
            self._socket.listen(128)
            self._wake, wake = socket.socketpair()
            self._acceptor = threading.Thread(target=self._accept_all, args=(wake,), name="strict-s3", daemon=True)
            self._acceptor.start()

    def refuse(self, *, cut: bool) -> None:
        """Refuse new connections; ``cut`` ends the open ones too."""
        with self._switching:
            if self._acceptor is not None:
                self._wake.close()
                self._acceptor.join()
                self._acceptor = None
                self._socket.close()
                self._socket = _bound(self.port)
            if cut:
                self._cut()

    def has_cut(self, connection: socket.socket) -> bool:
        """True when ``connection`` is one that was ended, and whoever serves it should let go of it."""
        with self._lock:
            return connection not in self._open

    def settle(self) -> None:
        """Wait until every connection that was made before has ended: what a dead client sent is read first."""
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            while last.getsockname() not in self._peers():
                time.sleep(LOOK_SECONDS)
        while self._peers():
            time.sleep(LOOK_SECONDS)

    def _peers(self) -> set[object]:
        with self._lock:
            return set(self._open.values())

    def stop(self) -> None:
        """End everything.

        Raises:
            RuntimeError: a thread did not end.
        """
        with self._lock:
            self._stopped = True
        self.refuse(cut=True)
        self._socket.close()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        if any(thread.is_alive() for thread in self._threads):
            raise RuntimeError("a connection of the strict S3 did not end")

    def _accept_all(self, wake: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, wake:
            selector.register(wake, selectors.EVENT_READ)
            selector.register(self._socket, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if wake in ready:
                    return
                with contextlib.suppress(OSError):
                    self._start(*self._socket.accept())

    def _start(self, connection: socket.socket, peer: object) -> None:
        thread = threading.Thread(target=self._run, args=(connection, peer), name="strict-s3 connection", daemon=True)
        self._keep(connection, peer)
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()

    def _run(self, connection: socket.socket, peer: object) -> None:
        try:
            if self._tls is not None:
                connection.settimeout(HANDSHAKE_SECONDS)
                plain, connection = connection, self._tls.wrap_socket(connection, server_side=True)
                connection.settimeout(None)
                with self._lock:
                    self._open.pop(plain, None)
                self._keep(connection, peer)
            self._serve(connection)
        except OSError:
            pass
        except Exception as crash:
            self.crashes.append(crash)
        finally:
            with self._lock:
                self._open.pop(connection, None)
            connection.close()

    def _keep(self, connection: socket.socket, peer: object) -> None:
        with self._lock:
            self._open[connection] = peer
            stopped = self._stopped
        if stopped:
            _shut(connection)

    def _cut(self) -> None:
        with self._lock:
            connections, self._open = self._open, {}
        for connection in connections:
            _shut(connection)


def _shut(connection: socket.socket) -> None:
    """Wake whoever reads or writes it.  Not SSLSocket's own shutdown: that takes the TLS state from its reader."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
