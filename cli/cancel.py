"""``partway cancel ID``."""

from dataclasses import replace
from pathlib import Path

import click

from partway.engine.cancel import cancel_upload
from partway.engine.options import target_of
from partway.state.jobs import JobRecord, JobStatus
from partway.state.records import UNFINISHED
from partway.state.store import StateStore

from . import complete, exit_codes, options
from .connection import Connection, connection_options
from .session import backend_for, find_job, find_upload, opened_store
from .text import printable


@click.command("cancel", epilog="Example:  partway cancel 3f2a91bc")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=complete.unfinished_ids)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@connection_options
@options.profile_option
@options.state_dir_option
def command(
    ids: tuple[str, ...],
    quiet: bool,
    connection: Connection,
    profile: str | None,
    state_dir: Path | None,
) -> int:
    """Remove the parts of an unfinished upload from S3, and forget it.

    The source is not touched.  A finished object stays; only what is unfinished can be cancelled.
    """
    with opened_store(state_dir) as store:
        for id in ids:
            if (job := find_job(store, id)) is not None:
                _cancel_job(store, job, profile, connection, quiet)
                continue
            record = find_upload(store, id)
            if record.finished:
                raise click.UsageError(f"upload {record.id} is {record.status}; there is nothing to cancel")
            backend = backend_for(record, concurrency=1, profile=profile, connection=connection)
            cancel_upload(record, backend=backend, store=store)
            if not quiet:
                print(f"cancelled {record.id}: {printable(target_of(record).url)}; its parts are gone from S3")
    return exit_codes.OK


def _cancel_job(store: StateStore, job: JobRecord, profile: str | None, connection: Connection, quiet: bool) -> None:
    if job.status is not JobStatus.OPEN:
        raise click.UsageError(f"job {job.id} is {job.status}; there is nothing to cancel")
    unfinished = [record for record in store.uploads(statuses=UNFINISHED) if record.job == job.id]
    for record in unfinished:
        backend = backend_for(record, concurrency=1, profile=profile, connection=connection)
        cancel_upload(record, backend=backend, store=store)
    store.jobs.save(replace(job, status=JobStatus.ABORTED))
    store.jobs.forget_files(job.id)
    if not quiet:
        print(f"cancelled job {job.id} to {printable(job.target)}; {job.done + job.skipped:,} files that are done stay")
