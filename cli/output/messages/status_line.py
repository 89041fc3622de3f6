"""The status text of a job or an upload, used by bars, lines and log files alike."""

import math

from partway.engine.plural import plural
from partway.engine.progress.job import JobProgress
from partway.engine.progress.upload import UploadProgress
from partway.state.live import LivePhase

from ...text.escape import printable
from ...text.units import format_rate, format_seconds, format_size

_MAX_NAMED = 3  # uploads named in a job's line


def job_line(progress: JobProgress) -> str:
    """A job's status and the first of its running uploads, in one line."""
    uploads = tuple(progress.uploads)
    named = [f"{printable(each.name)} {_share(each)}" for each in uploads[:_MAX_NAMED]]
    if len(uploads) > _MAX_NAMED:
        named.append(more(len(uploads) - _MAX_NAMED))
    share = job_percent(progress)
    line = f"{printable(progress.target)}: {f'{share}, ' if share else ''}{job_state(progress)}"
    return f"{line}; now {', '.join(named)}" if named else line


def upload_line(progress: UploadProgress) -> str:
    """An upload's status in one line."""
    return f"{printable(progress.name)}: {share_and_state(progress)}"


def share_and_state(progress: UploadProgress) -> str:
    """An upload's status, starting with its share if known."""
    share = "" if progress.open_ended and not progress.total else f"{percent(progress)}, "
    return share + state(progress)


def more(count: int) -> str:
    """``and 3 more files``."""
    return f"and {plural(count, 'more file')}"


def percent(progress: UploadProgress) -> str:
    """``45 %``; never 100, since the object does not exist before the last response."""
    return _percent(progress.fraction())


def job_percent(progress: JobProgress) -> str | None:
    """``45 %``; None while the job's files are counted."""
    share = progress.fraction()
    return None if share is None else _percent(share)


def _percent(share: float) -> str:
    return f"{min(99, int(share * 100))} %"


def speed_text(progress: UploadProgress) -> str:
    """The upload's rate, or what it is doing instead; ``""`` if unknown.

    The uploads of a job share workers, so an upload that has started may be waiting.
    """
    if progress.phase is not LivePhase.SENDING:
        return "comparing" if progress.phase is LivePhase.CHECKING else progress.phase.value
    if progress.away:
        return "unreachable"
    if not progress.sent:
        return "waiting"
    rate = progress.rate()
    return "" if rate is None else format_rate(rate)


def _away(progress: UploadProgress | JobProgress, now: float | None) -> str:
    """``retrying in 3 s, unreachable for 12 s``, or less if that is not known.

    now: On the clock of the events; None if the current time is not known.
    """
    if now is None or progress.away_since is None:
        return "endpoint unreachable"
    away = _whole_seconds(now - progress.away_since)
    if progress.retry_at is None:
        return f"endpoint unreachable for {away}"
    wait = progress.retry_at - now
    return f"retrying {f'in {_whole_seconds(wait)}' if wait > 0 else 'now'}, unreachable for {away}"


def _whole_seconds(seconds: float) -> str:
    """Seconds for a countdown."""
    return f"{math.ceil(seconds)} s" if seconds <= 59 else format_seconds(seconds)


def time_left(progress: UploadProgress) -> str:
    """``1:20 left``; ``""`` if unknown."""
    return _left(progress.seconds_left() if progress.phase is LivePhase.SENDING and not progress.away else None)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{format_seconds(seconds)} left" if seconds < 86400 * 9 else "over 9 d left"


def _share(progress: UploadProgress) -> str:
    return percent(progress) if progress.phase is LivePhase.SENDING and not progress.away else speed_text(progress)


def job_state(progress: JobProgress, now: float | None = None, width: int = 1000) -> str:
    """How far a job is, in words, for one moment; in a narrow place the less important facts are left out.

    now: on the clock of the events, where that is known.
    """
    facts = _job_totals(progress)
    if progress.away:
        facts.append(_away(progress, now))
    elif (rate := progress.rate()) is not None:
        facts.append(format_rate(rate))
        if left := _left(progress.seconds_left()):
            facts.append(left)
    if progress.failed:
        facts.append(f"{progress.failed:,} failed")
    if progress.resumed:
        facts.append(f"{progress.resumed:,} already done")
    if progress.skipped:
        facts.append(f"{progress.skipped:,} skipped")
    return _fitting(facts, width)


def _job_totals(progress: JobProgress) -> list[str]:
    """Files and bytes: of how many, once some are counted."""
    if progress.total_files is None or progress.total_bytes is None:
        return [plural(progress.done, "file"), format_size(progress.bytes)]
    least = "at least " if progress.counting else ""
    there = progress.there if progress.counting else min(progress.there, progress.total_bytes)
    return [
        f"{progress.settled_files:,} of {least}{plural(progress.total_files, 'file')}",
        f"{format_size(there)} of {least}{format_size(progress.total_bytes)}",
    ]


def _fitting(facts: list[str], width: int) -> str:
    """As many facts as there is room for, at least one."""
    while len(facts) > 1 and len(", ".join(facts)) > width:
        facts.pop()
    return ", ".join(facts)


def state(progress: UploadProgress, width: int = 1000, now: float | None = None) -> str:
    """An upload's status; if ``width`` is small, the less important facts are omitted.

    now: On the clock of the events; None if unknown.
    """
    if progress.phase is LivePhase.CHECKING:
        share = progress.checked / progress.check_total if progress.check_total else 1.0
        return f"comparing the file with parts on S3: {share:.0%} of {format_size(progress.check_total)}"
    if progress.phase is LivePhase.COMPLETING:
        count = progress.part_count or progress.parts_there
        return f"all {count:,} parts are on S3; completing the upload"
    if progress.phase is LivePhase.STARTING:
        return "checking what is on S3"
    rate = progress.rate()
    facts = [_bytes_text(progress)]
    if progress.away:
        facts.append(_away(progress, now))
    elif rate is not None:
        facts.append(format_rate(rate))
        if left := time_left(progress):
            facts.append(left)
    if progress.part_count is None:
        facts.append(plural(progress.parts_there, "part"))
    else:
        facts.append(f"{progress.parts_there:,}/{progress.part_count:,} parts")
    if progress.retries:
        facts.append(plural(progress.retries, "retry", "retries"))
    return _fitting(facts, width)


def _bytes_text(progress: UploadProgress) -> str:
    there = format_size(progress.there)
    if not progress.open_ended:
        return f"{there} of {format_size(progress.total)}"
    return f"{there} of {format_size(progress.total)} expected" if progress.total else there
