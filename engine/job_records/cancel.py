"""Give a job up: its unfinished uploads are removed from S3, the files that are done stay."""

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
from .lock import claimed_job


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledUpload:
    """One unfinished upload of the job, and what was removed of it."""

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
    """Cancel the job's unfinished uploads, mark the job aborted, and forget which files are done.

    Raises:
        StateLocked: a process runs it, or sends one of its files; stop that first.
        RemoteError: one upload could not be removed; the job stays as it is, so cancel again.
        UploadFailed: another process finished the job meanwhile.
    """
    cancel = cancel or CancelToken()

    def context_for(upload: UploadRecord) -> EngineContext:
        return EngineContext(backend=backend_for(upload), store=store, settings=settings, cancel=cancel)

    with held_and_open(store, record) as record:
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
    """End the job: its files' rows are not needed any more."""
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
    store.jobs.forget_files(record.id)
    store.live.remove(record.id)


@contextmanager
def held_and_open(store: StateStore, record: JobRecord) -> Iterator[JobRecord]:
    """The job's claim, and its record as it is then.

    Raises:
        StateLocked: a process runs it.
        UploadFailed: it has ended.
    """
    with _held(store, record):
        record = store.jobs.get(record.id) or record
        if record.status is not JobStatus.OPEN:
            raise UploadFailed(
                f"job {record.id} is {record.status} meanwhile; there is nothing to cancel", resumable=False
            )
        yield record


@contextmanager
def _held(store: StateStore, record: JobRecord) -> Iterator[None]:
    """The job's claim; nothing for one whose spec is not readable, since nobody can run it."""
    try:
        spec = JobSpec.from_json(record.spec)
    except (ValueError, TypeError, KeyError):
        spec = None
    with nullcontext() if spec is None else claimed_job(store, spec):
        yield
