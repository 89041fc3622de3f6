"""Files that a job had finished when its process ended, before it could remember that."""

from partway.state.jobs import FileStatus, JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UploadStatus

from ..source.identity import recorded_identity
from .rows import file_row


def recover_files(store: StateStore, job: JobRecord, *, keep_paths: bool) -> None:
    """Remember files of the job whose uploads were completed and proven, and that it does not know as done.

    An upload is recorded as completed before its job hears of it; without this, all of such a file would go again.
    """
    completed = store.uploads(statuses=[UploadStatus.COMPLETED])
    of_job = {each.key: each for each in completed if each.job == job.id and each.updated_at >= job.created_at}
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
