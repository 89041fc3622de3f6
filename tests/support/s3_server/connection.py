"""One HTTP/1.1 connection to the strict S3: reads requests, lets faults happen, answers."""

import contextlib
import select
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Protocol, assert_never, cast

from tests.support.s3_faults.faults import (
    Action,
    Answer,
    BreakTls,
    CallFunction,
    CloseConnection,
    FaultScript,
    FlipBit,
    Garbage,
    Hang,
    Outwait,
    ResetConnection,
    Stage,
    Trickle,
)
from tests.support.s3_model.errors import S3Error
from tests.support.s3_model.model import S3Model

from .handlers import perform
from .headers import Reply, Request
from .request_body import READ_SIZE, BodyReader, Disconnected, decode_body
from .request_log import Journal
from .routes import Operation, RequestHead, parse_head
from .sigv4 import Credentials, check_payload, check_signature
from .xml import error_document

DRAIN_SECONDS = 10.0
LOOK_SECONDS = 0.05  # between two looks of a hanging request at whether it was cut


class Service(Protocol):
    """What all connections of a server share."""

    model: S3Model
    faults: FaultScript
    journal: Journal
    credentials: Credentials
    region: str
    is_tls: bool
    clock: Callable[[], float]
    handle_signals: threading.Event
    idle_timeout: float | None
    edge: Callable[[str, bytes, bytes], bytes] | None

    def has_cut(self, connection: socket.socket) -> bool: ...


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """One request on its way through.  body None: not even its length was understood."""

    head: RequestHead
    journal: Journal
    call: int
    body: BodyReader | None = None
    flips: tuple[int, ...] = ()
    waits_for_100: bool = False

    @property
    def is_read(self) -> bool:
        """Whether the next bytes on the connection are a new request."""
        return self.body is not None and self.body.finished


class _Replaced(Exception):
    """A fault wants this answer instead."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("answer replaced")
        self.reply = reply


class Connection(BaseHTTPRequestHandler):
    """Serves requests until the client, a fault or the server ends the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, service: Service) -> None:
        self._service = service
        # The server that http.server expects here is never asked for anything.
        super().__init__(connection, ("127.0.0.1", 0), cast(socketserver.BaseServer, service))

    def handle(self) -> None:
        """Serve; the caller closes the socket, which sends an RST when a fault asked for one."""
        try:
            super().handle()
        except Disconnected as end:
            if end.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass

    def handle_expect_100(self) -> bool:
        """Hold 100 Continue back: it is sent when the body is really wanted."""
        return True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def do_PUT(self) -> None:
        """Serve one request, of any method."""
        head = parse_head(self.command, self.path, self.headers)
        # A test may begin another journal in the middle of a request.
        journal = self._service.journal
        exchange = _Exchange(head=head, journal=journal, call=journal.begin(head))
        exchange.waits_for_100 = head.headers.get("expect", "").lower() == "100-continue"
        try:
            reply = self._decide(exchange)
            journal.end(exchange.call, reply.status)
            self._send(exchange, reply)
        except Disconnected:
            self._keep_cut_part(exchange)
            raise
        finally:
            journal.end(exchange.call, None)

    do_GET = do_HEAD = do_POST = do_DELETE = do_OPTIONS = do_PATCH = do_PUT

    def _decide(self, exchange: _Exchange) -> Reply:
        try:
            return self._process(exchange)
        except _Replaced as replaced:
            return replaced.reply
        except S3Error as error:
            return self._error(exchange, error)
        except TimeoutError:
            return self._error(exchange, S3Error("RequestTimeout", 400, "The connection was idle for too long."))

    def _process(self, exchange: _Exchange) -> Reply:
        service, head = self._service, exchange.head
        exchange.body = body = BodyReader(
            stream=self.rfile,
            headers=head.headers,
            length_needed=head.operation in (Operation.UPLOAD_PART, Operation.PUT_OBJECT),
            at_half=lambda: self._stage(exchange, Stage.HALF_BODY),
            on_bytes=lambda count: exchange.journal.add_bytes(exchange.call, count),
            handle_signals=service.handle_signals,
        )
        self._stage(exchange, Stage.BEFORE_READ)
        check_signature(
            method=head.method,
            raw_path=head.raw_path,
            raw_query=head.raw_query,
            headers=head.headers,
            credentials=service.credentials,
            region=service.region,
            now=service.clock(),
        )
        if exchange.waits_for_100:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
            exchange.waits_for_100 = False
        decoded = decode_body(self._read(body), head.headers)
        self._stage(exchange, Stage.AFTER_BODY)
        data = _flipped(decoded.data, exchange.flips)
        check_payload(head.headers, data)
        request = Request(head=head, body=data, trailers=decoded.trailers, is_tls=service.is_tls)
        reply = perform(service.model, request)
        self._stage(exchange, Stage.AFTER_EFFECT)
        return reply

    def _read(self, body: BodyReader) -> bytes:
        self.connection.settimeout(self._service.idle_timeout)
        try:
            return body.read()
        finally:
            self.connection.settimeout(None)

    def _stage(self, exchange: _Exchange, stage: Stage) -> None:
        head = exchange.head
        for action in self._service.faults.take(head.operation, stage, head.part_number):
            self._act(exchange, action)

    def _act(self, exchange: _Exchange, action: Action) -> None:
        match action:
            case CloseConnection():
                raise Disconnected
            case ResetConnection():
                raise Disconnected(reset=True)
            case Hang(seconds=seconds):
                self._hang(seconds)
            case Outwait(seconds=seconds):
                # The body is read, so that nothing but the end comes.
                while not select.select([self.connection], [], [], LOOK_SECONDS)[0]:
                    self._hang(0.0)
                self._hang(seconds)
            case Answer():
                raise _Replaced(self._scripted(exchange, action))
            case FlipBit(index=index):
                exchange.flips += (index,)
            case Trickle(bytes_per_second=rate):
                if exchange.body is not None:
                    exchange.body.bytes_per_second = rate
            case Garbage(data=data):
                self._write(data)
                raise Disconnected
            case BreakTls(data=data):
                # Below the TLS of an SSLSocket, whose own method would encrypt it.
                with contextlib.suppress(OSError):
                    socket.socket.sendall(self.connection, data)
                raise Disconnected
            case CallFunction(function=function):
                function()
            case _:
                assert_never(action)

    def _hang(self, seconds: float | None) -> None:
        """Wait, with the connection open: only its close resets a client that still sends."""
        end = None if seconds is None else time.monotonic() + seconds
        left = LOOK_SECONDS
        while left > 0.0:
            left = LOOK_SECONDS if end is None else min(LOOK_SECONDS, end - time.monotonic())
            if self._service.handle_signals.wait(max(0.0, left)) or self._service.has_cut(self.connection):
                raise Disconnected

    def _scripted(self, exchange: _Exchange, answer: Answer) -> Reply:
        if answer.code is None:
            is_page = answer.headers.get("Content-Type", "").startswith("text/html")
            return Reply(status=answer.status, headers=answer.headers, body=answer.body, foreign=is_page)
        error = S3Error(answer.code, answer.status, answer.message, details=answer.details, headers=answer.headers)
        return self._error(exchange, error)

    def _error(self, exchange: _Exchange, error: S3Error) -> Reply:
        body = error_document(
            error.code,
            None if self._service.model.quirks.errors_without_message else error.message,
            resource=exchange.head.raw_path,
            request_id=_request_id(exchange),
            details=error.details,
        )
        return Reply(status=error.status, headers=error.headers, body=body)

    def _send(self, exchange: _Exchange, reply: Reply) -> None:
        body = b"" if exchange.head.method == "HEAD" or reply.status == HTTPStatus.NO_CONTENT else reply.body
        headers = {
            "Date": formatdate(self._service.clock(), usegmt=True),
            "Server": "AmazonS3",
            "x-amz-request-id": _request_id(exchange),
            "x-amz-id-2": "strict-s3",
        }
        if reply.foreign:
            headers = {"Server": "nginx"}
        if reply.status != HTTPStatus.NO_CONTENT:
            headers["Content-Length"] = str(len(reply.body) if reply.length is None else reply.length)
        if reply.body.startswith(b"<?xml"):
            headers["Content-Type"] = "application/xml"
        headers |= reply.headers
        if self._service.model.quirks.no_amz_headers:
            headers = {name: value for name, value in headers.items() if not name.lower().startswith("x-amz-")}
        if not exchange.is_read or self._service.edge is not None:
            self.close_connection = True
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}", *(f"{n}: {v}" for n, v in headers.items())]
        top = "\r\n".join([*lines, "", ""]).encode("latin-1")
        raw = top + body
        if self._service.edge is not None:
            self._write(self._service.edge(exchange.head.operation, top, body))
            return
        actions = self._service.faults.take(exchange.head.operation, Stage.HALF_ANSWER, exchange.head.part_number)
        middle = len(top) + len(body) // 2 if body else len(top) // 2
        if not actions:
            middle = 0
        self._write(raw[:middle])
        for action in actions:
            self._act(exchange, action)
        self._write(raw[middle:])
        if not exchange.is_read and not exchange.waits_for_100:
            self._drain()

    def _drain(self) -> None:
        """Take what the client still sends: closing on it would reset the connection and lose the answer."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_WR)
            self.connection.settimeout(DRAIN_SECONDS)
            while self.connection.recv(READ_SIZE):
                pass

    def _write(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
        except OSError:
            raise Disconnected from None

    def _keep_cut_part(self, exchange: _Exchange) -> None:
        head, body, model = exchange.head, exchange.body, self._service.model
        if not model.quirks.stores_cut_parts or head.operation is not Operation.UPLOAD_PART:
            return
        if body is not None and not body.finished and body.received and head.part_number is not None:
            with contextlib.suppress(S3Error):
                model.store_cut_part(head.bucket, head.key, head.query["uploadId"], head.part_number, body.received)


def _flipped(data: bytes, indices: tuple[int, ...]) -> bytes:
    changed = bytearray(data)
    for index in indices if data else ():
        changed[index % len(data)] ^= 1
    return bytes(changed) if indices else data


def _request_id(exchange: _Exchange) -> str:
    return f"STRICT{exchange.call + 1:010d}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
