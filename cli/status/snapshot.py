"""What runs now, read from the store, and as the numbers that bars and lines show."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from partway.engine.run.stored_options import target_of
from partway.state.jobs import JobRecord
from partway.state.live import LivePhase, LiveSnapshot, ProgressSnapshot
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..progress.job import JobProgress
from ..progress.upload import Phase, UploadProgress
from ..text.escape import printable
from ..text.units import format_seconds, format_size
from .facts import QUIET, part_count, quiet_seconds, total_bytes
from .job import job_now, running_uploads, with_uploads

_PHASES: dict[LivePhase, Phase] = {
    LivePhase.STARTING: "starting",
    LivePhase.CHECKING: "checking",
    LivePhase.SENDING: "sending",
    LivePhase.COMPLETING: "completing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedUpload:
    """An upload at one moment.  parts, bytes: that are on S3."""

    record: UploadRecord
    row: LiveSnapshot | None
    parts: int
    bytes: int

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def running(self) -> bool:
        return self.row is not None and self.row.alive


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedJob:
    """A job at one moment, with those of its files that are uploads of their own and are sent now, oldest first."""

    record: JobRecord
    row: LiveSnapshot | None
    uploads: tuple[WatchedUpload, ...]

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def running(self) -> bool:
        return self.row is not None and self.row.alive


Watched = WatchedUpload | WatchedJob


def watched_upload(store: StateStore, record: UploadRecord) -> WatchedUpload:
    """The upload as it is now; ``record`` may be old."""
    row = store.live.row(record.id)
    # In this order: a run says that it ended after its last record.
    record = store.upload(record.id) or record
    parts, size = store.part_totals(record.id)
    return WatchedUpload(record=record, row=row, parts=parts, bytes=size)


def watched_job(store: StateStore, record: JobRecord, running: Sequence[LiveSnapshot] | None = None) -> WatchedJob:
    """The job as it is now; ``record`` may be old.

    running: what runs, when the caller has looked already.
    """
    row = store.live.row(record.id)
    record = job_now(store, store.jobs.get(record.id) or record, row)
    if row is None or not row.alive:
        return WatchedJob(record=record, row=row, uploads=())
    uploads = _running_uploads(store, record.id, store.live.running() if running is None else running)
    row = with_uploads(row, [(each.record, each.row.record) for each in uploads if each.row is not None])
    return WatchedJob(record=record, row=row, uploads=tuple(uploads))


def all_running(store: StateStore, also: Collection[str] = ()) -> list[Watched]:
    """Everything that runs now, and what has one of the ids; a job's uploads are in the job."""
    running = store.live.running()
    ids = {row.record.id for row in running} | set(also)
    jobs = [watched_job(store, job, running) for id in sorted(ids) if (job := store.jobs.get(id)) is not None]
    known = {each.id for each in jobs}
    records = [record for id in sorted(ids) if (record := store.upload(id)) is not None and record.job not in known]
    uploads = [watched_upload(store, record) for record in records]
    found: list[Watched] = [*uploads, *jobs]
    return sorted(found, key=lambda each: (each.record.created_at, each.id))


def _running_uploads(store: StateStore, job: str, running: Sequence[LiveSnapshot]) -> list[WatchedUpload]:
    """Those of a job, oldest first."""
    found = running_uploads(store, running).get(job, [])
    found.sort(key=lambda pair: (pair[1].began_at, pair[1].id))
    uploads = [watched_upload(store, record) for record, _ in found]
    return [each for each in uploads if each.running]  # some may have ended since the first look


def _rate(told: ProgressSnapshot) -> float | None:
    return told.rate if quiet_seconds(told) < QUIET else None


class _Told(UploadProgress):
    """Numbers that another process counted."""

    def __init__(self, told: ProgressSnapshot) -> None:
        super().__init__()
        self._told = told
        self._done = told.done_bytes
        self._in_flight = dict(told.parts)

    def rate(self) -> float | None:
        return _rate(self._told)


def progress_of(watched: WatchedUpload) -> UploadProgress:
    """The numbers of an upload that runs."""
    assert watched.row is not None
    record, told = watched.record, watched.row.record
    progress = _Told(told)
    progress.upload, progress.target = record.id, target_of(record).url
    progress.name = PurePath(record.source).name
    progress.phase = _PHASES[told.phase]
    total = total_bytes(record)
    progress.open_ended = total is None
    progress.total = (told.expected_bytes if total is None else total) or 0
    progress.part_size, progress.part_count = record.part_size, part_count(record, watched.parts)
    if told.phase in (LivePhase.STARTING, LivePhase.CHECKING):
        progress.resumed, progress.resumed_parts = watched.bytes, watched.parts
    else:
        progress.resumed, progress.resumed_parts = told.resumed_bytes, told.resumed_parts
    progress.done_parts, progress.retries = told.done_parts, told.retries
    progress.away_since = told.away_since
    progress.checked, progress.check_total = told.checked_bytes, told.check_bytes
    return progress


class _ToldJob(JobProgress):
    """Numbers that another process counted."""

    def __init__(self, watched: WatchedJob) -> None:
        super().__init__()
        assert watched.row is not None
        self._told = told = watched.row.record
        self.running, self.target = True, watched.record.target
        self.done, self.skipped, self.failed = told.done_files, told.skipped_files, told.failed_files
        self.resumed = told.resumed_files

    @property
    def bytes(self) -> int:
        return self._told.done_bytes + self._told.resumed_bytes + self._told.in_flight_bytes

    @property
    def away(self) -> bool:
        return self._told.away_since is not None

    @property
    def away_since(self) -> float | None:
        return self._told.away_since

    def rate(self) -> float | None:
        return _rate(self._told)


def job_progress_of(watched: WatchedJob) -> JobProgress:
    """The numbers of a job that runs; the bytes of its running uploads are among them."""
    return _ToldJob(watched)


def quiet_words(watched: Watched) -> str | None:
    """``nothing for 12 s`` when nothing happens; of a job, in none of its files."""
    assert watched.row is not None
    quiet = quiet_seconds(watched.row.record)
    if quiet < QUIET:
        return None
    return f"nothing for {quiet:.0f} s" if quiet < 60 else f"nothing for {format_seconds(quiet)}"


def in_flight_words(watched: WatchedUpload) -> str | None:
    """``4 parts in flight (12.3 MiB)``; None when none is."""
    assert watched.row is not None
    told = watched.row.record
    if not told.parts:
        return None
    count = len(told.parts)
    return f"{count:,} {'part' if count == 1 else 'parts'} in flight ({format_size(told.in_flight_bytes)})"


def describe_process(told: ProgressSnapshot) -> str:
    """Who runs it: ``process 123 on host``."""
    if not told.pid:
        return "a process that says nothing of itself"
    return f"process {told.pid} on {printable(told.host)}"
