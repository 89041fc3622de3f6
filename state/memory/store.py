"""Uploads and parts in memory, under the same contract as the SQLite store."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from ..errors import StateError, StateLocked
from ..jobs import JobStore
from ..live import LiveStore
from ..uploads import UNFINISHED, PartRecord, UploadRecord, UploadStatus
from .jobs import MemoryJobs
from .live import MemoryLive


class MemoryStore:
    """A ``StateStore`` in memory, lost when the object is garbage-collected."""

    def __init__(self) -> None:
        self._uploads: dict[str, UploadRecord] = {}
        self._parts: dict[str, dict[int, PartRecord]] = {}
        self._algorithms: dict[str, tuple[str, float]] = {}
        self._locked: set[tuple[str, str, str, str]] = set()
        self.jobs: JobStore = MemoryJobs()
        self.live: LiveStore = MemoryLive()

    @contextmanager
    def lock(self, source: str, endpoint: str, bucket: str, key: str) -> Iterator[None]:
        name = (source, endpoint, bucket, key)
        if name in self._locked:
            raise StateLocked("this upload is already running in this process")
        self._locked.add(name)
        try:
            yield
        finally:
            self._locked.discard(name)

    def save_upload(self, record: UploadRecord) -> None:
        self._uploads[record.id] = record

    def upload(self, id: str) -> UploadRecord | None:
        return self._uploads.get(id)

    def uploads(self, prefix: str = "", *, statuses: Iterable[UploadStatus] | None = None) -> list[UploadRecord]:
        wanted = frozenset(UploadStatus if statuses is None else statuses)
        found = [r for r in self._uploads.values() if r.id.startswith(prefix) and r.status in wanted]
        return sorted(found, key=lambda r: (r.created_at, r.id))

    def uploads_in(
        self,
        endpoint: str,
        bucket: str,
        *,
        statuses: Iterable[UploadStatus],
        job: str | None = None,
        created_after: float | None = None,
    ) -> list[UploadRecord]:
        return [
            record
            for record in self.uploads(statuses=statuses)
            if (record.endpoint, record.bucket) == (endpoint, bucket)
            and job in (None, record.job)
            and (created_after is None or record.created_at > created_after)
        ]

    def uploads_to(self, bucket: str, key: str) -> list[UploadRecord]:
        return [record for record in self.uploads() if (record.bucket, record.key) == (bucket, key)]

    def unfinished(self, source: str, endpoint: str, bucket: str, key: str) -> UploadRecord | None:
        found = [record for record in self.unfinished_to(endpoint, bucket, key) if record.source == source]
        return found[0] if found else None

    def unfinished_to(self, endpoint: str, bucket: str, key: str) -> list[UploadRecord]:
        wanted = (endpoint, bucket, key)
        return [r for r in self.uploads(statuses=UNFINISHED) if (r.endpoint, r.bucket, r.key) == wanted][::-1]

    def delete_upload(self, id: str) -> None:
        self._uploads.pop(id, None)
        self._parts.pop(id, None)
        self.live.remove(id)

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
            raise StateError(f"cannot save parts: there is no upload {id}")
        self._parts[id] = after

    def save_endpoint_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        self._algorithms[endpoint] = (algorithm, at)

    def get_endpoint_algorithm(self, endpoint: str, *, since: float) -> str | None:
        algorithm, at = self._algorithms.get(endpoint, (None, 0.0))
        return algorithm if at >= since else None

    def close(self) -> None:
        self._locked.clear()
