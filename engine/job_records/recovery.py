"""Recover files that a job had finished when its process was killed before their rows were written."""

from partway.state.jobs import FileStatus, JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UploadStatus

from ..source.identity import recorded_identity
from .rows import file_row


def recover_files(store: StateStore, job: JobRecord, bucket: str, *, keep_paths: bool) -> None:
    """Store rows for the job's files whose uploads are completed and verified but that have no row yet.

    An upload is stored as completed before the row of its file is written.  Without this recovery, the whole file would
    be sent again.
    """
    completed = store.uploads_in(job.endpoint, bucket, statuses=[UploadStatus.COMPLETED], job=job.id)
    of_job = {each.key: each for each in completed if each.updated_at >= job.created_at}
    known = store.jobs.files(job.id, list(of_job))
    lost = [each for key, each in of_job.items() if key not in known or known[key].status is FileStatus.FAILED]
    rows = [
        file_row(each.key, recorded_identity(each), FileStatus.DONE, each.proof or "", keep_path=keep_paths)
        for each in lost
    ]
    if rows:
        store.jobs.save_files(job.id, rows)
        for each in lost:
            store.live.remove(each.id)
