"""What to tell people about an event, in one plain line; bars and lines say the same."""

import time

from partway.engine.events import (
    ChecksumFellBack,
    Event,
    FileFailed,
    FileSkipped,
    JobDone,
    JobStarted,
    NetworkLost,
    NetworkRestored,
    OrphanAdopted,
    OrphanFound,
    StreamCompared,
    StreamDiffered,
    UploadDone,
    UploadRenewed,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.limits import TIB

from .job_progress import JobProgress
from .progress import UploadProgress
from .text import printable
from .units import format_age, format_rate, format_seconds, format_size

_PROOFS = {
    "etag": "verified etag (the object's ETag is the MD5 of the file's bytes)",
    "md5": "verified md5 of every part; of the whole object this service gives only the size",
    "size": "compared size only: this service gives neither a checksum nor an MD5 of the object",
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
                f"resuming: {event.parts:,} {_parts(event.parts)} ({format_size(event.bytes)}) of an earlier run are "
                "on S3; each is kept if the same bytes come again"
            )
        case StreamDiffered():
            return (
                f"warning: {event.parts:,} {_parts(event.parts)} of the stream not as an earlier run had sent them; "
                "sent again"
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
            age = format_age(time.time() - event.initiated)
            return (
                f"S3 has another unfinished upload of this key, begun {age}, with {event.parts:,} parts "
                f"({format_size(event.bytes)}); to go on with it, stop this and add --adopt"
            )
        case OrphanAdopted():
            return f"going on with an upload that only S3 knew: {event.parts:,} parts ({format_size(event.bytes)})"
        case JobStarted() if event.done_files:
            return f"resuming: {event.done_files:,} files are done already"
        case FileFailed():
            return f"failed: {printable(event.source)}: {printable(event.error)}"
        case FileSkipped() if not event.target:
            return f"left out: {printable(event.source)}: {event.reason}"
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


def _parts(count: int) -> str:
    return "part" if count == 1 else "parts"


def summary(event: UploadDone | UploadSkipped | JobDone) -> list[str]:
    """The lines at the end of an upload, or of a job."""
    if isinstance(event, JobDone):
        return _job_summary(event)
    if isinstance(event, UploadSkipped):
        return [f"skipped {printable(event.target)}: {event.reason}; nothing was sent"]
    rate = f" at {format_rate(event.sent_bytes / event.seconds)}" if event.seconds and event.sent_bytes else ""
    retries = "no retries" if not event.retries else "1 retry" if event.retries == 1 else f"{event.retries:,} retries"
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
    rate = f" at {format_rate(event.bytes / event.seconds)}" if event.seconds and event.bytes else ""
    facts = [f"uploaded {files(event.done)} ({format_size(event.bytes)}) to {printable(event.target)}"]
    if event.resumed:
        facts.append(f"{files(event.resumed)} were done before")
    if event.skipped:
        facts.append(f"{files(event.skipped)} skipped")
    facts.append(f"in {format_seconds(event.seconds)}{rate}")
    lines = [", ".join(facts)]
    if event.empty_folders:
        folders = "1 empty folder" if event.empty_folders == 1 else f"{event.empty_folders:,} empty folders"
        lines.append(f"  {folders} left out: S3 has no folders")
    if event.done:
        lines.append("  each object was compared with its file")
    return lines


def files(count: int) -> str:
    """``1 file``, ``1,234 files``."""
    return "1 file" if count == 1 else f"{count:,} files"


def job_state(progress: JobProgress) -> str:
    """How far a job is, in words, for one moment."""
    facts = [files(progress.done), format_size(progress.bytes)]
    if (rate := progress.rate()) is not None:
        facts.append(format_rate(rate))
    if progress.resumed:
        facts.append(f"{progress.resumed:,} before")
    if progress.skipped:
        facts.append(f"{progress.skipped:,} skipped")
    if progress.failed:
        facts.append(f"{progress.failed:,} failed")
    return ", ".join(facts)


def state(progress: UploadProgress, width: int = 1000) -> str:
    """How far it is, in words, for one moment; in a narrow place the less important facts are left out."""
    if progress.phase == "checking":
        share = progress.checked / progress.check_total if progress.check_total else 1.0
        return f"comparing the file with parts on S3: {share:.0%} of {format_size(progress.check_total)}"
    if progress.phase == "completing":
        count = progress.part_count or progress.parts_there
        return f"all {count:,} parts are on S3; waiting for S3 to make the object of them"
    if progress.phase == "starting":
        return "asking S3 what it has"
    rate, left = progress.rate(), progress.seconds_left()
    facts = [_how_far(progress)]
    if progress.away:
        facts.append("network away")
    elif rate is not None:
        facts.append(format_rate(rate))
        if left is not None:
            facts.append(f"{format_seconds(left)} left" if left < 86400 * 9 else "very long left")
    if progress.part_count is None:
        facts.append(f"{progress.parts_there:,} {_parts(progress.parts_there)}")
    else:
        facts.append(f"{progress.parts_there:,}/{progress.part_count:,} parts")
    if progress.retries:
        facts.append(f"{progress.retries:,} {'retry' if progress.retries == 1 else 'retries'}")
    while len(facts) > 1 and len(", ".join(facts)) > width:
        facts.pop()
    return ", ".join(facts)


def _how_far(progress: UploadProgress) -> str:
    there = format_size(progress.there)
    if not progress.open_ended:
        return f"{there} of {format_size(progress.total)}"
    return f"{there} of {format_size(progress.total)} expected" if progress.total else there
