"""Forget unfinished uploads without an S3 call, when the service refuses to abort or no longer exists."""

from partway.state.jobs import JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord

from ..backend.target import Target
from ..job_records.cancel import locked_open_job, mark_aborted
from ..resume.lock import locked
from ..upload.abort import unfinished_now


def forget_upload(record: UploadRecord, *, store: StateStore) -> tuple[int, int]:
    """Delete the upload from the store.  Its parts stay on S3.

    Returns:
        The number of parts in the store, and their total size in bytes.

    Raises:
        StateLocked: a process is sending it; stop that process first.
        UploadFailed: another process finished the upload meanwhile.
        StateError.
    """
    target = Target(bucket=record.bucket, key=record.key, endpoint=record.endpoint)
    with locked(store, record.source, target):
        record = unfinished_now(store, record)
        totals = store.part_totals(record.id)
        store.delete_upload(record.id)
        return totals


def forget_job(record: JobRecord, *, store: StateStore) -> int:
    """Forget the job's unfinished uploads, and mark the job aborted.  Returns the number of uploads.

    Raises:
        StateLocked: a process is running it, or sending one of its files; stop that process first.
        UploadFailed: another process finished the job meanwhile.
        StateError.
    """
    with locked_open_job(store, record) as job:
        uploads = [each for each in store.uploads(statuses=UNFINISHED) if each.job == job.id]
        for each in uploads:
            forget_upload(each, store=store)
        mark_aborted(store, job)
        return len(uploads)
