"""Uploads and jobs as facts: for ``--json`` of list, show and watch, with the same names everywhere."""

import time

from partway.engine.run.stored_options import url_of
from partway.engine.source.plan import UploadPlan
from partway.state.jobs import JobRecord, JobStatus
from partway.state.live import LiveSnapshot, ProgressSnapshot
from partway.state.uploads import UploadRecord, UploadStatus

QUIET = 4.0  # seconds without news that are worth a word
NO_PARTS = (0, 0)  # finished parts and bytes of an upload that has none


def facts(record: UploadRecord, row: LiveSnapshot | None, totals: tuple[int, int]) -> dict[str, object]:
    """One upload; the same names as the events have.

    row: what its run said last.
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
    """One job; ``job`` as ``job_now`` gives it, ``row`` as ``job_row`` does."""
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
    """``interrupted``, ``failed`` or ``killed``: the last run of what is unfinished; None: it runs, or nobody knows."""
    if row is None or row.alive:
        return None
    return row.record.ended.value if row.record.ended is not None else "killed"


def run_facts(row: LiveSnapshot | None, *, over: bool) -> dict[str, object]:
    """What the run says that is at work now, or how the last one ended; ``over``: there is nothing left to run."""
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


def quiet_seconds(told: ProgressSnapshot) -> float:
    """How old the last news is."""
    return max(0.0, time.time() - told.updated_at) if told.updated_at else 0.0


def total_bytes(record: UploadRecord) -> int | None:
    """Bytes of the source; None while the end of a stream is not known."""
    known = not record.is_stream or record.status in (UploadStatus.COMPLETING, UploadStatus.COMPLETED)
    return record.size if known else None


def part_count(record: UploadRecord, done_parts: int) -> int | None:
    """How many parts the source has; None while the end of a stream is not known."""
    if record.is_stream:
        return None if total_bytes(record) is None else done_parts
    return UploadPlan(file_size=record.size, part_size=record.part_size).part_count
