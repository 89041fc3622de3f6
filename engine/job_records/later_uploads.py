"""Objects that later commands wrote to the keys of an unfinished upload or job.  A resume must not overwrite them."""

from collections.abc import Collection

from partway.state.jobs import FileRecord, FileStatus, JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord, UploadStatus

from ..walk.spec import JobSpec
from .match import readable_jobs
from .rows import SAME

LATER = "a later upload wrote the object"


class LaterUploads:
    """The last completed upload of each key, and the jobs, because their small files are not in the uploads."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._jobs: dict[tuple[str, str, str], list[JobRecord]] = {}
        for job, spec in readable_jobs(store.jobs.all()):
            if job.status is not JobStatus.ABORTED:
                self._jobs.setdefault((spec.endpoint, spec.bucket, spec.prefix), []).append(job)
        self._last: dict[tuple[str, str, str], UploadRecord] = {}
        # Oldest first.
        for each in store.uploads(statuses=[UploadStatus.COMPLETED]):
            self._last[each.endpoint, each.bucket, each.key] = each

    def after(self, record: UploadRecord) -> UploadRecord | JobRecord | None:
        """The completed upload that was started after the last activity of this one, or a job that has run since then
        and sent a file to its key; None when there is neither."""
        last = self._last.get((record.endpoint, record.bucket, record.key))
        if last is not None and last.created_at > record.updated_at:
            return last
        for job in self._jobs_since(record):
            file = self._store.jobs.files(job.id, [record.key]).get(record.key)
            if file is not None and _is_wanted(file):
                return job
        return None

    def _jobs_since(self, record: UploadRecord) -> list[JobRecord]:
        """Other jobs that have run since then and whose prefix the key starts with, newest first."""
        key = record.key
        prefixes = ["", *(key[: index + 1] for index, letter in enumerate(key) if letter == "/")]
        found = [
            job
            for prefix in prefixes
            for job in self._jobs.get((record.endpoint, record.bucket, prefix), ())
            if job.id != record.job and job.updated_at > record.updated_at
        ]
        return sorted(found, key=lambda job: (job.created_at, job.id), reverse=True)


class WrittenSince:
    """Keys in the bucket that other commands have written since the last run of the job."""

    def __init__(self, store: StateStore, job: JobRecord, bucket: str) -> None:
        self._store = store
        completed = store.uploads_in(
            job.endpoint, bucket, statuses=[UploadStatus.COMPLETED], created_after=job.updated_at
        )
        self._uploaded = frozenset(each.key for each in completed if each.job != job.id)
        self._jobs = [
            other.id
            for other in store.jobs.all()
            if other.id != job.id and _ran_since(other, job.updated_at, job.endpoint, bucket)
        ]

    def among(self, keys: Collection[str]) -> set[str]:
        """Those of the keys that were written."""
        found = {key for key in keys if key in self._uploaded}
        for job in self._jobs:
            found.update(key for key, file in self._store.jobs.files(job, keys).items() if _is_wanted(file))
        return found


def needs_rows(store: StateStore, job: JobRecord) -> bool:
    """True while the rows of a completed job are needed: another unfinished upload or job may write the same keys, and
    the rows tell which of them this job wrote."""
    spec = JobSpec.from_json(job.spec)
    if any(
        each.job != job.id and each.key.startswith(spec.prefix)
        for each in store.uploads_in(spec.endpoint, spec.bucket, statuses=UNFINISHED)
    ):
        return True
    return any(
        other.id != job.id
        and other.endpoint == spec.endpoint
        # Compare the whole URLs, so that the buckets are equal, too.
        and (other.target.startswith(spec.url) or spec.url.startswith(other.target))
        and _spec_of(other) is not None
        for other in store.jobs.all(open_only=True)
    )


def _ran_since(job: JobRecord, seconds: float, endpoint: str, bucket: str) -> bool:
    if job.status is JobStatus.ABORTED or job.endpoint != endpoint or job.updated_at <= seconds:
        return False
    spec = _spec_of(job)
    return spec is not None and spec.bucket == bucket


def _is_wanted(file: FileRecord) -> bool:
    """True when the object has the bytes of the job's file."""
    return file.status is FileStatus.DONE or (file.status is FileStatus.SKIPPED and file.note == SAME)


def _spec_of(job: JobRecord) -> JobSpec | None:
    """The job's spec; None when it is unreadable, so that no command can resume the job."""
    try:
        return JobSpec.from_json(job.spec)
    except (ValueError, TypeError, KeyError):
        return None
