"""The messages about events, used by bars, lines and log files alike."""

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

from ...text.escape import printable
from ...text.units import format_age, format_rate, format_seconds, format_size

_PROOFS = {
    "etag": "verified etag (the object's ETag is the MD5 of the file)",
    "md5": "verified md5 of every part; of the whole object this service reports only the size",
    "size": "compared size only: S3 reports no checksum or MD5 of the object that could be compared",
}


def note(event: Event) -> str | None:
    """The message that stays on screen, or None."""
    match event:
        case UploadStarted() if event.part_count is None and event.most_bytes is not None:
            if event.expected_bytes is not None and event.expected_bytes <= event.most_bytes * 0.9:
                return None
            return _room(event.most_bytes, event.part_size)
        case StreamCompared():
            return (
                f"resuming: {plural(event.parts, 'part')} ({format_size(event.bytes)}) of an earlier run "
                f"{verb(event.parts)} on S3; each is kept if its bytes are the same"
            )
        case StreamDiffered():
            return (
                f"warning: {plural(event.parts, 'part')} of the stream {verb(event.parts, 'differs', 'differ')} from "
                "what an earlier run sent; sent again"
            )
        case UploadStarted() if event.resumed_parts and event.part_count is not None:
            return (
                f"resuming: {event.resumed_parts:,} of {event.part_count:,} parts "
                f"({format_size(event.resumed_bytes)}) are already on S3"
            )
        case NetworkLost():
            return f"endpoint unreachable, retrying in {format_seconds(event.wait)}: {printable(event.reason)}"
        case NetworkRestored():
            return f"reconnected after {format_seconds(event.seconds)}"
        case ChecksumFellBack():
            return f"{printable(event.reason)}; using {event.used} instead"
        case OrphanFound():
            return _orphan(event)
        case OrphanAdopted():
            less = f"; upload {event.left} has less of the file and is removed when this one is complete"
            left = less if event.left else ""
            return f"resuming an upload found on S3: {plural(event.parts, 'part')} ({format_size(event.bytes)}){left}"
        case JobStarted() if event.done_files:
            return f"resuming: {plural(event.done_files, 'file')} already done"
        case FileFailed():
            return f"failed: {printable(event.source)}: {printable(event.error)}"
        case FileSkipped() if not event.target:
            return f"skipped: {printable(event.source)}: {event.reason}"
        case ComparisonFailed():
            return (
                f"cannot tell whether {printable(event.target)} equals its file: {event.reason}; uploading it, and "
                "any others with the same problem"
            )
        case OverwriteNotExcluded():
            return (
                "this service may ignore conditional writes: partway checks the key right before it writes the object, "
                "but overwrites an object that someone else writes at that moment"
            )
        case UploadRenewed():
            return f"S3 lost this upload ({printable(event.reason)}); sending every part again"
        case _:
            return None


def _room(most: int, part_size: int) -> str | None:
    """A warning that the stream may turn out too long for its parts; None when they hold 5 TiB."""
    if most >= 5 * TIB:
        return None
    return (
        f"with parts of {format_size(part_size)} or more, the stream can have at most {format_size(most)}; for a "
        "longer one, stop this and run it again with --restart and a larger --expected-size or --part-size"
    )


def _orphan(event: OrphanFound) -> str:
    found = (
        f"S3 has another unfinished upload of this key, started {format_age(time.time() - event.initiated)}, with "
        f"{plural(event.parts, 'part')} ({format_size(event.bytes)})"
    )
    if event.passed_over:
        return f"{found}; it has no more of this file than the upload being resumed, so it is left alone"
    return f"{found}; to resume it, stop this and add --adopt"


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
        lines = [f"nothing to upload to {printable(event.target)}: the list is empty, or no file matches the filters"]
        return lines + _empty_folders(event)
    rate = f" at {format_rate(event.bytes / event.seconds)}" if event.seconds and event.bytes else ""
    facts = [f"uploaded {plural(event.done, 'file')} ({format_size(event.bytes)}) to {printable(event.target)}"]
    if event.resumed:
        facts.append(f"{plural(event.resumed, 'file')} already done")
    if event.skipped:
        facts.append(f"{plural(event.skipped, 'file')} skipped")
    facts.append(f"in {format_seconds(event.seconds)}{rate}")
    lines = [", ".join(facts)]
    lines += _empty_folders(event)
    if event.missing:
        lines.append(
            f"  {plural(event.missing, 'file')} of earlier runs no longer {verb(event.missing, 'exists', 'exist')}"
        )
    if event.done:
        lines.append("  each object was compared with its file")
    return lines


def _empty_folders(event: JobDone) -> list[str]:
    if not event.empty_folders:
        return []
    return [f"  {plural(event.empty_folders, 'empty directory', 'empty directories')} skipped: S3 has no directories"]
