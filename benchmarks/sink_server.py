"""The sink's own process: speaks HTTP, throws bodies away in the kernel, and answers as S3 does.

``python -m benchmarks.sink_server [--port N] [--delay SECONDS] [--allow-rate BYTES_PER_SECOND]`` prints its port.
nginx stands in front of it for TLS.  What it saw is at ``/-/seen``; ``POST /-/forget`` begins counting anew.
"""

import argparse
import contextlib
import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .http_body import Incoming
from .s3_answers import Answer, Request, S3Answers, failure, parse_request
from .token_bucket import TokenBucket

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True, kw_only=True)
class Seen:
    """What came since the start or the last forget; times are of ``time.monotonic``, one clock for the machine.

    parts: requests with the object's bytes that were accepted; refused: those that were told SlowDown.
    """

    parts: int = 0
    size: int = 0
    refused: int = 0
    first_part: float = 0.0
    last_part: float = 0.0


class SinkServer:
    """Accepts connections until its process ends, one thread each."""

    def __init__(self, *, port: int, delay: float, allow_rate: float | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._delay = delay
        self._allowed = TokenBucket(rate=allow_rate, burst=allow_rate / 2) if allow_rate else None
        self._answers = S3Answers()
        self._lock = threading.Lock()
        self._seen = Seen()

    def run(self) -> None:
        """Serve until ``close``."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Accept no more."""
        # Closing alone would leave the thread that waits in accept where it is.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        incoming = Incoming(connection)
        with connection, contextlib.suppress(ConnectionError):
            while (head := incoming.head()) is not None:
                connection.sendall(_encode(self._exchange(connection, incoming, _parse_head(head))))

    def _exchange(self, connection: socket.socket, incoming: Incoming, request: Request) -> Answer:
        """Take the body off the connection and find the answer."""
        refused = request.is_part and not self._note_start(request.size)
        if request.headers.get("expect", "").lower() == "100-continue":
            if refused:
                # As S3 does: who asks before sending need not send.
                return failure(503, "SlowDown")
            connection.sendall(_CONTINUE)
        length = int(request.headers.get("content-length") or 0)
        if not request.is_part:
            body = incoming.read(length)
            return self._about(request) if request.path.startswith("/-/") else self._answers.answer(request, body)
        if "transfer-encoding" in request.headers:
            incoming.discard_chunks()
        else:
            incoming.discard(length)
        if refused:
            return failure(503, "SlowDown")
        if self._delay:
            time.sleep(self._delay)
        answer = self._answers.answer(request)
        self._note_end(request.size)
        return answer

    def _note_start(self, size: int) -> bool:
        """False when the part comes above the allowed rate."""
        with self._lock:
            self._seen.first_part = self._seen.first_part or time.monotonic()
            if self._allowed is None or self._allowed.take(size, time.monotonic()):
                return True
            self._seen.refused += 1
            return False

    def _note_end(self, size: int) -> None:
        with self._lock:
            self._seen.parts += 1
            self._seen.size += size
            self._seen.last_part = time.monotonic()

    def _about(self, request: Request) -> Answer:
        with self._lock:
            if request.method == "POST":
                self._seen = Seen()
            return Answer(body=json.dumps(asdict(self._seen)).encode())


def _parse_head(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return parse_request(method, target, headers)


def _encode(answer: Answer) -> bytes:
    headers: Mapping[str, str] = {"content-length": str(len(answer.body)), "x-amz-request-id": "sink"} | dict(
        answer.headers
    )
    lines = [f"HTTP/1.1 {answer.status} Sink", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description="The sink behind the benchmarks.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--allow-rate", type=float)
    wish = parser.parse_args()
    server = SinkServer(port=wish.port, delay=wish.delay, allow_rate=wish.allow_rate)
    print(server.port, flush=True)
    server.run()


if __name__ == "__main__":
    main()
