"""A strict S3 on 127.0.0.1: real HTTP, real signatures, S3's rules, and faults on demand.

with StrictS3(S3Model(min_part_size=4096)) as server:
    client = boto_client(server)
    server.faults.add(Fault(operation="UploadPart", stage=Stage.HALF_BODY, action=ResetConnection()))
"""

import os
import socket
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.s3_faults.faults import FaultScript
from tests.support.s3_model.model import S3Model

from .connection import Connection
from .listener import Listener
from .request_log import Call, Journal
from .sigv4 import Credentials
from .tls import make_tls_files


class StrictS3:
    """An S3 server for one test; it runs inside ``with``.

    Args:
        model: Its rules and contents; None: a default one with the bucket "bucket".
        tls: Speak HTTPS with a certificate that ``ca_file`` vouches for.
        region: The only region that signatures may name.
        session_token: Every request must carry it; None: none may.
        idle_timeout: Seconds without a byte of a body after which the answer is RequestTimeout; None: never.
        clock: Seconds since 1970; signatures are compared with it, and Date tells it.

    edge: What a proxy in front of it makes of the head and the body of an operation's answer; then it closes the
        connection.  None: no proxy.

    ``model``, ``faults``, ``credentials``, ``clock`` and ``edge`` may be used and replaced from any thread while it
    runs.
    """

    def __init__(
        self,
        model: S3Model | None = None,
        *,
        tls: bool = False,
        access_key: str = "AKIASTRICT",
        secret_key: str = "strict-secret",
        session_token: str | None = None,
        region: str = "us-east-1",
        idle_timeout: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.model = model or S3Model(clock=clock)
        self.faults = FaultScript()
        self.journal = Journal()
        self.credentials = Credentials(access_key=access_key, secret_key=secret_key, session_token=session_token)
        self.region = region
        self.is_tls = tls
        self.clock = clock
        self.idle_timeout = idle_timeout
        self.edge: Callable[[str, bytes, bytes], bytes] | None = None
        self.handle_signals = threading.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="strict-s3-") if tls else None
        files = make_tls_files(Path(self._folder.name)) if self._folder else None
        self.ca_file: Path | None = files.ca_file if files else None
        context = None
        if files is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(files.chain_file)
        self._listener = Listener(self._serve, tls=context)
        self.port = self._listener.port

    def __enter__(self) -> Self:
        self._listener.accept()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every thread.

        Raises:
            RuntimeError: the server itself failed, or a function that a fault called; only without an error so far.
        """
        self.handle_signals.set()
        try:
            self._listener.stop()
        finally:
            if self._folder is not None:
                self._folder.cleanup()
        if kind is None and self._listener.crashes:
            raise RuntimeError("the strict S3 itself failed") from self._listener.crashes[0]

    @property
    def url(self) -> str:
        """The endpoint, as clients take it."""
        return f"{'https' if self.is_tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def access_key(self) -> str:
        """The key that is let in."""
        return self.credentials.access_key

    @property
    def secret_key(self) -> str:
        """Its secret."""
        return self.credentials.secret_key

    @property
    def calls(self) -> list[Call]:
        """Every request up to now, in the order they came; those that run have no status yet."""
        return self.journal.calls

    @property
    def counts(self) -> Counter[str]:
        """How many requests came for each operation."""
        return self.journal.counts

    @property
    def in_flight_max(self) -> int:
        """The most requests that were being served at one moment."""
        return self.journal.in_flight_max

    def bytes_received(self, operation: str) -> int:
        """Body bytes of all requests for an operation, broken ones included."""
        return self.journal.bytes_received(operation)

    def environment(self) -> dict[str, str]:
        """Variables that point a client process at this server and at nothing else."""
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        if self.credentials.session_token is not None:
            variables["AWS_SESSION_TOKEN"] = self.credentials.session_token
        if self.ca_file is not None:
            variables["AWS_CA_BUNDLE"] = str(self.ca_file)
        return variables

    def refuse(self, *, cut: bool = True) -> None:
        """Refuse new connections, as a server that is down; ``cut`` ends the open ones too."""
        self._listener.refuse(cut=cut)

    def accept(self) -> None:
        """Take connections again, on the same port."""
        self._listener.accept()

    def settle(self) -> None:
        """Wait until all that clients sent is read and their connections have ended."""
        self._listener.settle()

    def has_cut(self, connection: socket.socket) -> bool:
        """True when this connection was ended by ``refuse``."""
        return self._listener.has_cut(connection)

    def _serve(self, connection: socket.socket) -> None:
        Connection(connection, self)
