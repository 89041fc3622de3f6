"""What a job's row of a file says about the file that is there now."""

from dataclasses import replace
from enum import Enum, auto

from partway.state.jobs import FileRecord, FileStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord

from ..source.identity import SourceIdentity, recorded_identity
from ..walk.spec import JobSpec
from ..walk.walk import FileEntry

# The note of a file that was skipped because its object has the same bytes.
SAME = "the service has the same"


class Standing(Enum):
    """What is left to do for a file.

    DONE: nothing.
    DOUBTFUL: it may be another file than the one that was sent; its bytes decide.
    LEFT: all of it.
    """

    DONE = auto()
    DOUBTFUL = auto()
    LEFT = auto()


def standing(row: FileRecord | None, now: SourceIdentity) -> Standing:
    """Compare the row of a file with the file.

    Size and mtime can be those of another file (rsync --times, cp --preserve), so the inode and ctime count too; but a
    chmod moves the ctime, and some filesystems number their files anew.

    Args:
        row: None when the job does not know the file.
    """
    if row is None or row.status is FileStatus.FAILED:
        return Standing.LEFT
    if (row.size, row.mtime_ns) != (now.size, now.mtime_ns):
        return Standing.LEFT
    if (row.inode, row.ctime_ns) == (now.inode, now.ctime_ns) and row.ctime_ns is not None:
        return Standing.DONE
    # What was skipped has no object of ours to compare with.
    return Standing.DOUBTFUL if row.status is FileStatus.DONE else Standing.LEFT


def file_row(key: str, source: SourceIdentity, status: FileStatus, note: str, *, keep_path: bool = False) -> FileRecord:
    """The row of a file as it was sent, or as it was when that proved to be needless.

    keep_path: True where the key alone does not tell the path.
    """
    return FileRecord(
        key=key,
        size=source.size,
        mtime_ns=source.mtime_ns,
        status=status,
        note=note,
        inode=source.inode,
        ctime_ns=source.ctime_ns,
        path=source.path if keep_path else None,
    )


def file_as_sent(store: StateStore, upload: str, found: FileEntry) -> SourceIdentity:
    """The file that an upload made the object of; the path may lead to another one by now, or have led to one before.

    Raises:
        StateError.
    """
    record = store.upload(upload)
    if record is None:
        return replace(found.identity, ctime_ns=None)
    # An upload is resumed also by another path of the same file.
    return replace(recorded_identity(record), path=found.path)


def unfinished_uploads(store: StateStore, spec: JobSpec) -> dict[tuple[str, str], UploadRecord]:
    """Uploads to the job's bucket that earlier runs began, by source and key."""
    return {
        (each.source, each.key): each
        for each in store.uploads(statuses=UNFINISHED)
        if (each.endpoint, each.bucket) == (spec.endpoint, spec.bucket)
    }
