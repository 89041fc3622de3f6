"""Forget unfinished uploads without a call: where the service refuses to abort, or is gone for good."""

from partway.state.jobs import JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord

from ..backend.target import Target
from ..job_records.cancel import locked_open_job, mark_aborted
from ..resume.lock import locked
from ..upload.abort import unfinished_now


def forget_upload(record: UploadRecord, *, store: StateStore) -> tuple[int, int]:
    """Remove the upload from the store; what S3 has of it stays there.

    Returns:
        How many parts the store knew, and their bytes.

    Raises:
        StateLocked: a process is sending it; stop that first.
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
    """The same for the job's unfinished uploads, of which it returns the number; the job is marked aborted.

    Raises:
        StateLocked: a process runs it, or sends one of its files; stop that first.
        UploadFailed: another process finished the job meanwhile.
        StateError.
    """
    with locked_open_job(store, record) as job:
        uploads = [each for each in store.uploads(statuses=UNFINISHED) if each.job == job.id]
        for each in uploads:
            forget_upload(each, store=store)
        mark_aborted(store, job)
        return len(uploads)
