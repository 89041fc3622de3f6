"""A store around a store: the process may end before and after every write, and a write may fail."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from partway.state.errors import StateError
from partway.state.jobs import JobStore
from partway.state.live import LiveStore
from partway.state.store import StateStore
from partway.state.uploads import PartRecord, UploadRecord, UploadStatus

from .resent_bytes import SendWatch
from .world import World


class CrashingStore(StateStore):
    """Passes everything on to ``inner``, through the moments of ``world``."""

    def __init__(self, inner: StateStore, world: World, watch: SendWatch) -> None:
        self._inner = inner
        self._world = world
        self._watch = watch

    @property
    def jobs(self) -> JobStore:
        return self._inner.jobs

    @property
    def live(self) -> LiveStore:
        return self._inner.live

    def _write(self, name: str, write: Any, *, twin: bool = True) -> None:
        world = self._world
        world.must(not world.turns.in_lane, f"a worker calls the store: {name}")
        world.must(not world.quiet, f"a second upload writes: {name}")
        world.moment(f"{name}: before", twin=twin)
        fails = not world.calm and world.rng.random() < world.story.rates.store
        if fails and world.rng.random() < 0.5:
            self._fail(name)
        write()
        world.say(name)
        if fails:
            self._fail(name)
        world.moment(f"{name}: after", twin=twin)

    def _fail(self, name: str) -> None:
        self._world.say(f"{name}: the disk is full")
        self._world.told["disk full"] += 1
        self._world.causes.add("store")
        raise StateError(f"cannot write: {name}")

    def lock(self, source: str, endpoint: str, bucket: str, key: str) -> AbstractContextManager[None]:
        return self._inner.lock(source, endpoint, bucket, key)

    def save_upload(self, record: UploadRecord) -> None:
        def save() -> None:
            self._inner.save_upload(record)
            if record.finished:
                # Whoever uploads the file after this wants it to be sent.
                self._world.finished = (None, 0)

        has_id = "with" if record.upload_id else "without"
        self._write(f"store: save upload, {record.status}, {has_id} an id", save)

    def upload(self, id: str) -> UploadRecord | None:
        return self._inner.upload(id)

    def uploads(self, prefix: str = "", *, statuses: Iterable[UploadStatus] | None = None) -> list[UploadRecord]:
        return self._inner.uploads(prefix, statuses=statuses)

    def uploads_in(
        self,
        endpoint: str,
        bucket: str,
        *,
        statuses: Iterable[UploadStatus],
        job: str | None = None,
        created_after: float | None = None,
    ) -> list[UploadRecord]:
        return self._inner.uploads_in(endpoint, bucket, statuses=statuses, job=job, created_after=created_after)

    def unfinished(self, source: str, endpoint: str, bucket: str, key: str) -> UploadRecord | None:
        return self._inner.unfinished(source, endpoint, bucket, key)

    def unfinished_to(self, endpoint: str, bucket: str, key: str) -> list[UploadRecord]:
        return self._inner.unfinished_to(endpoint, bucket, key)

    def delete_upload(self, id: str) -> None:
        record = self._inner.upload(id)
        self._world.must(record is None or record.upload_id is None, "an upload that S3 knows is forgotten")
        self._write("store: delete upload", lambda: self._inner.delete_upload(id), twin=False)

    def save_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        rows = list(parts)

        def save() -> None:
            self._inner.save_parts(id, rows)
            self._note(id, rows)

        self._write(f"store: save parts {[row.number for row in rows]}", save)

    def replace_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        rows = list(parts)

        def save() -> None:
            self._inner.replace_parts(id, rows)
            self._note(id, rows, only=True)

        self._write(f"store: only parts {[row.number for row in rows]}", save)

    def _note(self, id: str, rows: list[PartRecord], *, only: bool = False) -> None:
        record = self._inner.upload(id)
        if record is not None and record.upload_id is not None:
            self._watch.recorded(record.upload_id, rows, only=only)

    def parts(self, id: str) -> list[PartRecord]:
        return self._inner.parts(id)

    def part_totals(self, id: str) -> tuple[int, int]:
        return self._inner.part_totals(id)

    def all_part_totals(self, *, statuses: Iterable[UploadStatus] | None = None) -> dict[str, tuple[int, int]]:
        return self._inner.all_part_totals(statuses=statuses)

    def uploads_to(self, bucket: str, key: str) -> list[UploadRecord]:
        return self._inner.uploads_to(bucket, key)

    def save_endpoint_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        self._write("store: learn", lambda: self._inner.save_endpoint_algorithm(endpoint, algorithm, at))

    def get_endpoint_algorithm(self, endpoint: str, *, since: float) -> str | None:
        return self._inner.get_endpoint_algorithm(endpoint, since=since)

    def close(self) -> None:
        self._inner.close()
