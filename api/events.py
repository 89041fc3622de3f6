"""The events passed to ``on_event``: frozen dataclasses, with the names and fields of the command's ``--json``.

Match on the class::

    def on_event(event: partway.events.Event) -> None:
        match event:
            case partway.events.PartDone(number=number, size=size):
                ...

``upload`` is the ID that ``Client.resume`` and ``Client.cancel`` accept, and ``number`` S3's 1-based part number.
Sizes are in bytes, times in seconds.
"""

from partway.engine.events import Event
from partway.engine.events.dry_run import JobPlanned, UploadPlanned
from partway.engine.events.upload import (
    ChecksumFellBack,
    ComparisonFailed,
    FileDone,
    FileFailed,
    FileSkipped,
    JobCounted,
    JobDone,
    JobStarted,
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

__all__ = [
    "ChecksumFellBack",
    "ComparisonFailed",
    "Event",
    "FileDone",
    "FileFailed",
    "FileSkipped",
    "JobCounted",
    "JobDone",
    "JobPlanned",
    "JobStarted",
    "NetworkLost",
    "NetworkProbed",
    "NetworkRestored",
    "OrphanAdopted",
    "OrphanFound",
    "OverwriteNotExcluded",
    "PartDone",
    "PartKept",
    "PartProgress",
    "PartRetried",
    "PartsChecked",
    "StreamCompared",
    "StreamDiffered",
    "UploadCompleting",
    "UploadDone",
    "UploadFailed",
    "UploadPlanned",
    "UploadRenewed",
    "UploadSkipped",
    "UploadStarted",
]
