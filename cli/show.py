"""``partway show ID``: one upload with its part map."""

import json
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from partway.engine.options import target_of
from partway.engine.plan import UploadPlan
from partway.state.records import UploadRecord, UploadStatus
from partway.state.store import StateStore

from . import complete, exit_codes, options
from .list import facts, part_count, total_bytes
from .partmap import Cell, PartMap
from .session import find_upload, opened_store
from .text import printable
from .units import format_age, format_size


@click.command("show", epilog="Example:  partway show 3f2a91bc")
@click.argument("id", shell_complete=complete.all_ids)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with the numbers of the finished parts.")
@options.state_dir_option
def command(id: str, as_json: bool, state_dir: Path | None) -> int:
    """Show one upload: what it is, how far it is, and which parts are there."""
    with opened_store(state_dir) as store:
        record = find_upload(store, id)
        if as_json:
            parts = [part.number for part in store.parts(record.id)]
            print(json.dumps(facts(store, record) | {"parts": parts}))
        else:
            print_upload(store, record, Console(highlight=False, markup=False))
    return exit_codes.OK


def part_map(store: StateStore, record: UploadRecord) -> PartMap:
    """What became of each part: the last run's are sent, earlier runs' reused."""
    runs = {part.number: part.run for part in store.parts(record.id)}
    if record.is_stream:
        count = max(runs, default=0)  # what is beyond nobody knows
    else:
        count = UploadPlan(file_size=record.size, part_size=record.part_size).part_count
    cells = [
        Cell.MISSING if number not in runs else Cell.SENT if runs[number] == record.run else Cell.REUSED
        for number in range(1, count + 1)
    ]
    return PartMap(cells=cells)


def print_upload(store: StateStore, record: UploadRecord, console: Console) -> None:
    """Facts, then the map."""
    count, size = store.part_totals(record.id)
    now = time.time()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")

    def row(name: str, value: str) -> None:
        table.add_row(name, Text(printable(value)))

    row("upload", record.id)
    row("status", record.status.value + (f" ({record.proof})" if record.proof else ""))
    row("source", "- (a stream: only its producer can send it again)" if record.is_stream else record.source)
    row("target", target_of(record).url + (f" at {record.endpoint}" if record.endpoint else ""))
    total, parts = total_bytes(record), part_count(record, count)
    if total is None or parts is None:
        row("done", f"{format_size(size)}, {count:,} parts; how much is to come is not known")
    else:
        row("done", f"{format_size(size)} of {format_size(total)}, {count:,} of {parts:,} parts")
    each = "or more" if record.is_stream else "each"
    row("parts", f"{format_size(record.part_size)} {each}, {record.checksum_algorithm}")
    row(
        "runs",
        f"{record.run}, last seen {format_age(now - record.updated_at)}, begun {format_age(now - record.created_at)}",
    )
    if record.abort_date is not None and not record.finished:
        row(
            "expires",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(record.abort_date)) + ", then S3 removes the parts",
        )
    console.print(table)
    if record.status is not UploadStatus.ABORTED:
        shown = part_map(store, record)
        console.print()
        plain = console.options.ascii_only
        for line in [*shown.rows(max(10, console.width - 2), ascii_only=plain), shown.legend(ascii_only=plain)]:
            console.print(Text("  ").append_text(line))
