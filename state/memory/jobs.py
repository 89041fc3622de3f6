"""Jobs in memory."""

from collections.abc import Collection, Iterable, Mapping

from ..errors import StateError
from ..jobs import FileRecord, FileStatus, FileTotals, JobRecord, JobStatus


class MemoryJobs:
    """Jobs in memory, lost at exit."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobRecord] = {}
        self._files: dict[str, dict[str, FileRecord]] = {}
        self._walked: dict[str, str] = {}

    def save(self, record: JobRecord) -> None:
        self._jobs[record.id] = record

    def get(self, id: str) -> JobRecord | None:
        return self._jobs.get(id)

    def all(self, prefix: str = "", *, open_only: bool = False) -> list[JobRecord]:
        found = [
            record
            for record in self._jobs.values()
            if record.id.startswith(prefix) and (record.status is JobStatus.OPEN or not open_only)
        ]
        return sorted(found, key=lambda record: (record.created_at, record.id))

    def save_files(self, job: str, files: Iterable[FileRecord]) -> None:
        if job not in self._jobs:
            raise StateError(f"cannot save files: there is no job {job}")
        self._files.setdefault(job, {}).update({file.key: file for file in files})

    def files(self, job: str, keys: Collection[str]) -> dict[str, FileRecord]:
        held = self._files.get(job, {})
        return {key: held[key] for key in keys if key in held}

    def totals(self, job: str) -> FileTotals:
        files = self._files.get(job, {}).values()
        counts = {status: sum(file.status is status for file in files) for status in FileStatus}
        return FileTotals(
            done=counts[FileStatus.DONE],
            skipped=counts[FileStatus.SKIPPED],
            failed=counts[FileStatus.FAILED],
            bytes=sum(file.size for file in files if file.status is not FileStatus.FAILED),
        )

    def all_totals(self, *, open_only: bool = False) -> dict[str, FileTotals]:
        return {job.id: self.totals(job.id) for job in self.all(open_only=open_only) if self._files.get(job.id)}

    def failures(self, job: str, limit: int) -> list[FileRecord]:
        files = self._files.get(job, {})
        return [files[key] for key in sorted(files) if files[key].status is FileStatus.FAILED][:limit]

    def begin_walk(self) -> None:
        self._walked.clear()

    def record_walked(self, paths: Mapping[str, str]) -> dict[str, str]:
        before = {key: self._walked[key] for key in paths if key in self._walked}
        self._walked = dict(paths) | self._walked
        return before

    def count_missing(self, job: str) -> int:
        return len(self._missing(job))

    def missing(self, job: str, limit: int) -> list[FileRecord]:
        return self._missing(job)[:limit]

    def delete_missing(self, job: str) -> None:
        for file in self._missing(job):
            del self._files[job][file.key]

    def _missing(self, job: str) -> list[FileRecord]:
        return [file for key, file in sorted(self._files.get(job, {}).items()) if key not in self._walked]

    def delete_files(self, job: str, keys: Collection[str] | None = None) -> None:
        files = self._files.get(job, {})
        for key in list(files if keys is None else keys):
            files.pop(key, None)

    def delete(self, id: str) -> None:
        self._jobs.pop(id, None)
        self._files.pop(id, None)
