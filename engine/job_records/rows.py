"""The rows of a job's files, and whether a row still describes its file."""

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


class FileState(Enum):
    """What remains to be done for a file.

    DONE: nothing.
    UNCERTAIN: it may have changed since it was sent, so its bytes must be compared.
    PENDING: it must be sent.
    """

    DONE = auto()
    UNCERTAIN = auto()
    PENDING = auto()


def file_state(row: FileRecord | None, now: SourceIdentity) -> FileState:
    """Compare the row of a file with the file.

    A different file can have the same size and mtime (rsync --times, cp --preserve), so inode and ctime are compared,
    too.  If only they differ, the bytes decide: a chmod changes the ctime, and some file systems renumber inodes.

    Args:
        row: None when earlier runs have not stored the file.
    """
    if row is None or row.status is FileStatus.FAILED:
        return FileState.PENDING
    if (row.size, row.mtime_ns) != (now.size, now.mtime_ns):
        return FileState.PENDING
    if (row.inode, row.ctime_ns) == (now.inode, now.ctime_ns) and row.ctime_ns is not None:
        return FileState.DONE
    # A skipped file has no object of ours to compare with.
    return FileState.UNCERTAIN if row.status is FileStatus.DONE else FileState.PENDING


def file_row(key: str, source: SourceIdentity, status: FileStatus, note: str, *, keep_path: bool = False) -> FileRecord:
    """Create the row of a file from the source as it was sent or skipped.

    keep_path: True stores the path, which is needed if it does not follow from the key.
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
    """The identity of the file that an upload has sent.  It may differ from the file that the walk found.

    Raises:
        StateError.
    """
    record = store.upload(upload)
    if record is None:
        return replace(found.identity, ctime_ns=None)
    # The upload may have been resumed under another path of the same file.
    return replace(recorded_identity(record), path=found.path)


def unfinished_uploads(store: StateStore, spec: JobSpec) -> dict[tuple[str, str], UploadRecord]:
    """Unfinished uploads to the job's bucket, by source and key."""
    found = store.uploads_in(spec.endpoint, spec.bucket, statuses=UNFINISHED)
    return {(each.source, each.key): each for each in found}
