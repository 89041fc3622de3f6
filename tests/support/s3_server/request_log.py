"""The requests that a server received, in order; thread-safe."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .routes import RequestHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    operation: as S3 names it, "Unknown" for what the server does not know.
    headers: by lower-case name.
    part_number: 1-based; None when the request is about no part.
    body_bytes: bytes of the body that arrived, aws-chunked framing included.
    status: HTTP status; None while it runs, and when the connection ended without an answer.
    """

    operation: str
    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    part_number: int | None
    body_bytes: int
    status: int | None


def aborted_with_parts(calls: Iterable[Call]) -> set[str]:
    """The multipart uploads that were aborted although a part was sent to them.  One without parts may go: a Create
    whose answer was lost leaves it."""
    ids: dict[str, set[str]] = {}
    for call in calls:
        ids.setdefault(call.operation, set()).add(call.query.get("uploadId", ""))
    return ids.get("AbortMultipartUpload", set()) & ids.get("UploadPart", set())


@dataclass(slots=True, kw_only=True)
class _Entry:
    head: RequestHead
    body_bytes: int = 0
    status: int | None = None
    running: bool = True


class Journal:
    """Collects calls; a call can be seen from its first moment on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._in_flight = 0
        self._in_flight_max = 0

    def begin(self, head: RequestHead) -> int:
        """Note that a request came; the number is for the other methods."""
        with self._lock:
            self._entries.append(_Entry(head=head))
            self._in_flight += 1
            self._in_flight_max = max(self._in_flight_max, self._in_flight)
            return len(self._entries) - 1

    def add_bytes(self, index: int, count: int) -> None:
        """Note that a piece of the body came."""
        with self._lock:
            self._entries[index].body_bytes += count

    def end(self, index: int, status: int | None) -> None:
        """Note the answer, before it is sent; only the first note of a call counts."""
        with self._lock:
            entry = self._entries[index]
            if entry.running:
                entry.running, entry.status = False, status
                self._in_flight -= 1

    @property
    def calls(self) -> list[Call]:
        """Every request up to now."""
        with self._lock:
            return [
                Call(
                    operation=entry.head.operation.value,
                    method=entry.head.method,
                    bucket=entry.head.bucket,
                    key=entry.head.key,
                    query=entry.head.query,
                    headers=entry.head.headers,
                    part_number=entry.head.part_number,
                    body_bytes=entry.body_bytes,
                    status=entry.status,
                )
                for entry in self._entries
            ]

    @property
    def counts(self) -> Counter[str]:
        """How many requests came for each operation."""
        with self._lock:
            return Counter(entry.head.operation.value for entry in self._entries)

    @property
    def in_flight(self) -> int:
        """How many requests are being served now."""
        with self._lock:
            return self._in_flight

    @property
    def in_flight_max(self) -> int:
        """The most requests that were being served at one moment."""
        with self._lock:
            return self._in_flight_max

    def bytes_received(self, operation: str) -> int:
        """Body bytes of all requests for an operation, broken ones included."""
        with self._lock:
            return sum(entry.body_bytes for entry in self._entries if entry.head.operation == operation)
