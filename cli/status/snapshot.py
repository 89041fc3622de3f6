"""Running uploads and jobs, read from the store, as the numbers that bars and lines show."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from partway.engine.plural import plural
from partway.engine.progress.job import JobProgress
from partway.engine.progress.rate import FixedRate
from partway.engine.progress.upload import UploadProgress
from partway.engine.run.stored_options import target_of
from partway.state.jobs import JobRecord
from partway.state.live import LivePhase, LiveSnapshot, ProgressSnapshot
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..text.escape import printable
from ..text.units import format_seconds, format_size
from .facts import QUIET, part_count, quiet_seconds, total_bytes
from .job import job_now, running_uploads, with_uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedUpload:
    """An upload at one moment.  parts, bytes: on S3."""

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
    """A job at one moment, with its running multipart uploads, oldest first."""

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
    """The current state of the upload; ``record`` may be out of date."""
    row = store.live.get(record.id)
    # In this order: a run publishes its end after its last record.
    record = store.upload(record.id) or record
    parts, size = store.part_totals(record.id)
    return WatchedUpload(record=record, row=row, parts=parts, bytes=size)


def watched_job(store: StateStore, record: JobRecord, running: Sequence[LiveSnapshot] | None = None) -> WatchedJob:
    """The current state of the job; ``record`` may be out of date.

    running: the running uploads, if already known.
    """
    row = store.live.get(record.id)
    record = job_now(store, store.jobs.get(record.id) or record, row)
    if row is None or not row.alive:
        return WatchedJob(record=record, row=row, uploads=())
    uploads = _running_uploads(store, record.id, store.live.running() if running is None else running)
    row = with_uploads(row, [(each.record, each.row.record) for each in uploads if each.row is not None])
    return WatchedJob(record=record, row=row, uploads=tuple(uploads))


def all_running(store: StateStore, also: Collection[str] = ()) -> list[Watched]:
    """Everything that is running, and everything with one of the IDs; a job contains its uploads."""
    running = store.live.running()
    ids = {row.record.id for row in running} | set(also)
    jobs = [watched_job(store, job, running) for id in sorted(ids) if (job := store.jobs.get(id)) is not None]
    known = {each.id for each in jobs}
    records = [record for id in sorted(ids) if (record := store.upload(id)) is not None and record.job not in known]
    uploads = [watched_upload(store, record) for record in records]
    found: list[Watched] = [*uploads, *jobs]
    return sorted(found, key=lambda each: (each.record.created_at, each.id))


def _running_uploads(store: StateStore, job: str, running: Sequence[LiveSnapshot]) -> list[WatchedUpload]:
    """The running uploads of a job, oldest first."""
    found = running_uploads(store, running).get(job, [])
    found.sort(key=lambda pair: (pair[1].began_at, pair[1].id))
    uploads = [watched_upload(store, record) for record, _ in found]
    return [each for each in uploads if each.running]  # some may have ended in the meantime


def _rate(snapshot: ProgressSnapshot) -> FixedRate:
    return FixedRate(snapshot.rate if quiet_seconds(snapshot) < QUIET else None)


def progress_of(watched: WatchedUpload) -> UploadProgress:
    """The numbers of a running upload, as its process published them."""
    assert watched.row is not None
    record, snapshot = watched.record, watched.row.record
    progress = UploadProgress(_rate(snapshot))
    progress.upload, progress.target = record.id, target_of(record).url
    progress.name = PurePath(record.source).name
    progress.phase = snapshot.phase
    total = total_bytes(record)
    progress.open_ended = total is None
    progress.total = (snapshot.expected_bytes if total is None else total) or 0
    progress.part_size, progress.part_count = record.part_size, part_count(record, watched.parts)
    if snapshot.phase in (LivePhase.STARTING, LivePhase.CHECKING):
        progress.resumed, progress.resumed_parts = watched.bytes, watched.parts
    else:
        progress.resumed, progress.resumed_parts = snapshot.resumed_bytes, snapshot.resumed_parts
    progress.done, progress.done_parts = snapshot.done_bytes, snapshot.done_parts
    progress.in_flight = dict(snapshot.parts)
    progress.retries = snapshot.retries
    progress.away_since = snapshot.away_since
    progress.checked, progress.check_total = snapshot.checked_bytes, snapshot.check_bytes
    return progress


def job_progress_of(watched: WatchedJob) -> JobProgress:
    """The numbers of a running job, as its process published them, including the bytes of its running uploads."""
    assert watched.row is not None
    snapshot = watched.row.record
    progress = JobProgress(_rate(snapshot))
    progress.start(watched.id, watched.record.target, snapshot.resumed_files)
    progress.done, progress.skipped, progress.failed = (
        snapshot.done_files,
        snapshot.skipped_files,
        snapshot.failed_files,
    )
    progress.file_bytes = snapshot.done_bytes + snapshot.resumed_bytes + snapshot.in_flight_bytes
    progress.settled_bytes, progress.failed_bytes = snapshot.settled_bytes, snapshot.failed_bytes
    progress.total_files, progress.total_bytes = snapshot.total_files, snapshot.total_bytes
    progress.counting = snapshot.counting
    progress.small_files_away_since = snapshot.away_since
    return progress


def quiet_words(watched: Watched) -> str | None:
    """``no progress for 12 s`` if nothing happens; for a job, in none of its files."""
    assert watched.row is not None
    quiet = quiet_seconds(watched.row.record)
    if quiet < QUIET:
        return None
    return f"no progress for {quiet:.0f} s" if quiet < 60 else f"no progress for {format_seconds(quiet)}"


def in_flight_words(watched: WatchedUpload) -> str | None:
    """``4 parts in flight (12.3 MiB)``, or None."""
    assert watched.row is not None
    snapshot = watched.row.record
    if not snapshot.parts:
        return None
    return f"{plural(len(snapshot.parts), 'part')} in flight ({format_size(snapshot.in_flight_bytes)})"


def describe_process(snapshot: ProgressSnapshot) -> str:
    """The process that runs it: ``process 123 on host``."""
    if not snapshot.pid:
        return "an unknown process"
    return f"process {snapshot.pid} on {printable(snapshot.host)}"
