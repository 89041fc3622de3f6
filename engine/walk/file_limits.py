"""Select the files of a job by size and age, as rclone's filters do.

https://rclone.org/filtering/#min-size-don-t-transfer-any-file-smaller-than-this
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from partway.state.jobs import JobStore

from .walk import FileEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """The sizes and modification times of the files to upload; None means no limit.

    min_size, max_size: bytes; a file of exactly this size is uploaded.
    max_age, min_age: seconds before the job was created.  A resumed job has the limits of its first run.
    after, before: seconds since the epoch.
    """

    min_size: int | None = None
    max_size: int | None = None
    max_age: float | None = None
    min_age: float | None = None
    after: float | None = None
    before: float | None = None

    def since(self, created_at: float) -> "FileLimits":
        """The limits with ages as times.  created_at: when the job was created, in seconds since the epoch."""
        return replace(
            self,
            max_age=None,
            min_age=None,
            after=self.after if self.max_age is None else created_at - self.max_age,
            before=self.before if self.min_age is None else created_at - self.min_age,
        )

    def allow(self, found: FileEntry) -> bool:
        """True when the file is within the limits, which have no ages."""
        modified = found.mtime_ns / 1e9
        return (
            (self.min_size is None or found.size >= self.min_size)
            and (self.max_size is None or found.size <= self.max_size)
            and (self.after is None or modified >= self.after)
            and (self.before is None or modified <= self.before)
        )


def chosen(
    files: Iterable[tuple[str, FileEntry]], limits: FileLimits, jobs: JobStore, job: str, unfinished: Collection[str]
) -> list[tuple[str, FileEntry]]:
    """The files that belong to the job, with their keys, in the given order.

    A file that an earlier run has sent or started belongs to the job even if it has grown or was touched since then.

    Args:
        limits: Without ages.
        job: ID of the job; "" for none.
        unfinished: Keys of the job's unfinished uploads.
    """
    if limits == FileLimits():
        return list(files)
    pairs = list(files)
    outside = {key for key, found in pairs if not limits.allow(found)}
    outside -= jobs.files(job, outside).keys() if outside and job else set()
    return [(key, found) for key, found in pairs if key not in outside or key in unfinished]
