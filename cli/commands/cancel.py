"""``partway cancel ID``."""

import json
import sys
from pathlib import Path

import click

from partway.engine.errors import PartwayError
from partway.engine.job_records.cancel import cancel_job
from partway.engine.maintenance.forget import forget_job, forget_upload
from partway.engine.plural import plural, verb
from partway.engine.run.context import EngineContext
from partway.engine.run.stored_options import target_of
from partway.engine.upload.abort import AbortResult, cancel_upload
from partway.engine.workers.channel import CancelToken
from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord, UploadStatus

from ..help.groups import GroupedCommand
from ..options import shared
from ..options.connection import Connection, connection_options
from ..runtime import completion, exit_codes
from ..runtime.backend import backend_for
from ..runtime.errors import print_error
from ..runtime.lookup import find_job, find_upload
from ..runtime.signals import handle_signals
from ..runtime.store import opened_store
from ..text.escape import printable
from ..text.units import format_size


@click.command("cancel", cls=GroupedCommand, epilog="Example:  partway cancel 3f2a91bc")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=completion.unfinished_ids)
@click.option(
    "--forget",
    is_flag=True,
    help="Forget the upload without a request to S3: its parts stay there and cost storage.",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per ID.")
@connection_options
@shared.profile_option
@shared.state_dir_option
def command(
    ids: tuple[str, ...],
    forget: bool,
    quiet: bool,
    as_json: bool,
    connection: Connection,
    profile: str | None,
    state_dir: Path | None,
) -> int:
    """Cancel unfinished uploads: remove their parts from S3, and forget them.

    Sources and finished objects are not touched.  The ID of a job cancels its unfinished uploads.

    If the service refuses to remove the parts, or no longer exists, --forget removes the upload from the list anyway.
    """
    cancel = CancelToken()
    codes = []
    with opened_store(state_dir) as store, handle_signals(cancel):
        for record in _chosen(store, ids):
            try:
                if forget:
                    facts, line = _forget(store, record)
                elif isinstance(record, JobRecord):
                    facts, line = _cancel_job(store, record, profile, connection, cancel)
                else:
                    facts, line = _cancel_upload(store, record, profile, connection, cancel)
            except PartwayError as error:
                # If one cannot be cancelled now, continue with the others.
                print_error(error)
                codes.append(exit_codes.exit_code(error))
                facts = _names(record) | {"cancelled": False, "forgotten": False, "error": str(error)}
            else:
                codes.append(exit_codes.OK)
                facts |= {"forgotten": forget, "error": None}
                if not quiet and not as_json:
                    print(line)
            if as_json:
                print(json.dumps(facts), flush=True)
            if codes[-1] == exit_codes.INTERRUPTED:
                break
    return exit_codes.worst(codes)


def _chosen(store: StateStore, ids: tuple[str, ...]) -> list[UploadRecord | JobRecord]:
    """The uploads and jobs with these IDs, without duplicates.

    Raises:
        click.UsageError: an ID is unknown, or its upload is finished; nothing is cancelled.
    """
    found = {record.id: record for record in (find_job(store, id) or find_upload(store, id) for id in ids)}
    for record in found.values():
        if isinstance(record, JobRecord) and record.status is not JobStatus.OPEN:
            raise click.UsageError(f"job {record.id} is {record.status.label}; there is nothing to cancel")
        if isinstance(record, UploadRecord) and record.finished:
            raise click.UsageError(f"upload {record.id} is {record.status.label}; there is nothing to cancel")
    return list(found.values())


def _cancel_upload(
    store: StateStore, record: UploadRecord, profile: str | None, connection: Connection, cancel: CancelToken
) -> tuple[dict[str, object], str]:
    backend = backend_for(record, concurrency=1, profile=profile, connection=connection)
    removal = cancel_upload(record, EngineContext(backend=backend, store=store, cancel=cancel))
    if not removal.confirmed:
        _warn(record)
    return _names(record) | {
        "cancelled": True,
        "removed_parts": removal.parts,
        "removed_bytes": removal.bytes,
        "confirmed": removal.confirmed,
    }, f"cancelled {record.id}: {printable(target_of(record).url)}; {_what_went(record, removal)}"


def _forget(store: StateStore, record: UploadRecord | JobRecord) -> tuple[dict[str, object], str]:
    facts = _names(record) | {"cancelled": False, "removed_bytes": 0, "confirmed": False}
    if isinstance(record, JobRecord):
        count = forget_job(record, store=store)
        uploads = plural(count, "unfinished upload")
        stays = f"; the parts of {uploads} stay on S3" if count else ""
        return facts | {"removed_uploads": 0}, f"forgot job {record.id} to {printable(record.target)}{stays}"
    parts, size = forget_upload(record, store=store)
    stays = "it has no parts on S3"
    if record.upload_id is not None:
        multipart = printable(record.upload_id)
        stays = f"{plural(parts, 'part')} ({format_size(size)}) may remain on S3, in multipart upload {multipart}"
    url = f"s3://{record.bucket}/{record.key}"
    return facts | {"removed_parts": 0}, f"forgot {record.id}: {printable(url)}; {stays}"


def _what_went(record: UploadRecord, removal: AbortResult) -> str:
    if not removal.existed:
        if record.status is UploadStatus.COMPLETING:
            return "S3 has no parts of it; it was completing, so the object may exist"
        return "S3 has no parts of it"
    if removal.parts is None or removal.bytes is None:
        return "removed its parts from S3" if removal.confirmed else "S3 accepted the request to remove its parts"
    if not removal.parts:
        return "it had no parts on S3"
    return f"removed {plural(removal.parts, 'part')} ({format_size(removal.bytes)}) from S3"


def _warn(record: UploadRecord) -> None:
    print(
        f"warning: the service does not list the parts of {record.id}, so their removal cannot be confirmed",
        file=sys.stderr,
    )


def _cancel_job(
    store: StateStore, job: JobRecord, profile: str | None, connection: Connection, cancel: CancelToken
) -> tuple[dict[str, object], str]:
    removed = cancel_job(
        job,
        backend_for=lambda record: backend_for(record, concurrency=1, profile=profile, connection=connection),
        store=store,
        cancel=cancel,
    )
    for each in removed:
        if not each.removal.confirmed:
            _warn(each.record)
    done = store.jobs.get(job.id) or job
    size = sum(each.removal.bytes or 0 for each in removed)
    count = done.done + done.skipped
    stays = f"{plural(count, 'finished file')} {verb(count, 'stays', 'stay')} on S3"
    uploads = plural(len(removed), "unfinished upload")
    went = f"removed {uploads} ({format_size(size)}) from S3; " if removed else ""
    return _names(job) | {
        "cancelled": True,
        "removed_uploads": len(removed),
        "removed_bytes": size,
        "confirmed": all(each.removal.confirmed for each in removed),
    }, f"cancelled job {job.id} to {printable(job.target)}; {went}{stays}"


def _names(record: UploadRecord | JobRecord) -> dict[str, object]:
    if isinstance(record, JobRecord):
        return {"job": record.id, "target": record.target}
    return {"upload": record.id, "target": target_of(record).url}
