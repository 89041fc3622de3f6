"""Responses that are read without botocore mean what they mean to it, and its connections are used with care."""

import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, SSLError
from hypothesis import given, settings

from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import PartwayError, SourceChanged
from partway.engine.requests import sender as sender_module
from partway.engine.requests.sender import Received, Request
from partway.engine.s3.backend import S3Backend
from partway.engine.s3.client import repeated_calls
from partway.engine.source.part_reader import PartReader
from partway.engine.source.plan import PartSpec
from tests.support.engine.upload_case import PART
from tests.support.fuzz.responses import ANSWERS
from tests.support.fuzz.settings import QUICKLY
from tests.support.s3_access.backend import backend_on
from tests.support.s3_faults.faults import Action, Answer, CloseConnection, Fault, Hang, ResetConnection, Stage
from tests.support.s3_faults.responses import permanent_redirect, request_time_too_skewed, s3_error, slow_down
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3

CRC = ChecksumAlgorithm.CRC64NVME
REQUEST = Request(method="PUT", origin="https://host", url="https://host/key", headers={}, head=b"", body=b"x")
OPERATIONS = ["PutObject", "UploadPart", "HeadObject"]
TIMEOUTS = {"answer_timeout": 0.5, "send_timeout": 2.0}


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    with StrictS3(S3Model(min_part_size=PART)) as server:
        yield server


@pytest.fixture(autouse=True)
def no_faults(server: StrictS3) -> None:
    server.faults.clear()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sender") / "source.bin"
    path.write_bytes(bytes(3 * PART))
    return path


class Calls:
    """Calls of one kind, of which the first is botocore's; ``received`` has the responses that the sender read."""

    def __init__(self, backend: S3Backend, source: Path, operation: str, *, size: int = 10) -> None:
        self.operation = operation
        self.received: list[Received | None] = []
        self.sender = repeated_calls(backend.config)._sender
        self._backend = backend
        self._target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)
        self._source = str(source)
        self._size = size
        self._upload = backend.create_upload(self._target, CRC).upload_id if operation == "UploadPart" else ""

    def one(self, on_read: Callable[[int], None] = lambda sent: None) -> object:
        spec = PartSpec(number=1, offset=0, size=self._size)
        with PartReader(self._source, spec, algorithm=CRC, on_read=on_read) as body:
            match self.operation:
                case "PutObject":
                    return self._backend.put_object(self._target, body)
                case "UploadPart":
                    return self._backend.upload_part(self._target, self._upload, body)
                case _:
                    return self._backend.head_object(self._target, CRC)

    def outcome(self) -> object:
        """The result of a call, or its error."""
        try:
            return self.one()
        except PartwayError as error:
            return type(error), str(error)

    @contextmanager
    def by_sender(self, *, used: bool = True) -> Iterator[None]:
        """Within, responses are noted; with ``used=False`` the sender sends nothing, and botocore everything."""
        send = self.sender.send

        def noted(request: Request) -> Received | None:
            received = send(request) if used else None
            self.received.append(received)
            return received

        self.sender.send = noted  # type: ignore[method-assign]
        try:
            yield
        finally:
            del self.sender.send


@pytest.fixture(scope="module", params=OPERATIONS)
def calls(request: pytest.FixtureRequest, server: StrictS3, source: Path) -> Iterator[Calls]:
    """Calls of one kind, by a backend that does not wait long."""
    server.model.put_object("bucket", "key", bytes(10))
    with backend_on(server, **TIMEOUTS) as backend:
        yield Calls(backend, source, request.param)


@pytest.fixture(scope="module", params=OPERATIONS)
def patient(request: pytest.FixtureRequest, server: StrictS3, source: Path) -> Iterator[Calls]:
    """The same, with the usual timeouts."""
    server.model.put_object("bucket", "key", bytes(10))
    with backend_on(server) as backend:
        yield Calls(backend, source, request.param)


def both_ways(server: StrictS3, calls: Calls, fault: Fault) -> tuple[object, object]:
    """What a call comes to, by the sender and by botocore.

    A response that never comes to its end costs a timeout, which is short, so on a busy machine a good one may meet
    it too: what differs is tried again.
    """
    outcomes: list[object] = []
    for _ in range(3):
        outcomes = []
        for used in (True, False):
            server.faults.clear()
            _until_good(calls)
            server.faults.add(fault)
            with calls.by_sender(used=used):
                outcomes.append(calls.outcome())
        if _kind(outcomes[0]) == _kind(outcomes[1]):
            break
    server.faults.clear()
    return outcomes[0], outcomes[1]


def _until_good(calls: Calls) -> None:
    while isinstance(calls.outcome(), tuple):
        pass


@given(answer=ANSWERS)
@settings(QUICKLY, max_examples=50)
def test_any_response_means_the_same(server: StrictS3, calls: Calls, answer: Answer) -> None:
    fault = Fault(operation=calls.operation, stage=Stage.AFTER_BODY, action=answer)
    by_sender, by_botocore = both_ways(server, calls, fault)

    assert _kind(by_sender) == _kind(by_botocore)


REFUSALS: dict[str, Action] = {
    "refused": s3_error("AccessDenied", 403),
    "slow down": slow_down(),
    "skewed": request_time_too_skewed(),
    "redirect": permanent_redirect("eu-west-9"),
}
BREAKS: dict[str, Action] = {"closed": CloseConnection(), "reset": ResetConnection(), "silent": Hang(seconds=1.0)}
FAULTS = [
    *((name, stage) for name in REFUSALS for stage in (Stage.BEFORE_READ, Stage.AFTER_BODY)),
    *((name, stage) for name in BREAKS for stage in (Stage.BEFORE_READ, Stage.AFTER_BODY, Stage.HALF_ANSWER)),
]


@pytest.mark.parametrize(("name", "stage"), FAULTS)
def test_any_fault_means_the_same(server: StrictS3, calls: Calls, name: str, stage: Stage) -> None:
    """The reason of a broken connection depends on the moment at which it is noticed."""
    fault = Fault(operation=calls.operation, stage=stage, action=(REFUSALS | BREAKS)[name])
    by_sender, by_botocore = both_ways(server, calls, fault)

    assert _kind(by_sender) == _kind(by_botocore)


def _kind(outcome: object) -> object:
    return (outcome[0], outcome[1].partition(" broke during ")[0]) if isinstance(outcome, tuple) else outcome


def test_the_second_call_goes_over_the_connection_of_the_first(server: StrictS3, patient: Calls) -> None:
    patient.one()
    patient.received.clear()
    with patient.by_sender():
        patient.one()
        patient.one()

    assert [received.status for received in patient.received if received] == [200, 200]


def test_a_connection_that_the_service_closed_costs_no_retry(server: StrictS3, patient: Calls) -> None:
    """The service ends the connection some time after its response."""
    patient.one()
    patient.one()
    _close_idle(patient)
    patient.received.clear()
    with patient.by_sender():
        patient.one()

    assert patient.received == [None]


def _close_idle(calls: Calls) -> None:
    """End the other side of the idle connections: what the client sees is an end of file."""
    for pool in calls.sender._pools.values():
        for connection in [each for each in pool.pool.queue if each is not None and each.sock is not None]:
            ours, theirs = socket.socketpair()
            connection.sock.close()
            connection.sock = ours
            theirs.close()


def test_a_connection_that_the_service_wants_to_close_is_closed(scripted: "Scripted", source: Path) -> None:
    with backend_on(_Address(scripted.url), **TIMEOUTS) as backend:  # type: ignore[arg-type]
        calls = Calls(backend, source, "PutObject")
        calls.one()
        scripted.pieces = RAW["closing"]
        calls.one()
        (pool,) = calls.sender._pools.values()

        assert [each.sock for each in pool.pool.queue if each is not None] == [None]


class _Broken:
    """A socket that sends nothing."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    def sendall(self, data: bytes) -> None:
        raise self._error


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, "x"), ConnectionResetError(errno.ECONNRESET, "x")])
def test_a_response_may_come_before_the_body_is_sent(error: OSError) -> None:
    """The service refuses and closes: what it says is read."""
    sender_module._send(REQUEST, _Broken(error))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EHOSTUNREACH, "no route"), ConnectionClosedError),
        (TimeoutError("timed out"), ConnectionClosedError),
        (ssl.SSLEOFError("EOF"), SSLError),
    ],
)
def test_a_connection_that_breaks_is_an_error_of_botocore(error: OSError, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        sender_module._send(REQUEST, _Broken(error))


def test_an_old_connection_is_not_used(server: StrictS3, patient: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint may have another address by now."""
    patient.one()
    patient.one()
    monkeypatch.setattr(sender_module, "_MAX_AGE", -1.0)
    patient.received.clear()
    with patient.by_sender():
        patient.one()

    assert patient.received == [None]


def test_what_the_body_raises_ends_the_call(server: StrictS3, source: Path) -> None:
    """A cancel, or a file that changes: the error is the body's, and the connection is not used again."""
    with backend_on(server) as backend:
        calls = Calls(backend, source, "UploadPart", size=2 * PART)
        calls.one()

        def fail(sent: int) -> None:
            if sent:
                raise SourceChanged("it shrank")

        with calls.by_sender(), pytest.raises(SourceChanged, match="it shrank"):
            calls.one(fail)
        with calls.by_sender():
            calls.one()  # botocore's, after trouble
            calls.one()

    assert [received.status for received in calls.received if received] == [200]


# --- responses in pieces, on a server that does as it is told ---

OK = b'HTTP/1.1 200 OK\r\nETag: "e"\r\nx-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\nContent-Length: 0\r\n\r\n'
RAW = {
    "usual": [OK],
    "in two pieces": [OK[:30], OK[30:]],
    "byte by byte": [OK[each : each + 1] for each in range(len(OK))],
    "after a 100": [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
    "after a 102, at once": [b"HTTP/1.1 102 Processing\r\n\r\n" + OK],
    "HTTP/1.0": [OK.replace(b"1.1", b"1.0", 1)],
    "chunked": [OK.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"],
    "chunked, cut": [OK.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"5\r\nab"],
    "without a length": [OK.replace(b"Content-Length: 0\r\n", b"")],
    "with a body": [OK.replace(b"Length: 0", b"Length: 2") + b"ok"],
    "with a body, later": [OK.replace(b"Length: 0", b"Length: 2"), b"ok"],
    "with more than its length": [OK + b"HTTP/1.1 500 x\r\n\r\n"],
    "with less than its length": [OK.replace(b"Length: 0", b"Length: 9") + b"ok"],
    "two lengths": [OK.replace(b"Content-Length: 0", b"Content-Length: 0\r\nContent-Length: 0")],
    "cut in its headers": [OK[:-10]],
    "a folded header": [OK.replace(b"ETag:", b"x-amz-meta-a: 1\r\n 2\r\nETag:")],
    "a header without a colon": [OK.replace(b"ETag:", b"nonsense\r\nETag:")],
    "line feeds alone": [OK.replace(b"\r\n", b"\n")],
    "no reason": [OK.replace(b"200 OK", b"200")],
    "no HTTP": [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    "nothing": [],
    "a page": [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"],
    "an error": [b"HTTP/1.1 503 x\r\nContent-Length: 50\r\n\r\n<Error><Code>SlowDown</Code><Message/></Error>    "],
    "a gzip": [OK.replace(b"Content-Length: 0", b"Content-Encoding: gzip\r\nContent-Length: 3") + b"abc"],
    "latin-1": [OK.replace(b"ETag:", b"x-amz-meta-a: \xfc\r\nETag:")],
    "closing": [OK.replace(b"ETag:", b"Connection: close\r\nETag:")],
}


class Scripted:
    """A server that answers each request with OK, or with the pieces that are set."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.pieces: list[bytes] | None = None
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with closing(connection), connection.makefile("rb") as file:
            while head := self._head(file):
                if b"expect: 100" in head:
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                file.read(length)
                pieces, self.pieces = self.pieces, None
                for piece in [OK] if pieces is None else pieces:
                    connection.sendall(piece)
                    time.sleep(0.001)
                if pieces is not None:
                    return

    def _head(self, file: Any) -> bytes:
        lines = list(iter(file.readline, b"\r\n"))
        return b"" if not lines or not lines[-1] else b"".join(lines).lower()

    def close(self) -> None:
        self._socket.close()
        for connection in self._open:
            connection.close()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    with closing(Scripted()) as server:
        yield server


@pytest.mark.parametrize("case", RAW)
def test_any_bytes_mean_the_same(scripted: Scripted, source: Path, case: str) -> None:
    """Tried again where they differ, as in ``both_ways``."""
    meanings: list[object] = []
    for _ in range(3):
        meanings = [_meaning(scripted, source, RAW[case], used=used) for used in (True, False)]
        if meanings[0] == meanings[1]:
            break

    assert meanings[0] == meanings[1]


def _meaning(scripted: Scripted, source: Path, pieces: list[bytes], *, used: bool) -> object:
    with backend_on(_Address(scripted.url), **TIMEOUTS) as backend:  # type: ignore[arg-type]
        calls = Calls(backend, source, "PutObject")
        _until_good(calls)
        scripted.pieces = pieces
        with calls.by_sender(used=used):
            outcome = _kind(calls.outcome())
        assert not used or isinstance(outcome, tuple) or calls.received[0] is not None
        return outcome


class _Address:
    """What ``backend_on`` needs of a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def environment(self) -> dict[str, str]:
        return {}
