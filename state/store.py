"""Where uploads and receipts are remembered: the protocol, and the store that forgets at exit."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from .errors import StateError, StateLocked
from .jobs import JobStore, MemoryJobs
from .live import LiveStore, MemoryLive
from .records import UNFINISHED, PartRecord, UploadRecord, UploadStatus


class StateStore(Protocol):
    """Remembers uploads and their finished parts.  Called from one thread.

    When a method that writes returns, what it wrote survives a crash of the process and of the machine.
    Every method raises StateError when the store cannot be read or written.
    """

    @property
    def jobs(self) -> JobStore:
        """The jobs, which uploads may belong to."""
        ...

    @property
    def live(self) -> LiveStore:
        """What runs say of themselves while they are at work."""
        ...

    def claim(self, source: str, endpoint: str, bucket: str, key: str) -> AbstractContextManager[None]:
        """Hold one upload, so that no other process sends it.  The claim dies with the process.

        Raises:
            StateLocked: another process (or another claim in this one) holds it.
        """
        ...

    def save_upload(self, record: UploadRecord) -> None:
        """Add the upload, or replace the row of the same id.  Its parts stay."""
        ...

    def upload(self, id: str) -> UploadRecord | None:
        """The upload with exactly this id, or None."""
        ...

    def uploads(self, prefix: str = "", *, statuses: Iterable[UploadStatus] | None = None) -> list[UploadRecord]:
        """Uploads whose id starts with ``prefix``, oldest first; ``statuses`` None means all."""
        ...

    def uploads_to(self, bucket: str, key: str) -> list[UploadRecord]:
        """Uploads to this key, at any endpoint, oldest first."""
        ...

    def unfinished(self, source: str, endpoint: str, bucket: str, key: str) -> UploadRecord | None:
        """The newest unfinished upload of this source to this target, or None."""
        ...

    def unfinished_to(self, endpoint: str, bucket: str, key: str) -> list[UploadRecord]:
        """Every unfinished upload to this target, of whatever source; the newest first."""
        ...

    def remove_upload(self, id: str) -> None:
        """Forget the upload, its parts and what it said; nothing happens when it is unknown."""
        ...

    def save_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        """Remember finished parts; a part of the same number is replaced.  All of them or none.

        Raises:
            StateError: there is no such upload.
        """
        ...

    def parts(self, id: str) -> list[PartRecord]:
        """The finished parts of an upload, by number."""
        ...

    def part_totals(self, id: str) -> tuple[int, int]:
        """How many parts are finished, and how many bytes they hold."""
        ...

    def all_part_totals(self, *, statuses: Iterable[UploadStatus] | None = None) -> dict[str, tuple[int, int]]:
        """The same of all uploads with one of the statuses (None: all), by id; those without parts are left out."""
        ...

    def replace_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        """Forget every part of the upload and remember these instead, in one step."""
        ...

    def learn_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        """Remember which checksum an endpoint proved to need; ``at`` is seconds since the epoch."""
        ...

    def known_algorithm(self, endpoint: str, *, since: float) -> str | None:
        """What was learned about the endpoint at or after ``since``, or None."""
        ...

    def close(self) -> None:
        """Let go of files; the store is not used afterwards."""
        ...


class MemoryStore:
    """A store for tests and for callers who want no file: keeps everything until it is collected."""

    def __init__(self) -> None:
        self._uploads: dict[str, UploadRecord] = {}
        self._parts: dict[str, dict[int, PartRecord]] = {}
        self._algorithms: dict[str, tuple[str, float]] = {}
        self._claims: set[tuple[str, str, str, str]] = set()
        self.jobs: JobStore = MemoryJobs()
        self.live: LiveStore = MemoryLive()

    @contextmanager
    def claim(self, source: str, endpoint: str, bucket: str, key: str) -> Iterator[None]:
        name = (source, endpoint, bucket, key)
        if name in self._claims:
            raise StateLocked("this upload is already running in this process")
        self._claims.add(name)
        try:
            yield
        finally:
            self._claims.discard(name)

    def save_upload(self, record: UploadRecord) -> None:
        self._uploads[record.id] = record

    def upload(self, id: str) -> UploadRecord | None:
        return self._uploads.get(id)

    def uploads(self, prefix: str = "", *, statuses: Iterable[UploadStatus] | None = None) -> list[UploadRecord]:
        wanted = frozenset(UploadStatus if statuses is None else statuses)
        found = [r for r in self._uploads.values() if r.id.startswith(prefix) and r.status in wanted]
        return sorted(found, key=lambda r: (r.created_at, r.id))

    def uploads_to(self, bucket: str, key: str) -> list[UploadRecord]:
        return [record for record in self.uploads() if (record.bucket, record.key) == (bucket, key)]

    def unfinished(self, source: str, endpoint: str, bucket: str, key: str) -> UploadRecord | None:
        found = [record for record in self.unfinished_to(endpoint, bucket, key) if record.source == source]
        return found[0] if found else None

    def unfinished_to(self, endpoint: str, bucket: str, key: str) -> list[UploadRecord]:
        wanted = (endpoint, bucket, key)
        return [r for r in self.uploads(statuses=UNFINISHED) if (r.endpoint, r.bucket, r.key) == wanted][::-1]

    def remove_upload(self, id: str) -> None:
        self._uploads.pop(id, None)
        self._parts.pop(id, None)
        self.live.end(id)

    def save_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        self._put_parts(id, self._parts.get(id, {}), parts)

    def parts(self, id: str) -> list[PartRecord]:
        held: Sequence[PartRecord] = tuple(self._parts.get(id, {}).values())
        return sorted(held, key=lambda part: part.number)

    def part_totals(self, id: str) -> tuple[int, int]:
        parts = self._parts.get(id, {}).values()
        return len(parts), sum(part.size for part in parts)

    def all_part_totals(self, *, statuses: Iterable[UploadStatus] | None = None) -> dict[str, tuple[int, int]]:
        ids = [record.id for record in self.uploads(statuses=statuses) if self._parts.get(record.id)]
        return {id: self.part_totals(id) for id in ids}

    def replace_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        self._put_parts(id, {}, parts)

    def _put_parts(self, id: str, before: dict[int, PartRecord], parts: Iterable[PartRecord]) -> None:
        after = before | {part.number: part for part in parts}
        if after and id not in self._uploads:
            raise StateError(f"there is no upload {id} to remember parts of")
        self._parts[id] = after

    def learn_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        self._algorithms[endpoint] = (algorithm, at)

    def known_algorithm(self, endpoint: str, *, since: float) -> str | None:
        algorithm, at = self._algorithms.get(endpoint, (None, 0.0))
        return algorithm if at >= since else None

    def close(self) -> None:
        self._claims.clear()
