"""``partway resume [ID...] | --all``."""

from pathlib import Path

import click

from partway.engine.options import target_of
from partway.engine.run import UploadSettings
from partway.engine.upload import resume_upload
from partway.state.records import UNFINISHED, UploadRecord
from partway.state.store import StateStore

from . import exit_codes, options, render
from .session import backend_for, find_upload, opened_store, run_upload
from .text import printable
from .upload import retry_policy


@click.command("resume", epilog="Example:  partway resume 3f2a91bc")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every unfinished upload, oldest first.")
@options.profile_option
@options.pace_options
@options.output_options
@options.state_dir_option
def command(
    ids: tuple[str, ...],
    everything: bool,
    profile: str | None,
    concurrency: int,
    retry_for: float | None,
    quiet: bool,
    no_progress: bool,
    as_json: bool,
    state_dir: Path | None,
) -> int:
    """Finish unfinished uploads, from any folder; everything they need is remembered.

    The start of an ID is enough.  Without an ID, the one that is unfinished.
    """
    settings = UploadSettings(concurrency=concurrency, policy=retry_policy(retry_for))
    output = render.Output(quiet=quiet, no_progress=no_progress, json=as_json)
    codes = []
    with opened_store(state_dir) as store:
        for record in _chosen(store, ids, everything):
            codes.append(_resume(record, store, settings, output, state_dir, profile))
            if codes[-1] == exit_codes.INTERRUPTED:
                break
    return exit_codes.worst(codes)


def _chosen(store: StateStore, ids: tuple[str, ...], everything: bool) -> list[UploadRecord]:
    if ids and everything:
        raise click.UsageError("name uploads or say --all, not both")
    if ids:
        found = list({record.id: record for record in (find_upload(store, id) for id in ids)}.values())
        for record in found:
            if record.finished:
                raise click.UsageError(f"upload {record.id} is {record.status}; there is nothing to resume")
        return found
    found = store.uploads(statuses=UNFINISHED)
    if not found:
        click.echo("nothing is unfinished", err=True)
    if len(found) > 1 and not everything:
        names = "\n".join(
            f"  {record.id}  {printable(record.source)} to {printable(target_of(record).url)}" for record in found
        )
        raise click.UsageError(f"{len(found)} uploads are unfinished; name one, or say --all:\n{names}")
    return found


def _resume(
    record: UploadRecord,
    store: StateStore,
    settings: UploadSettings,
    output: render.Output,
    state_dir: Path | None,
    profile: str | None,
) -> int:
    return run_upload(
        lambda sink, cancel: resume_upload(
            record,
            backend=backend_for(record, concurrency=settings.concurrency, profile=profile),
            store=store,
            settings=settings,
            sink=sink,
            cancel=cancel,
        ),
        store,
        output,
        state_dir,
    )
