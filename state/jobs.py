"""Jobs: one command that uploads many files, and what became of each."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class JobStatus(StrEnum):
    """How far a job is.  OPEN: something may be left to do."""

    OPEN = "open"
    COMPLETED = "completed"
    ABORTED = "aborted"

    @property
    def label(self) -> str:
        """The word that users read."""
        return "cancelled" if self is JobStatus.ABORTED else self.value


class FileStatus(StrEnum):
    """What became of a file.  SKIPPED: the service had the same, or the key was taken."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job.

    id: eight hex digits, as those of uploads.
    spec: what is uploaded and how, as JSON text; opaque to the store.
    target: as users write it.
    region, profile: None means the default of the user's AWS configuration.
    endpoint: the service's address; "" means AWS.
    created_at, updated_at: seconds since the epoch.
    done, skipped, failed: files, as the last run left them.
    bytes: of the files that are done or skipped.
    holder: who ran it last, for messages.
    """

    id: str
    status: JobStatus
    spec: str
    target: str
    endpoint: str
    region: str | None
    profile: str | None
    created_at: float
    updated_at: float
    done: int = 0
    skipped: int = 0
    failed: int = 0
    bytes: int = 0
    holder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """What became of one file of a job.

    size, mtime_ns, inode, ctime_ns: of the file as it was sent; bytes, and as ``os.stat`` gives them.  inode and
        ctime_ns are None when they are unknown (rows written by earlier versions).
    note: the proof of a file that is done, the reason for one that is not.
    path: of the file, absolute; None where the key alone tells it, and in rows written by earlier versions.
    """

    key: str
    size: int
    mtime_ns: int
    status: FileStatus
    note: str
    inode: int | None = None
    ctime_ns: int | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTotals:
    """How many files of a job have which status; bytes: of those that are done or skipped."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    bytes: int = 0


class JobStore(Protocol):
    """Remembers jobs.  Called from one thread; what a method wrote survives a crash of the machine.

    Every method raises StateError when the store cannot be read or written.
    """

    def save(self, record: JobRecord) -> None:
        """Add the job, or replace the row of the same id.  Its files stay."""
        ...

    def get(self, id: str) -> JobRecord | None:
        """The job with exactly this id, or None."""
        ...

    def all(self, prefix: str = "", *, open_only: bool = False) -> list[JobRecord]:
        """Jobs whose id starts with ``prefix``, oldest first."""
        ...

    def save_files(self, job: str, files: Iterable[FileRecord]) -> None:
        """Remember files; one of the same key is replaced.  All of them or none.

        Raises:
            StateError: there is no such job.
        """
        ...

    def files(self, job: str, keys: Collection[str]) -> dict[str, FileRecord]:
        """Those of the named files that the job knows, by key."""
        ...

    def totals(self, job: str) -> FileTotals:
        """Counts over the files that the job knows."""
        ...

    def all_totals(self, *, open_only: bool = False) -> dict[str, FileTotals]:
        """The same of all jobs, by id.  Those that know no file are left out."""
        ...

    def failures(self, job: str, most: int) -> list[FileRecord]:
        """At most so many of the files that failed, by key."""
        ...

    def begin_walk(self) -> None:
        """From now on ``unmet`` is about a new walk, which met nothing yet."""
        ...

    def meet(self, paths: Mapping[str, str]) -> dict[str, str]:
        """The walk met files of these keys at these paths.  Not durable: it is forgotten when the store is closed.

        Returns:
            Those of the keys that the walk met before, with the path it met them at first.
        """
        ...

    def count_unmet(self, job: str) -> int:
        """How many of the files that the job knows the walk did not meet."""
        ...

    def unmet(self, job: str, most: int) -> list[FileRecord]:
        """At most so many of them, by key."""
        ...

    def forget_unmet(self, job: str) -> None:
        """Keep the files that the walk met."""
        ...

    def forget_files(self, job: str, keys: Collection[str] | None = None) -> None:
        """Keep the job without the files of these keys; None means all of its files."""
        ...

    def remove(self, id: str) -> None:
        """Forget the job and its files; nothing happens when it is unknown."""
        ...
