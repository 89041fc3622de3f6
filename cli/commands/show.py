"""``partway show ID``: one upload with its part map, or one job with its failed files."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from partway.engine.plural import plural
from partway.engine.run.stored_options import target_of
from partway.state.jobs import JobRecord, JobStatus
from partway.state.live import LiveSnapshot
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord, UploadStatus

from ..options import shared
from ..runtime import completion, exit_codes
from ..runtime.lookup import find_job, find_upload
from ..runtime.store import read_only_store
from ..status.facts import NO_PARTS, QUIET, facts, how_it_ended, job_facts, part_count, quiet_seconds, total_bytes
from ..status.job import job_now, job_row
from ..status.part_map import part_map
from ..text.columns import print_table
from ..text.console import make_console
from ..text.escape import printable
from ..text.units import format_age, format_rate, format_size

_MAX_FAILURES = 20  # shown; --json lists all of them
_ALL = 1_000_000_000


@click.command("show", epilog="Example:  partway show 3f2a91bc")
@click.argument("id", shell_complete=completion.all_ids)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, with the finished parts or the failed files."
)
@shared.state_dir_option
def command(id: str, as_json: bool, state_dir: Path | None) -> int:
    """Show one upload or job: its options, progress, finished parts, and failed files with their errors."""
    with read_only_store(state_dir) as store:
        console = make_console()
        if (job := find_job(store, id)) is not None:
            row = job_row(store, job)
            job = job_now(store, job, row)
            if as_json:
                print(json.dumps(job_facts(job, row) | _job_lists(store, job)))
            else:
                print_job(store, job, row, console)
            return exit_codes.OK
        record = find_upload(store, id)
        row = store.live.get(record.id)
        if as_json:
            parts = [part.number for part in store.parts(record.id)]
            print(json.dumps(facts(record, row, store.part_totals(record.id)) | {"parts": parts}))
        else:
            print_upload(store, record, row, console)
    return exit_codes.OK


def print_upload(store: StateStore, record: UploadRecord, live: LiveSnapshot | None, console: Console) -> None:
    """Print the facts, then the part map."""
    count, size = store.part_totals(record.id)
    now = time.time()
    table, row = _facts_table()

    row("upload", record.id + (f", of job {record.job}" if record.job else ""))
    running = ", running now" if live is not None and live.alive else ""
    row("status", record.status.label + (f" ({record.proof})" if record.proof else running))
    row("source", "- (a stream: only its producer can send it again)" if record.is_stream else record.source)
    row("destination", target_of(record).url + (f" at {record.endpoint}" if record.endpoint else ""))
    total, parts = total_bytes(record), part_count(record, count)
    if total is None or parts is None:
        row("done", f"{format_size(size)}, {plural(count, 'part')}; total size unknown")
    else:
        row("done", f"{format_size(size)} of {format_size(total)}, {count:,} of {plural(parts, 'part')}")
    each = "or more" if record.is_stream else "each"
    row("parts", f"{format_size(record.part_size)} {each}, {record.checksum_algorithm}")
    row(
        "runs",
        f"{record.run}, last seen {format_age(now - record.updated_at)}, started {format_age(now - record.created_at)}",
    )
    if target_of(record).options.customer_key is not None:
        row("encrypted", "with a customer-provided key (--sse-c), never stored")
    if record.abort_date is not None and not record.finished:
        row(
            "expires",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(record.abort_date)) + ", when S3 removes the parts",
        )
    if live is not None and record.status in UNFINISHED:
        _run_rows(live, row)
    print_table(console, table)
    if record.status is not UploadStatus.ABORTED:
        flying = [number for number, _ in live.record.parts] if live is not None and live.alive else []
        shown = part_map(store, record, flying)
        console.print()
        plain = console.options.ascii_only
        for line in [*shown.rows(max(10, console.width - 2), ascii_only=plain), shown.legend(ascii_only=plain)]:
            console.print(Text("  ").append_text(line))


def print_job(store: StateStore, job: JobRecord, live: LiveSnapshot | None, console: Console) -> None:
    """Print the facts; then the failed files with their errors, and running or unfinished uploads."""
    now = time.time()
    table, row = _facts_table()
    row("job", job.id)
    row("status", job.status.label + (", running now" if live is not None and live.alive else ""))
    row("destination", job.target + (f" at {job.endpoint}" if job.endpoint else ""))
    skipped = f", {job.skipped:,} of them skipped" if job.skipped else ""
    row("done", f"{plural(job.done + job.skipped, 'file')} ({format_size(job.bytes)}){skipped}")
    if live is not None and job.status is JobStatus.OPEN and live.record.total_files is not None:
        least = "at least " if live.record.counting else ""
        row("of", f"{least}{plural(live.record.total_files, 'file')} ({format_size(live.record.total_bytes or 0)})")
    if job.failed:
        row("failed", plural(job.failed, "file"))
    row("last seen", f"{format_age(now - job.updated_at)}, started {format_age(now - job.created_at)}")
    if live is not None and job.status is JobStatus.OPEN:
        _run_rows(live, row)
    print_table(console, table)
    failures = store.jobs.failures(job.id, _MAX_FAILURES)
    if failures:
        console.print()
    for failure in failures:
        console.print(Text(f"failed: {printable(failure.key)}: {printable(failure.note)}"), soft_wrap=True)
    if failures and job.failed > len(failures):
        console.print(f"and {job.failed - len(failures):,} more")
    totals = store.all_part_totals(statuses=UNFINISHED)
    running = {each.record.id for each in store.live.running()}
    for record in _unfinished_of(store, job):
        _, size = totals.get(record.id, NO_PARTS)
        done = f"{format_size(size)} of {format_size(record.size)}"
        what = "running" if record.id in running else "unfinished"
        console.print(Text(f"{what}: {record.id} {printable(record.key)}: {done} on S3"), soft_wrap=True)


def _job_lists(store: StateStore, job: JobRecord) -> dict[str, object]:
    failures = store.jobs.failures(job.id, _ALL)
    return {
        "failures": [{"key": failure.key, "error": failure.note} for failure in failures],
        "uploads": [record.id for record in _unfinished_of(store, job)],
    }


def _unfinished_of(store: StateStore, job: JobRecord) -> list[UploadRecord]:
    return [record for record in store.uploads(statuses=UNFINISHED) if record.job == job.id]


def _facts_table() -> tuple[Table, Callable[[str, str], None]]:
    """A table of names and values, and the function that adds a row."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")

    def row(name: str, value: str) -> None:
        table.add_row(name, Text(printable(value)))

    return table, row


def _run_rows(live: LiveSnapshot, row: Callable[[str, str], None]) -> None:
    """The process that runs it and its progress, or how the last run ended."""
    from ..status.snapshot import describe_process  # needed only for running uploads

    snapshot, now = live.record, time.time()
    if not live.alive:
        ended = how_it_ended(live)
        reason = snapshot.error or f"{describe_process(snapshot)} exited unexpectedly (killed or crashed)"
        row("ended", f"{ended} {format_age(now - snapshot.updated_at)}: {reason}")
        return
    facts = [snapshot.phase.value if snapshot.rate is None else format_rate(snapshot.rate)]
    if snapshot.parts:
        facts.append(f"{len(snapshot.parts):,} in flight ({format_size(snapshot.in_flight_bytes)})")
    if snapshot.away_since is not None:
        facts.append("endpoint unreachable")
    if (quiet := quiet_seconds(snapshot)) >= QUIET:
        facts.append(f"no progress for {quiet:.0f} s")
    row("process", f"{describe_process(snapshot)}, {', '.join(facts)}")
    if snapshot.retries:
        row("retries", f"{snapshot.retries:,}, last: {snapshot.reason}")
