"""Events: what happened, or would happen, as facts in the past tense.  ``--json`` uses the same names and fields."""

from collections.abc import Callable

from .dry_run import JobPlanned, UploadPlanned
from .job import ComparisonFailed as ComparisonFailed
from .job import FileDone as FileDone
from .job import FileFailed as FileFailed
from .job import FileSkipped as FileSkipped
from .job import JobCounted as JobCounted
from .job import JobDone as JobDone
from .job import JobStarted as JobStarted
from .upload import (
    ChecksumFellBack,
    NetworkLost,
    NetworkProbed,
    NetworkRestored,
    OrphanAdopted,
    OrphanFound,
    OverwriteNotExcluded,
    PartDone,
    PartKept,
    PartProgress,
    PartRetried,
    PartsChecked,
    StreamCompared,
    StreamDiffered,
    UploadCompleting,
    UploadDone,
    UploadFailed,
    UploadRenewed,
    UploadSkipped,
    UploadStarted,
)

Event = (
    PartsChecked
    | UploadStarted
    | PartProgress
    | PartRetried
    | NetworkLost
    | NetworkProbed
    | NetworkRestored
    | ChecksumFellBack
    | OverwriteNotExcluded
    | UploadRenewed
    | OrphanFound
    | OrphanAdopted
    | StreamCompared
    | PartKept
    | StreamDiffered
    | PartDone
    | UploadCompleting
    | UploadDone
    | UploadSkipped
    | UploadFailed
    | JobStarted
    | JobCounted
    | FileDone
    | FileSkipped
    | ComparisonFailed
    | FileFailed
    | JobDone
    | UploadPlanned
    | JobPlanned
)


EventSink = Callable[[Event], None]
"""Receives the events, in order and in one thread.  An exception it raises stops the upload, which can be resumed."""


def ignore(event: Event) -> None:
    """A sink that discards every event."""
