"""``partway resume [ID...] | --all``."""

from functools import partial
from pathlib import Path

import click

from partway.engine.events import EventSink, UploadDone, UploadSkipped
from partway.engine.options import target_of
from partway.engine.pool import Cancel
from partway.engine.settings import UploadSettings
from partway.engine.upload import resume_upload
from partway.state.records import UNFINISHED, UploadRecord
from partway.state.store import StateStore

from . import exit_codes, options, render
from .again import needs_producer, only_by_producer
from .session import (
    backend_for,
    failures_as_json,
    find_upload,
    named_folder,
    opened_store,
    run_upload,
    verification,
)
from .text import printable
from .upload import retry_policy


@click.command("resume", epilog="Example:  partway resume 3f2a91bc")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every unfinished upload, oldest first.")
@options.tls_options
@options.profile_option
@options.pace_options
@options.output_options
@options.state_dir_option
def command(
    ids: tuple[str, ...],
    everything: bool,
    no_verify_ssl: bool,
    ca_bundle: str | None,
    profile: str | None,
    concurrency: int | None,
    bwlimit: int | None,
    retry_for: float | None,
    quiet: bool,
    no_progress: bool,
    as_json: bool,
    state_dir: Path | None,
) -> int:
    """Finish unfinished uploads, from any folder; everything they need is remembered.

    The start of an ID is enough.  Without an ID, the one that is unfinished.
    """
    settings = UploadSettings(concurrency=concurrency, bandwidth=bwlimit, policy=retry_policy(retry_for))
    output = render.Output(quiet=quiet, no_progress=no_progress, json=as_json)
    verify = verification(ca_bundle, no_verify_ssl)
    codes = []
    with failures_as_json(output), opened_store(state_dir) as store:
        for record in _chosen(store, ids, everything, named_folder(state_dir)):
            work = partial(_resume, record=record, store=store, settings=settings, profile=profile, verify=verify)
            codes.append(run_upload(work, store, output, state_dir))
            if codes[-1] == exit_codes.INTERRUPTED:
                break
    return exit_codes.worst(codes)


def _resume(
    sink: EventSink,
    cancel: Cancel,
    *,
    record: UploadRecord,
    store: StateStore,
    settings: UploadSettings,
    profile: str | None,
    verify: bool | str | None,
) -> UploadDone | UploadSkipped:
    backend = backend_for(record, concurrency=settings.concurrency, profile=profile, verify=verify)
    if record.is_stream:
        from partway.engine.stream_finish import finish_stream

        return finish_stream(record, backend=backend, store=store, settings=settings, sink=sink, cancel=cancel)
    return resume_upload(record, backend=backend, store=store, settings=settings, sink=sink, cancel=cancel)


def _chosen(store: StateStore, ids: tuple[str, ...], everything: bool, folder: Path | None) -> list[UploadRecord]:
    if ids and everything:
        raise click.UsageError("name uploads or say --all, not both")
    if ids:
        found = list({record.id: record for record in (find_upload(store, id) for id in ids)}.values())
        for record in found:
            if record.finished:
                raise click.UsageError(f"upload {record.id} is {record.status}; there is nothing to resume")
            if needs_producer(record):
                raise click.UsageError(only_by_producer(record, folder))
        return found
    unfinished = store.uploads(statuses=UNFINISHED)
    found = [record for record in unfinished if not needs_producer(record)]
    for record in unfinished:
        if needs_producer(record):
            click.echo(f"left alone: {only_by_producer(record, folder)}", err=True)
    if not unfinished:
        click.echo("nothing is unfinished", err=True)
    if len(found) > 1 and not everything:
        names = "\n".join(
            f"  {record.id}  {printable(record.source)} to {printable(target_of(record).url)}" for record in found
        )
        raise click.UsageError(f"{len(found)} uploads are unfinished; name one, or say --all:\n{names}")
    return found
