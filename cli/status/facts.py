"""The JSON fields of uploads and jobs, with the same names in list, show and watch."""

import time

from partway.engine.run.stored_options import url_of
from partway.engine.source.plan import UploadPlan
from partway.state.jobs import JobRecord, JobStatus
from partway.state.live import LiveSnapshot, ProgressSnapshot
from partway.state.uploads import UploadRecord, UploadStatus

QUIET = 4.0  # seconds without progress before it is mentioned
NO_PARTS = (0, 0)  # finished parts and bytes of an upload that has none


def facts(record: UploadRecord, row: LiveSnapshot | None, totals: tuple[int, int]) -> dict[str, object]:
    """The fields of one upload, named as in the events.

    row: the last snapshot of its run.
    totals: finished parts, and their bytes.
    """
    parts, size = totals
    return {
        "upload": record.id,
        "job": record.job,
        "status": record.status.label,
        "source": record.source,
        "target": url_of(record),
        "endpoint": record.endpoint,
        "total_bytes": total_bytes(record),
        "part_size": record.part_size,
        "part_count": part_count(record, parts),
        "done_parts": parts,
        "done_bytes": size,
        "checksum_algorithm": record.checksum_algorithm,
        "upload_id": record.upload_id,
        "runs": record.run,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "abort_date": record.abort_date,
        "etag": record.etag,
        "proof": record.proof,
    } | run_facts(row, over=record.finished)


def job_facts(job: JobRecord, row: LiveSnapshot | None) -> dict[str, object]:
    """The fields of one job; ``job`` comes from ``job_now``, ``row`` from ``job_row``."""
    return {
        "job": job.id,
        "status": job.status.label,
        "target": job.target,
        "endpoint": job.endpoint,
        "done_files": job.done,
        "skipped_files": job.skipped,
        "failed_files": job.failed,
        "done_bytes": job.bytes,
        "total_files": None if row is None else row.record.total_files,
        "total_bytes": None if row is None else row.record.total_bytes,
        "counting": row is not None and row.alive and row.record.counting,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    } | run_facts(row, over=job.status is not JobStatus.OPEN)


def how_it_ended(row: LiveSnapshot | None) -> str | None:
    """How the last run ended: ``interrupted``, ``failed`` or ``killed``; None if it is running or unknown."""
    if row is None or row.alive:
        return None
    return row.record.ended.value if row.record.ended is not None else "killed"


def run_facts(row: LiveSnapshot | None, *, over: bool) -> dict[str, object]:
    """The fields of the current run, or how the last one ended.  over: True if the upload is finished."""
    if over:
        row = None
    running = row is not None and row.alive
    return {
        "running": running,
        "ended": how_it_ended(row),
        "error": row.record.error or None if row is not None and not running else None,
        "live": _live(row) if row is not None and running else None,
    }


def _live(row: LiveSnapshot) -> dict[str, object]:
    record, now = row.record, time.time()
    return {
        "pid": record.pid,
        "host": record.host,
        "phase": record.phase.value,
        "began_at": record.began_at,
        "told_at": record.updated_at,
        "quiet_seconds": round(quiet_seconds(record), 1),
        "rate": None if record.rate is None else round(record.rate),
        "resumed_bytes": record.resumed_bytes,
        "resumed_parts": record.resumed_parts,
        "sent_bytes": record.done_bytes + record.in_flight_bytes,
        "in_flight": [{"number": number, "sent": sent} for number, sent in record.parts]
        + [{"source": path, "sent": sent} for path, sent in record.files],
        "retries": record.retries,
        "reason": record.reason or None,
        "network_away_seconds": None if record.away_since is None else round(max(0.0, now - record.away_since), 1),
    }


def quiet_seconds(snapshot: ProgressSnapshot) -> float:
    """Seconds since the last event."""
    return max(0.0, time.time() - snapshot.updated_at) if snapshot.updated_at else 0.0


def total_bytes(record: UploadRecord) -> int | None:
    """The size of the source in bytes; None until a stream has ended."""
    known = not record.is_stream or record.status in (UploadStatus.COMPLETING, UploadStatus.COMPLETED)
    return record.size if known else None


def part_count(record: UploadRecord, done_parts: int) -> int | None:
    """The number of parts; None until a stream has ended."""
    if record.is_stream:
        return None if total_bytes(record) is None else done_parts
    return UploadPlan(file_size=record.size, part_size=record.part_size).part_count
