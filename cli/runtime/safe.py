"""What an unfinished upload or job has on S3, and how to resume or cancel it."""

import sys
from pathlib import Path

from partway.engine.errors import PartwayError
from partway.engine.plural import plural, verb
from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED

from ..text.units import format_size
from .resume_hint import cancel_command, key_again, needs_producer, resume_command, resume_job, stream_command
from .store import named_folder


def safe_of_job(store: StateStore, record: JobRecord) -> list[str]:
    """The job's finished files, and the finished parts of other files.

    Raises:
        StateError: the store cannot be read.
    """
    done = record.done + record.skipped
    lines = [f"{plural(done, 'file')} {verb(done)} done ({format_size(record.bytes)})"]
    known = store.all_part_totals(statuses=UNFINISHED)
    unfinished = [each.id for each in store.uploads(statuses=UNFINISHED) if each.job == record.id]
    totals = [known[id] for id in unfinished if id in known]
    parts, size = sum(count for count, _ in totals), sum(size for _, size in totals)
    if parts:
        begun = sum(count > 0 for count, _ in totals)
        others = "another file" if begun == 1 else plural(begun, "other file")
        lines.append(f"{plural(parts, 'part')} of {others} {verb(parts)} safe on S3 ({format_size(size)})")
    return lines


def print_job_state(store: StateStore, id: str, state_dir: Path | None) -> bool:
    """Print what a job has on S3 and how to resume it; False if there is nothing to resume."""
    try:
        record = store.jobs.get(id)
        lines = [] if record is None else safe_of_job(store, record)
    except PartwayError:
        return False
    if record is None:
        return False
    for line in lines:
        print(f"  {line}", file=sys.stderr)
    if record.status is not JobStatus.OPEN:
        return False
    folder = named_folder(state_dir)
    print(f"  to resume: {resume_job(record, folder)}", file=sys.stderr)
    print(f"  to cancel: {cancel_command(id, folder)}", file=sys.stderr, flush=True)
    return True


def print_upload_state(store: StateStore, id: str, state_dir: Path | None, *, starts_over: bool) -> None:
    """Print what an upload has on S3, and how to resume and cancel it.  starts_over: a resume would fail again."""
    try:
        record = store.upload(id)
        parts, size = store.part_totals(id)
    except PartwayError:
        return
    if record is None or record.status not in UNFINISHED:
        return
    folder = named_folder(state_dir)
    if parts:
        of = "" if record.is_stream else f" of {format_size(record.size)}"
        print(f"  {plural(parts, 'part')} {verb(parts)} safe on S3 ({format_size(size)}{of})", file=sys.stderr)
    if needs_producer(record):
        again = f"run the producer again: {stream_command(record, folder)}"
    else:
        again = resume_command(id, folder, key_again(record))
    if not starts_over:
        print(f"  to resume: {again}", file=sys.stderr)
    print(f"  to cancel: {cancel_command(id, folder)}", file=sys.stderr, flush=True)
