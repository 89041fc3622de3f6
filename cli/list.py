"""``partway list``."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from partway.engine.options import target_of
from partway.engine.plan import UploadPlan
from partway.state.jobs import JobRecord, JobStatus
from partway.state.records import UNFINISHED, UploadRecord, UploadStatus
from partway.state.store import StateStore

from . import exit_codes, options
from .session import opened_store
from .text import printable
from .units import format_age, format_size

_LEAST_WIDTH = 70  # columns that a table needs to be readable
_ENDLESS = 100_000

_STYLES = {UploadStatus.OPEN: "yellow", UploadStatus.COMPLETING: "yellow", UploadStatus.COMPLETED: "green"}


@click.command("list", epilog="Example:  partway list --all")
@click.option("--all", "everything", is_flag=True, help="Also what is done or cancelled.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@options.state_dir_option
def command(everything: bool, as_json: bool, state_dir: Path | None) -> int:
    """Show unfinished uploads, oldest first."""
    with opened_store(state_dir) as store:
        records = store.uploads(statuses=None if everything else UNFINISHED)
        jobs = [_as_it_is(store, job) for job in store.jobs.all(open_only=not everything)]
        if as_json:
            for record in records:
                print(json.dumps(facts(store, record)))
            for job in jobs:
                print(json.dumps(job_facts(job)))
        elif records or jobs:
            if jobs:
                _print_jobs(jobs)
            if records:
                _print_records(store, records)
        else:
            print("no uploads yet" if everything else "nothing is unfinished")
    return exit_codes.OK


def facts(store: StateStore, record: UploadRecord) -> dict[str, object]:
    """One upload for programs; the same names as the events have."""
    parts, size = store.part_totals(record.id)
    return {
        "upload": record.id,
        "status": record.status.value,
        "source": record.source,
        "target": target_of(record).url,
        "endpoint": record.endpoint,
        "total_bytes": total_bytes(record),
        "part_size": record.part_size,
        "part_count": part_count(record, parts),
        "done_parts": parts,
        "done_bytes": size,
        "checksum_algorithm": record.checksum_algorithm,
        "upload_id": record.upload_id,
        "runs": record.run,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "abort_date": record.abort_date,
        "etag": record.etag,
        "proof": record.proof,
    }


def _as_it_is(store: StateStore, job: JobRecord) -> JobRecord:
    """The job with the counts of now: its row has those of the last end of a run."""
    if job.status is not JobStatus.OPEN:
        return job
    totals = store.jobs.totals(job.id)
    return replace(job, done=totals.done, skipped=totals.skipped, bytes=totals.bytes)


def job_facts(job: JobRecord) -> dict[str, object]:
    """One job for programs."""
    return {
        "job": job.id,
        "status": job.status.value,
        "target": job.target,
        "endpoint": job.endpoint,
        "done_files": job.done,
        "skipped_files": job.skipped,
        "failed_files": job.failed,
        "done_bytes": job.bytes,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


def _print_jobs(jobs: list[JobRecord]) -> None:
    for job in jobs:
        failed = f", {job.failed:,} failed" if job.failed else ""
        print(
            f"{job.id} job {job.status.value}: {job.done + job.skipped:,} files done ({format_size(job.bytes)})"
            f"{failed}, {format_age(time.time() - job.updated_at)}, to {printable(job.target)}"
        )


def total_bytes(record: UploadRecord) -> int | None:
    """Bytes of the source; None while the end of a stream is not known."""
    known = not record.is_stream or record.status in (UploadStatus.COMPLETING, UploadStatus.COMPLETED)
    return record.size if known else None


def part_count(record: UploadRecord, done_parts: int) -> int | None:
    """How many parts the source has; None while the end of a stream is not known."""
    if record.is_stream:
        return None if total_bytes(record) is None else done_parts
    return UploadPlan(file_size=record.size, part_size=record.part_size).part_count


def _print_records(store: StateStore, records: list[UploadRecord]) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        # For grep and friends a row is one line, however long.
        console.width = _ENDLESS
    if console.width < _LEAST_WIDTH:
        for record in records:
            console.print(Text(f"{record.id} {record.status.value} {_share(store, record)}"))
            console.print(Text(f"  {printable(Path(record.source).name)} to {printable(target_of(record).url)}"))
    else:
        console.print(_table(store, records))


def _share(store: StateStore, record: UploadRecord) -> str:
    _, done = store.part_totals(record.id)
    if total_bytes(record) is None:
        return format_size(done)
    share = done / record.size if record.size else float(record.status is UploadStatus.COMPLETED)
    return f"{int(share * 100)} %"


def _table(store: StateStore, records: list[UploadRecord]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ID", no_wrap=True)
    table.add_column("STATUS", no_wrap=True)
    table.add_column("DONE", justify="right", no_wrap=True)
    table.add_column("SIZE", justify="right", no_wrap=True)
    table.add_column("LAST SEEN", no_wrap=True)
    table.add_column("SOURCE", overflow="fold")
    table.add_column("TARGET", overflow="fold")
    now = time.time()
    for record in records:
        table.add_row(
            record.id,
            Text(record.status.value, style=_STYLES.get(record.status, "dim")),
            _share(store, record),
            "unknown" if total_bytes(record) is None else format_size(record.size),
            format_age(now - record.updated_at),
            Text("- (a stream)" if record.is_stream else printable(Path(record.source).name)),
            Text(printable(target_of(record).url)),
        )
    return table
