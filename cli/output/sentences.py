"""What to tell people about an event, in plain lines; bars, lines and logs say the same."""

import time

from partway.engine.events import Event
from partway.engine.events.upload import (
    TAKEN,
    ChecksumFellBack,
    ComparisonFailed,
    FileFailed,
    FileSkipped,
    JobDone,
    JobStarted,
    NetworkLost,
    NetworkRestored,
    OrphanAdopted,
    OrphanFound,
    OverwriteNotExcluded,
    StreamCompared,
    StreamDiffered,
    UploadDone,
    UploadRenewed,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.limits import TIB
from partway.engine.plural import plural, verb

from ..text.escape import printable
from ..text.units import format_age, format_rate, format_seconds, format_size

_PROOFS = {
    "etag": "verified etag (the object's ETag is the MD5 of the file's bytes)",
    "md5": "verified md5 of every part; of the whole object this service gives only the size",
    "size": "compared size only: S3 gives no checksum or MD5 of the object that could be compared",
}


def note(event: Event) -> str | None:
    """A line worth keeping on the screen, or None."""
    match event:
        case UploadStarted() if event.part_count is None and event.most_bytes is not None:
            if event.expected_bytes is not None and event.expected_bytes <= event.most_bytes * 0.9:
                return None
            return _room(event.most_bytes, event.part_size)
        case StreamCompared():
            return (
                f"resuming: {plural(event.parts, 'part')} ({format_size(event.bytes)}) of an earlier run "
                f"{verb(event.parts)} on S3; each is kept if the same bytes come again"
            )
        case StreamDiffered():
            return (
                f"warning: {plural(event.parts, 'part')} of the stream {verb(event.parts, 'differs', 'differ')} from "
                "what an earlier run sent; sent again"
            )
        case UploadStarted() if event.resumed_parts and event.part_count is not None:
            return (
                f"resuming: {event.resumed_parts:,} of {event.part_count:,} parts "
                f"({format_size(event.resumed_bytes)}) are on S3 already"
            )
        case NetworkLost():
            return f"network away: {printable(event.reason)}; waiting"
        case NetworkRestored():
            return f"network back after {format_seconds(event.seconds)}"
        case ChecksumFellBack():
            return f"{printable(event.reason)}; using {event.used} instead"
        case OrphanFound():
            return _orphan(event)
        case OrphanAdopted():
            left = f"; upload {event.left} has less and is removed when this one is done" if event.left else ""
            return (
                f"going on with an upload that only S3 knew: {plural(event.parts, 'part')} "
                f"({format_size(event.bytes)}){left}"
            )
        case JobStarted() if event.done_files:
            return f"resuming: {plural(event.done_files, 'file')} done already"
        case FileFailed():
            return f"failed: {printable(event.source)}: {printable(event.error)}"
        case FileSkipped() if not event.target:
            return f"left out: {printable(event.source)}: {event.reason}"
        case ComparisonFailed():
            return (
                f"cannot tell whether {printable(event.target)} is the file already: {event.reason}; it is sent, and "
                "so are others for which this holds"
            )
        case OverwriteNotExcluded():
            return (
                "this service is not known to refuse an overwrite itself: the key is looked at right before the object "
                "is made, and what somebody else writes there in that moment is overwritten"
            )
        case UploadRenewed():
            return f"S3 has lost this upload ({printable(event.reason)}); sending every part again"
        case _:
            return None


def _room(most: int, part_size: int) -> str | None:
    """A word about a stream that may have no room, before it is sent; None where there is room for 5 TiB."""
    if most >= 5 * TIB:
        return None
    return (
        f"with parts from {format_size(part_size)} there is room for {format_size(most)}; for a longer stream, stop "
        "this and name a larger --expected-size or --part-size with --restart"
    )


def _orphan(event: OrphanFound) -> str:
    found = (
        f"S3 has another unfinished upload of this key, begun {format_age(time.time() - event.initiated)}, with "
        f"{plural(event.parts, 'part')} ({format_size(event.bytes)})"
    )
    if event.passed_over:
        return f"{found}; it has no more of this file than what is continued, and is left alone"
    return f"{found}; to go on with it, stop this and add --adopt"


def summary(event: UploadDone | UploadSkipped | JobDone) -> list[str]:
    """The lines at the end of an upload, or of a job."""
    if isinstance(event, JobDone):
        return _job_summary(event)
    if isinstance(event, UploadSkipped):
        nothing = "; nothing was sent" if event.reason == TAKEN else ""
        return [f"skipped {printable(event.target)}: {printable(event.reason)}{nothing}"]
    rate = f" at {format_rate(event.sent_bytes / event.seconds)}" if event.seconds and event.sent_bytes else ""
    retries = plural(event.retries, "retry", "retries") if event.retries else "no retries"
    facts = [f"sent {format_size(event.sent_bytes)} in {format_seconds(event.seconds)}{rate}"]
    if event.resumed_bytes:
        facts.append(f"reused {format_size(event.resumed_bytes)}")
    facts.append(retries)
    return [
        f"uploaded {printable(event.target)} ({format_size(event.bytes)})",
        f"  {', '.join(facts)}",
        f"  {_PROOFS.get(event.proof, f'verified {event.proof} of the whole object')}",
    ]


def _job_summary(event: JobDone) -> list[str]:
    if not event.done + event.resumed + event.skipped + event.failed + event.missing:
        lines = [f"nothing to upload to {printable(event.target)}: the list is empty, or the filters match no file"]
        return lines + _empty_folders(event)
    rate = f" at {format_rate(event.bytes / event.seconds)}" if event.seconds and event.bytes else ""
    facts = [f"uploaded {plural(event.done, 'file')} ({format_size(event.bytes)}) to {printable(event.target)}"]
    if event.resumed:
        facts.append(f"{plural(event.resumed, 'file')} {verb(event.resumed, 'was', 'were')} done before")
    if event.skipped:
        facts.append(f"{plural(event.skipped, 'file')} skipped")
    facts.append(f"in {format_seconds(event.seconds)}{rate}")
    lines = [", ".join(facts)]
    lines += _empty_folders(event)
    if event.missing:
        lines.append(f"  {plural(event.missing, 'file')} of earlier runs not there any more")
    if event.done:
        lines.append("  each object was compared with its file")
    return lines


def _empty_folders(event: JobDone) -> list[str]:
    if not event.empty_folders:
        return []
    return [f"  {plural(event.empty_folders, 'empty folder')} left out: S3 has no folders"]
