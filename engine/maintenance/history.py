"""History: the uploads and jobs in the store that are completed or aborted."""

from collections.abc import Callable
from dataclasses import dataclass

from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord, UploadStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Finished uploads and jobs, which are no longer needed."""

    uploads: tuple[UploadRecord, ...]
    jobs: tuple[JobRecord, ...]

    def __bool__(self) -> bool:
        return bool(self.uploads or self.jobs)


def expired_history(store: StateStore, older_than: float, now: Callable[[], float]) -> History:
    """The uploads and jobs that finished at least ``older_than`` seconds ago, oldest first.

    Never includes unfinished ones, nor uploads of unfinished jobs.
    """
    before = now() - older_than
    jobs = store.jobs.all()
    unfinished = {job.id for job in jobs if job.status is JobStatus.OPEN}
    unfinished |= {record.job for record in store.uploads(statuses=UNFINISHED) if record.job}
    return History(
        uploads=tuple(
            record
            for record in store.uploads(statuses=set(UploadStatus) - UNFINISHED)
            if record.updated_at <= before and record.job not in unfinished
        ),
        jobs=tuple(job for job in jobs if job.updated_at <= before and job.id not in unfinished),
    )
