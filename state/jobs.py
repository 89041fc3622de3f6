"""Jobs: one command that uploads many files, and the result of each file."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class JobStatus(StrEnum):
    """The state of a job.  OPEN: it may be unfinished."""

    OPEN = "open"
    COMPLETED = "completed"
    ABORTED = "aborted"

    @property
    def label(self) -> str:
        """The word that users read."""
        return "cancelled" if self is JobStatus.ABORTED else self.value


class FileStatus(StrEnum):
    """The result of a file.  SKIPPED: the same object was there, or the key was taken."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job.

    id: eight hex digits, like those of uploads.
    spec: sources, filters and options, as JSON text; opaque to the store.
    target: the destination as the user typed it.
    region, profile: None means the default of the user's AWS configuration.
    endpoint: the service's URL; "" means AWS.
    created_at, updated_at: seconds since the epoch.
    done, skipped, failed: number of files at the end of the last run.
    bytes: size of the files that are done or skipped.
    holder: the process that ran it last, for messages.
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
    """The result of one file of a job.

    size: bytes.
    mtime_ns, inode, ctime_ns: from ``os.stat`` when the file was sent.  inode and ctime_ns are None when they are
        unknown (rows of earlier versions).
    note: the proof when the file is done, otherwise the reason.
    path: absolute; None where it follows from the key, and in rows of earlier versions.
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
    """The number of a job's files by status.  bytes: size of those that are done or skipped."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    bytes: int = 0


class JobStore(Protocol):
    """Stores jobs and the results of their files.

    Called from one thread.  When a method that writes returns, its changes survive a crash of the machine.  Every
    method raises StateError when the store cannot be read or written.
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
        """Add files or replace those with the same key: all of them or none.

        Raises:
            StateError: there is no such job.
        """
        ...

    def files(self, job: str, keys: Collection[str]) -> dict[str, FileRecord]:
        """The stored files with these keys, by key.  Unknown keys are left out."""
        ...

    def totals(self, job: str) -> FileTotals:
        """The totals over the job's stored files."""
        ...

    def all_totals(self, *, open_only: bool = False) -> dict[str, FileTotals]:
        """The totals of every job by id.  Jobs without stored files are left out."""
        ...

    def failures(self, job: str, limit: int) -> list[FileRecord]:
        """The first ``limit`` files that failed, in the order of their keys."""
        ...

    def begin_walk(self) -> None:
        """Start a new walk of the sources: until ``record_walked``, every stored file counts as missing."""
        ...

    def record_walked(self, paths: Mapping[str, str]) -> dict[str, str]:
        """Record that the walk found files with these keys.  Not durable: lost when the store is closed.

        paths: the path of each key's file.

        Returns:
            The keys that this walk had already found, with the path of the first file.
        """
        ...

    def count_missing(self, job: str) -> int:
        """The number of stored files that the walk has not found."""
        ...

    def missing(self, job: str, limit: int) -> list[FileRecord]:
        """The first ``limit`` stored files that the walk has not found, in the order of their keys."""
        ...

    def delete_missing(self, job: str) -> None:
        """Delete the stored files that the walk has not found."""
        ...

    def delete_files(self, job: str, keys: Collection[str] | None = None) -> None:
        """Delete the stored files with these keys; None means all files of the job.  The job itself stays."""
        ...

    def delete(self, id: str) -> None:
        """Delete the job and its files; an unknown id is ignored."""
        ...
