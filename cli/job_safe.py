"""What a job that ended too early has on S3, in lines."""

from partway.state.jobs import JobRecord
from partway.state.records import UNFINISHED
from partway.state.store import StateStore

from .sentences import files
from .units import format_size


def safe_of_job(store: StateStore, record: JobRecord) -> list[str]:
    """Its finished files, and the finished parts of others.

    Raises:
        StateError: the store cannot be read.
    """
    done = record.done + record.skipped
    lines = [f"{files(done)} {'is' if done == 1 else 'are'} done ({format_size(record.bytes)})"]
    known = store.all_part_totals(statuses=UNFINISHED)
    unfinished = [each.id for each in store.uploads(statuses=UNFINISHED) if each.job == record.id]
    totals = [known[id] for id in unfinished if id in known]
    parts, size = sum(count for count, _ in totals), sum(size for _, size in totals)
    if parts:
        begun = sum(count > 0 for count, _ in totals)
        words = "1 part is" if parts == 1 else f"{parts:,} parts are"
        lines.append(f"{words} safe on S3 of {'another' if begun == 1 else f'{begun:,} others'} ({format_size(size)})")
    return lines
