"""``partway list``."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from partway.engine.options import target_of
from partway.state.jobs import JobRecord, JobStatus
from partway.state.live import LiveRow
from partway.state.records import UNFINISHED, UploadRecord, UploadStatus
from partway.state.store import StateStore

from . import exit_codes, options
from .facts import QUIET, facts, job_facts, quiet_seconds, total_bytes
from .job_now import job_now, job_row
from .session import opened_store
from .text import printable, shorten
from .units import format_age, format_rate, format_seconds, format_size

_ENDLESS = 100_000
_LEAST_NAME = 10  # columns of a name that is shortened
_GAP = 2  # columns between two columns

_RUNNING = "RUNNING"
_STYLES = {"open": "yellow", "completing": "yellow", "completed": "green", _RUNNING: "bold green"}

Rows = dict[str, LiveRow]
Cells = list[tuple[tuple[str, ...], tuple[str, ...]]]  # a row: facts, and the names beside them


@click.command("list", epilog="Example:  partway list --all")
@click.option("--all", "everything", is_flag=True, help="Also what is done or cancelled.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@options.state_dir_option
def command(everything: bool, as_json: bool, state_dir: Path | None) -> int:
    """Show unfinished uploads and jobs, oldest first, and which of them run now."""
    with opened_store(state_dir) as store:
        rows = {row.record.id: row for row in store.live.all()}
        records = store.uploads(statuses=None if everything else UNFINISHED)
        jobs = store.jobs.all(open_only=not everything)
        rows |= {job.id: row for job in jobs if (row := job_row(store, job)) is not None}
        jobs = [job_now(store, job, rows.get(job.id)) for job in jobs]
        if as_json:
            for record in records:
                print(json.dumps(facts(store, record, rows.get(record.id))))
            for job in jobs:
                print(json.dumps(job_facts(job, rows.get(job.id))))
        elif not print_all(store, records, jobs, rows):
            print("no uploads yet" if everything else "nothing is unfinished")
    return exit_codes.OK


def print_all(store: StateStore, records: Sequence[UploadRecord], jobs: Sequence[JobRecord], rows: Rows) -> bool:
    """A table of the jobs and one of the uploads; False when there is nothing to print."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        # For grep and friends a row is one line, however long.
        console.width = _ENDLESS
    if jobs:
        _print_jobs(console, jobs, rows)
    if jobs and records:
        console.print()
    if records:
        _print_uploads(console, store, records, rows)
    return bool(jobs or records)


def _print_jobs(console: Console, jobs: Sequence[JobRecord], rows: Rows) -> None:
    table = _table("JOB", "STATUS", "FILES", "FAILED", "BYTES", "LAST SEEN", right=("FILES", "FAILED", "BYTES"))
    cells: Cells = []
    for job in jobs:
        row = rows.get(job.id)
        status = _status(job.status.value, row, over=job.status is not JobStatus.OPEN)
        files, failed = f"{job.done + job.skipped:,}", f"{job.failed:,}" if job.failed else "-"
        seen = _seen(job.updated_at, row, status)
        cells.append(((job.id, status, files, failed, format_size(job.bytes), seen), (printable(job.target),)))
    _print(console, table, cells, ("TARGET",))


def _print_uploads(console: Console, store: StateStore, records: Sequence[UploadRecord], rows: Rows) -> None:
    table = _table("ID", "STATUS", "DONE", "SIZE", "LAST SEEN", right=("DONE", "SIZE"))
    cells: Cells = []
    for record in records:
        row = rows.get(record.id)
        status = _status(record.status.value, row, over=record.finished)
        size = "unknown" if total_bytes(record) is None else format_size(record.size)
        source = "- (a stream)" if record.is_stream else printable(Path(record.source).name)
        fixed = (record.id, status, _share(store, record), size, _seen(record.updated_at, row, status))
        cells.append((fixed, (source, printable(target_of(record).url))))
    _print(console, table, cells, ("SOURCE", "TARGET"))


def _table(*names: str, right: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=True, justify="right" if name in right else "left")
    return table


def _print(console: Console, table: Table, rows: Cells, names: tuple[str, ...]) -> None:
    """Facts stand as they are; the names share the room that is left, and lose their middle where it is small.

    Where there is no room for names beside the facts, they go below, and the less important facts away.
    """
    headers = [str(column.header) for column in table.columns]
    widths = [max(map(cell_len, cells)) for cells in zip(headers, *(fixed for fixed, _ in rows), strict=True)]
    room = console.width - sum(widths) - _GAP * (len(widths) + len(names) - 1)
    if room < _LEAST_NAME * len(names):
        for (id, status, share, *_), named in rows:
            console.print(Text(f"{id} {status} {share}{'' if len(names) > 1 else ' files'}"))
            console.print(Text(f"  {' to '.join(named)}"))
        return
    shares = [room]
    if len(names) > 1:
        longest = max(cell_len(named[0]) for _, named in rows)
        first = min(max(longest, len(names[0])), max(_LEAST_NAME, room * 2 // 5))
        shares = [first, room - first]
    for name in names:
        table.add_column(name, no_wrap=True)
    for fixed, named in rows:
        shown = [
            Text(shorten(name, share, ascii_only=console.options.ascii_only))
            for name, share in zip(named, shares, strict=True)
        ]
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in fixed), *shown)
    console.print(table)


def _status(status: str, row: LiveRow | None, *, over: bool) -> str:
    return _RUNNING if row is not None and row.alive and not over else status


def _seen(updated_at: float, row: LiveRow | None, status: str) -> str:
    """The rate of what runs, or why there is none; the age of the last news of what does not run."""
    if row is None or status != _RUNNING:
        return format_age(time.time() - max(updated_at, row.record.told_at if row is not None else 0.0))
    told = row.record
    if told.away_since is not None:
        return "network away"
    if (quiet := quiet_seconds(told)) >= QUIET:
        return f"silent {quiet:.0f} s" if quiet < 60 else f"silent {format_seconds(quiet)}"
    return "now" if told.rate is None else format_rate(told.rate)


def _share(store: StateStore, record: UploadRecord) -> str:
    _, done = store.part_totals(record.id)
    if total_bytes(record) is None:
        return format_size(done)
    share = done / record.size if record.size else float(record.status is UploadStatus.COMPLETED)
    return f"{int(share * 100)} %"
