"""The tables that ``partway clean`` shows before it asks."""

import time

from rich.table import Table
from rich.text import Text

from partway.engine.maintenance.history import History
from partway.engine.maintenance.orphans import Orphan, RemovalPolicy
from partway.engine.run.stored_options import target_of

from ..text.columns import print_table
from ..text.escape import printable
from ..text.units import format_age, format_size, format_span
from ..text.width import table_console

_MAX_SHOWN = 20
_GIB = 1024**3
# USD for a GiB in a month: S3 Standard in us-east-1, the first 50 TB.  https://aws.amazon.com/s3/pricing/
_PRICE = 0.023


def print_orphans(where: str, found: list[Orphan], choice: RemovalPolicy) -> None:
    """Print two tables: the uploads that can be removed, with their cost, and those that are kept."""
    where = printable(where)
    if not found:
        print(f"{where} has no unfinished uploads")
        return
    console = table_console()
    chosen = [each for each in found if each.kept is None]
    kept = [each for each in found if each.kept is not None]
    if kept:
        print(f"kept in {where}:")
        print_table(console, _table(kept, with_reason=True))
    if not chosen:
        print(f"nothing to remove: no upload has been abandoned for {format_span(choice.seconds)} or more")
        return
    if kept:
        print()
    print(f"can be removed from {where}:")
    print_table(console, _table(chosen, with_reason=False))
    known = [each.parts.bytes for each in chosen if each.parts is not None]
    cost = sum(known) / _GIB * _PRICE
    unknown = len(chosen) - len(known)
    more = f" and {unknown:,} of unknown size" if unknown else ""
    price = f"about USD {cost:,.2f}" if cost >= 0.01 else "less than USD 0.01"
    print(f"total {format_size(sum(known))}{more}, {price} per month")
    print(f"  (at USD {_PRICE} per GB-month, S3 Standard, us-east-1; aws.amazon.com/s3/pricing)")


def print_history(history: History) -> None:
    """Print the oldest history entries that would be deleted."""
    now = time.time()
    table = _new_table("ID", "STATUS", "ENDED", "DESTINATION")
    rows = [(record.id, record.status.label, record.updated_at, target_of(record).url) for record in history.uploads]
    rows += [(job.id, f"job {job.status.label}", job.updated_at, job.target) for job in history.jobs]
    for id, status, ended, target in sorted(rows, key=lambda row: row[2])[:_MAX_SHOWN]:
        table.add_row(id, status, format_age(now - ended), Text(printable(target)))
    print_table(table_console(), table)
    if len(rows) > _MAX_SHOWN:
        print(f"… and {len(rows) - _MAX_SHOWN:,} more; `partway list --all` lists them all")


def _table(orphans: list[Orphan], *, with_reason: bool) -> Table:
    known_people = any(orphan.upload.initiator for orphan in orphans)
    last = ["WHY"] if with_reason else ["STARTED BY"] if known_people else []
    table = _new_table("LAST PART", "PARTS", "SIZE", "KEY", *last)
    for orphan in orphans:
        parts = orphan.parts
        words = [(orphan.kept if with_reason else orphan.upload.initiator) or ""] if last else []
        table.add_row(
            "unknown" if orphan.age is None else format_age(orphan.age),
            "?" if parts is None else f"{parts.count:,}",
            "?" if parts is None else format_size(parts.bytes),
            Text(printable(orphan.upload.key)),
            *(Text(printable(word)) for word in words),
        )
    return table


def _new_table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        fold = name in ("KEY", "WHY", "DESTINATION", "STARTED BY")
        table.add_column(
            name,
            justify="right" if name in ("PARTS", "SIZE") else "left",
            no_wrap=not fold,
            overflow="fold" if fold else "ellipsis",
        )
    return table
