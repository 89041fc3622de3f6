"""The current counts of jobs: their rows in the store have those from the end of the last run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from partway.state.jobs import FileTotals, JobRecord, JobStatus
from partway.state.live import LiveSnapshot, ProgressSnapshot
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from .facts import QUIET, quiet_seconds


def job_now(store: StateStore, job: JobRecord, row: LiveSnapshot | None) -> JobRecord:
    """The job with its current counts."""
    return job if job.status is not JobStatus.OPEN else _counted(job, store.jobs.totals(job.id), row)


def jobs_now(store: StateStore, jobs: Sequence[JobRecord], rows: Mapping[str, LiveSnapshot]) -> list[JobRecord]:
    """The jobs with their current counts; ``rows`` by ID."""
    totals = store.jobs.all_totals(open_only=True)
    return [
        job if job.status is not JobStatus.OPEN else _counted(job, totals.get(job.id, FileTotals()), rows.get(job.id))
        for job in jobs
    ]


def _counted(job: JobRecord, totals: FileTotals, row: LiveSnapshot | None) -> JobRecord:
    failed = row.record.failed_files if row is not None and row.alive else max(job.failed, totals.failed)
    return replace(job, done=totals.done, skipped=totals.skipped, bytes=totals.bytes, failed=failed)


def job_row(store: StateStore, job: JobRecord) -> LiveSnapshot | None:
    """The job's latest snapshot, merged with those of its multipart uploads."""
    row = store.live.get(job.id)
    if row is None or not row.alive:
        return row
    return with_uploads(row, running_uploads(store, store.live.running()).get(job.id, []))


def job_rows(store: StateStore, jobs: Sequence[JobRecord], rows: Mapping[str, LiveSnapshot]) -> dict[str, LiveSnapshot]:
    """The same for several jobs, from ``rows`` of the store, by ID; jobs without a snapshot are omitted."""
    uploads = running_uploads(store, [row for row in rows.values() if row.alive])
    found = {job.id: rows[job.id] for job in jobs if job.id in rows}
    return {id: with_uploads(row, uploads.get(id, [])) if row.alive else row for id, row in found.items()}


def running_uploads(
    store: StateStore, running: Sequence[LiveSnapshot]
) -> dict[str, list[tuple[UploadRecord, ProgressSnapshot]]]:
    """The running uploads that belong to jobs, and their snapshots, by job."""
    found: dict[str, list[tuple[UploadRecord, ProgressSnapshot]]] = {}
    for row in running:
        record = store.upload(row.record.id)
        if record is not None and record.job is not None:
            found.setdefault(record.job, []).append((record, row.record))
    return found


def with_uploads(row: LiveSnapshot, uploads: Sequence[tuple[UploadRecord, ProgressSnapshot]]) -> LiveSnapshot:
    """A job's snapshot merged with those of its running uploads.

    It is unreachable when every upload is, since the earliest of them.  Its own rate counts finished files but not
    parts, so the uploads' rate replaces it.
    """
    if not uploads:
        return row
    snapshot, lives = row.record, [live for _, live in uploads]
    rates = [live.rate for live in lives if live.rate is not None and quiet_seconds(live) < QUIET]
    away = [live.away_since for live in lives if live.away_since is not None]
    reasons = sorted((live.updated_at, live.reason) for live in (snapshot, *lives) if live.reason)
    merged = replace(
        snapshot,
        rate=sum(rates) if rates else None,
        updated_at=max(live.updated_at for live in (snapshot, *lives)),
        resumed_bytes=sum(live.resumed_bytes for live in lives),
        done_bytes=snapshot.done_bytes + sum(live.done_bytes for live in lives),
        files=(*snapshot.files, *((record.source, live.in_flight_bytes) for record, live in uploads)),
        retries=snapshot.retries + sum(live.retries for live in lives),
        reason=reasons[-1][1] if reasons else "",
        away_since=min(away) if len(away) == len(lives) else None,
    )
    return replace(row, record=merged)
