"""Cancel a job: abort its unfinished uploads.  Finished objects stay."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord

from ..backend.protocol import MultipartBackend
from ..errors import UploadFailed
from ..run.context import EngineContext
from ..run.settings import UploadSettings
from ..upload.abort import AbortResult, cancel_upload
from ..walk.spec import JobSpec
from ..workers.channel import CancelToken
from .lock import locked_job


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledUpload:
    """An unfinished upload of the job, and what its abort removed."""

    record: UploadRecord
    removal: AbortResult


def cancel_job(
    record: JobRecord,
    *,
    backend_for: Callable[[UploadRecord], MultipartBackend],
    store: StateStore,
    settings: UploadSettings = UploadSettings(),  # noqa: B008 - frozen
    cancel: CancelToken | None = None,
) -> list[CancelledUpload]:
    """Cancel the job's unfinished uploads, store the job as aborted, and delete the rows of its files.

    Raises:
        StateLocked: a process is running it, or sending one of its files; stop that process first.
        RemoteError: an upload could not be aborted; the job stays open and can be cancelled again.
        UploadFailed: another process finished the job meanwhile.
    """
    cancel = cancel or CancelToken()

    def context_for(upload: UploadRecord) -> EngineContext:
        return EngineContext(backend=backend_for(upload), store=store, settings=settings, cancel=cancel)

    with locked_open_job(store, record) as record:
        unfinished = [each for each in store.uploads(statuses=UNFINISHED) if each.job == record.id]
        removed = [
            CancelledUpload(
                record=each,
                removal=cancel_upload(each, context_for(each)),
            )
            for each in unfinished
        ]
        mark_aborted(store, record)
        return removed


def mark_aborted(store: StateStore, record: JobRecord) -> None:
    """Store the job as aborted, and delete the rows of its files."""
    totals = store.jobs.totals(record.id)
    store.jobs.save(
        replace(
            record,
            status=JobStatus.ABORTED,
            done=totals.done,
            skipped=totals.skipped,
            failed=totals.failed,
            bytes=totals.bytes,
        )
    )
    store.jobs.delete_files(record.id)
    store.live.remove(record.id)


@contextmanager
def locked_open_job(store: StateStore, record: JobRecord) -> Iterator[JobRecord]:
    """Lock the job and yield its current record.

    Raises:
        StateLocked: a process is running it.
        UploadFailed: it has ended.
    """
    with _hold_lock(store, record):
        record = store.jobs.get(record.id) or record
        if record.status is not JobStatus.OPEN:
            raise UploadFailed(
                f"job {record.id} was {record.status.label} in the meantime; there is nothing to cancel",
                resumable=False,
            )
        yield record


@contextmanager
def _hold_lock(store: StateStore, record: JobRecord) -> Iterator[None]:
    """Lock the job.  A job with an unreadable spec needs no lock, since no command can run it."""
    try:
        spec = JobSpec.from_json(record.spec)
    except (ValueError, TypeError, KeyError):
        spec = None
    with nullcontext() if spec is None else locked_job(store, spec):
        yield
