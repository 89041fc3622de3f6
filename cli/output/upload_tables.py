"""The tables of ``partway list``."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from partway.engine.run.stored_options import url_of
from partway.state.jobs import JobRecord, JobStatus
from partway.state.live import LiveSnapshot
from partway.state.uploads import UploadRecord, UploadStatus

from ..status.facts import NO_PARTS, QUIET, quiet_seconds, total_bytes
from ..text.columns import GAP, print_columns
from ..text.escape import printable, shorten
from ..text.palette import AMBER, GREEN
from ..text.units import format_age, format_rate, format_seconds, format_size
from ..text.width import table_console

_MIN_NAME = 10  # columns of a name that is shortened
_NUMBERS = ("FILES", "FAILED", "BYTES", "DONE", "SIZE")  # columns
_RUNNING = "RUNNING"
_STYLES = {"open": AMBER, "completing": AMBER, "completed": GREEN, _RUNNING: f"bold {GREEN}"}
Rows = dict[str, LiveSnapshot]
Totals = dict[str, tuple[int, int]]  # finished parts and their bytes, by upload; missing means none
Cells = list[tuple[tuple[str, ...], tuple[str, ...]]]  # a row: the facts, and the names


def print_all(records: Sequence[UploadRecord], totals: Totals, jobs: Sequence[JobRecord], rows: Rows) -> bool:
    """Print a table of the jobs and one of the uploads; False if there is nothing to print."""
    console = table_console()
    if jobs:
        _print_jobs(console, jobs, rows)
    if jobs and records:
        console.print()
    if records:
        _print_uploads(console, records, totals, rows)
    return bool(jobs or records)


def _print_jobs(console: Console, jobs: Sequence[JobRecord], rows: Rows) -> None:
    cells: Cells = []
    for job in jobs:
        row = rows.get(job.id)
        status = _status(job.status.label, row, over=job.status is not JobStatus.OPEN)
        files, failed = f"{job.done + job.skipped:,}", f"{job.failed:,}" if job.failed else "-"
        seen = _seen(job.updated_at, row, status)
        cells.append(((job.id, status, files, failed, format_size(job.bytes), seen), (printable(job.target),)))
    _print(console, ("JOB", "STATUS", "FILES", "FAILED", "BYTES", "LAST SEEN"), ("DESTINATION",), cells)


def _print_uploads(console: Console, records: Sequence[UploadRecord], totals: Totals, rows: Rows) -> None:
    cells: Cells = []
    for record in records:
        row = rows.get(record.id)
        status = _status(record.status.label, row, over=record.finished)
        size = "unknown" if total_bytes(record) is None else format_size(record.size)
        source = "- (a stream)" if record.is_stream else printable(Path(record.source).name)
        _, done = totals.get(record.id, NO_PARTS)
        fixed = (record.id, status, _share(record, done), size, _seen(record.updated_at, row, status))
        cells.append((fixed, (source, printable(url_of(record)))))
    _print(console, ("ID", "STATUS", "DONE", "SIZE", "LAST SEEN"), ("SOURCE", "DESTINATION"), cells)


def _print(console: Console, headers: Sequence[str], names: Sequence[str], rows: Cells) -> None:
    """Print rows: facts in full, and names shortened in the middle to fit the remaining width.

    If there is no room for names beside the facts, they go on the next line, and less important facts are omitted.
    """
    widths = [max(map(cell_len, cells)) for cells in zip(headers, *(fixed for fixed, _ in rows), strict=True)]
    room = console.width - sum(widths) - GAP * (len(widths) + len(names) - 1)
    if room < _MIN_NAME * len(names):
        unit = "" if len(names) > 1 else " files"
        lines = [f"{id} {status} {share}{unit}\n  {' to '.join(named)}" for (id, status, share, *_), named in rows]
        console.print(Text("\n".join(lines)))
        return
    shares = [room]
    if len(names) > 1:
        longest = max(cell_len(named[0]) for _, named in rows)
        first = min(max(longest, len(names[0])), max(_MIN_NAME, room * 2 // 5))
        shares = [first, room - first]
    plain = console.options.ascii_only
    shown = [
        (*fixed, *(shorten(name, share, ascii_only=plain) for name, share in zip(named, shares, strict=True)))
        for fixed, named in rows
    ]
    print_columns(console, (*headers, *names), shown, right=_NUMBERS, styles=_STYLES)


def _status(status: str, row: LiveSnapshot | None, *, over: bool) -> str:
    return _RUNNING if row is not None and row.alive and not over else status


def _seen(updated_at: float, row: LiveSnapshot | None, status: str) -> str:
    """The rate of a running upload, or why there is none; otherwise the time since its last update."""
    if row is None or status != _RUNNING:
        return format_age(time.time() - max(updated_at, row.record.updated_at if row is not None else 0.0))
    snapshot = row.record
    if snapshot.away_since is not None:
        return "unreachable"
    if (quiet := quiet_seconds(snapshot)) >= QUIET:
        return f"stalled {quiet:.0f} s" if quiet < 60 else f"stalled {format_seconds(quiet)}"
    return "now" if snapshot.rate is None else format_rate(snapshot.rate)


def _share(record: UploadRecord, done: int) -> str:
    """done: bytes in finished parts."""
    if total_bytes(record) is None:
        return format_size(done)
    if record.status is UploadStatus.COMPLETED:
        return "100 %"
    return f"{min(99, int(done / record.size * 100)) if record.size else 0} %"
