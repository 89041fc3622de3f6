"""What later commands put where an unfinished upload or job would write: a resume of the older one does not undo it."""

from collections.abc import Collection

from partway.state.jobs import FileRecord, FileStatus, JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord, UploadStatus

from ..walk.spec import JobSpec
from .match import readable_jobs
from .rows import SAME

LATER = "a later upload wrote the object"


class LaterUploads:
    """The completed uploads of a store, by where they went: the last of each; and the jobs, whose small files are no
    uploads."""

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
        """The upload that began after anything was done for this one, and is completed, or the job that ran since and
        sent a file to its key; None when there is none."""
        last = self._last.get((record.endpoint, record.bucket, record.key))
        if last is not None and last.created_at > record.updated_at:
            return last
        for job in self._jobs_since(record):
            file = self._store.jobs.files(job.id, [record.key]).get(record.key)
            if file is not None and _is_wanted(file):
                return job
        return None

    def _jobs_since(self, record: UploadRecord) -> list[JobRecord]:
        """Other jobs that ran since and whose prefix the key begins with, the newest first."""
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
    """Keys in the bucket that other commands wrote since the job ran last."""

    def __init__(self, store: StateStore, job: JobRecord, bucket: str) -> None:
        self._store = store
        self._uploaded = frozenset(
            each.key
            for each in store.uploads(statuses=[UploadStatus.COMPLETED])
            if (each.endpoint, each.bucket) == (job.endpoint, bucket)
            and each.job != job.id
            and each.created_at > job.updated_at
        )
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


def is_awaited(store: StateStore, job: JobRecord) -> bool:
    """True while something else that is unfinished may write keys of the job: its rows tell then what it wrote."""
    spec = JobSpec.from_json(job.spec)
    if any(
        (each.endpoint, each.bucket) == (spec.endpoint, spec.bucket)
        and each.job != job.id
        and each.key.startswith(spec.prefix)
        for each in store.uploads(statuses=UNFINISHED)
    ):
        return True
    others = (_spec_of(each) for each in store.jobs.all(open_only=True) if each.id != job.id)
    return any(
        (other.endpoint, other.bucket) == (spec.endpoint, spec.bucket)
        and (other.prefix.startswith(spec.prefix) or spec.prefix.startswith(other.prefix))
        for other in others
        if other is not None
    )


def _ran_since(job: JobRecord, seconds: float, endpoint: str, bucket: str) -> bool:
    if job.status is JobStatus.ABORTED or job.endpoint != endpoint or job.updated_at <= seconds:
        return False
    spec = _spec_of(job)
    return spec is not None and spec.bucket == bucket


def _is_wanted(file: FileRecord) -> bool:
    """True when the object is what the job made of the file, or was that already."""
    return file.status is FileStatus.DONE or (file.status is FileStatus.SKIPPED and file.note == SAME)


def _spec_of(job: JobRecord) -> JobSpec | None:
    """None for a job whose spec is not readable, which no command can resume."""
    try:
        return JobSpec.from_json(job.spec)
    except (ValueError, TypeError, KeyError):
        return None
