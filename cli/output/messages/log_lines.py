"""Events as short log lines, one per event, for people who check what happened last night."""

from typing import assert_never

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
from partway.engine.plural import plural

from ...text.escape import printable
from ...text.units import format_seconds, format_size
from . import sentences


def whose(event: Event) -> str:
    """The ID of the event's upload or job, or ``-``."""
    return getattr(event, "upload", "") or getattr(event, "job", "") or "-"


def log_line(event: Event) -> str:
    """What happened, in one line without the time and the ID."""
    match event:
        case UploadStarted():
            return _started(event)
        case UploadDone() | UploadSkipped() | JobDone():
            return "; ".join(line.strip() for line in sentences.summary(event))
        case UploadFailed():
            how = "incomplete, run again to resume" if event.resumable else "failed"
            return f"{how}: {printable(event.error)}"
        case UploadCompleting():
            return "all parts are on S3; completing the upload"
        case JobStarted():
            return f"job to {printable(event.target)}; {plural(event.done_files, 'file')} done by earlier runs"
        case JobCounted():
            least = "at least " if event.counting else ""
            return f"the job has {least}{plural(event.total_files, 'file')} ({format_size(event.total_bytes)})"
        case FileDone():
            return f"uploaded {printable(event.target)} ({format_size(event.bytes)}), proof {event.proof}"
        case FileSkipped():
            return f"skipped {printable(event.source)}: {printable(event.reason)}"
        case OrphanAdopted() | OrphanFound() | UploadRenewed() | StreamCompared() | StreamDiffered():
            return sentences.note(event) or ""
        case OverwriteNotExcluded() | ChecksumFellBack() | NetworkLost() | NetworkRestored():
            return sentences.note(event) or ""
        case NetworkProbed():
            away, wait = format_seconds(event.seconds), format_seconds(event.wait)
            return f"endpoint still unreachable after {away}, retrying in {wait}"
        case ComparisonFailed() | FileFailed():
            return sentences.note(event) or ""
        case PartDone() | PartKept() | PartProgress() | PartRetried() | PartsChecked():
            return _part(event)
        case UploadPlanned() | JobPlanned():
            return "dry run: nothing was sent"
        case _:
            assert_never(event)


def _started(event: UploadStarted) -> str:
    if event.total_bytes is None or event.part_count is None:
        return f"sending a stream to {printable(event.target)}, in parts of {format_size(event.part_size)} or more"
    where = f"{printable(event.source)} to {printable(event.target)}"
    parts = plural(event.part_count, "part") + (f" of {format_size(event.part_size)}" if event.part_count > 1 else "")
    there = f"; {format_size(event.resumed_bytes)} already on S3" if event.resumed_parts else ""
    return f"sending {where}: {format_size(event.total_bytes)} in {parts}{there}"


def _part(event: PartDone | PartKept | PartProgress | PartRetried | PartsChecked) -> str:
    match event:
        case PartDone():
            return f"part {event.number:,} done ({format_size(event.size)})"
        case PartKept():
            return f"part {event.number:,} kept from an earlier run ({format_size(event.size)})"
        case PartProgress():
            return f"part {event.number:,}: {format_size(event.sent)} sent"
        case PartsChecked():
            return f"compared {format_size(event.bytes)} of {format_size(event.total_bytes)} with parts on S3"
        case PartRetried():
            what = f"part {event.number:,}" if event.number else "request for the whole upload"
            wait = format_seconds(event.wait)
            return f"{what}, attempt {event.attempt:,} failed, retrying in {wait}: {printable(event.reason)}"
        case _:
            assert_never(event)
