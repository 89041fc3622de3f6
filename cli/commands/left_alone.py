"""What ``resume --all`` leaves alone, and why: what cannot be finished now does not keep it from the rest."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from partway.engine.errors import AlreadyEnded, AlreadyRunning, SourceError
from partway.engine.job_records.later_jobs import LaterJobs
from partway.engine.job_records.later_uploads import LaterUploads
from partway.engine.job_records.lock import locked_job
from partway.engine.job_records.match import check_open
from partway.engine.resume.lock import check_unfinished, locked
from partway.engine.run.stored_options import target_of
from partway.engine.source.identity import open_source
from partway.state.jobs import JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..runtime import exit_codes
from ..runtime.resume_hint import cancel_command, needs_producer, only_by_producer, resume_command
from ..text.escape import printable
from ..uploading.job import needs_list, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """Why, and the exit code: OK for what needs nothing from anybody."""

    reason: str
    code: int


def job_left_alone(
    record: JobRecord,
    store: StateStore,
    folder: Path | None,
    later_jobs: Callable[[], LaterJobs],
    *,
    dry_run: bool,
) -> LeftAlone | None:
    """None for a job that can be resumed now.

    folder: the state folder, if the user named one.
    dry_run: nothing is to be locked, so that nobody knows which ones run.

    Raises:
        click.UsageError: its spec is not readable.
        AlreadyEnded, AlreadyRunning: another process has it.
        StateError.
    """
    spec = spec_of(record)
    check_open(store, record.id)
    if not dry_run:
        with locked_job(store, spec):
            pass
    if (reason := needs_list(record, spec)) is not None:
        return LeftAlone(reason=reason, code=exit_codes.INCOMPLETE)
    later = later_jobs().after(record, spec)
    if later is None:
        return None
    reason = (
        f"job {record.id} would overwrite what the later job {later[0].id} sent to {printable(record.target)} with "
        f"other options ({', '.join(later[1])}); cancel it with {cancel_command(record.id, folder)}, or resume "
        f"it anyway with {resume_command(record.id, folder)}"
    )
    return LeftAlone(reason=reason, code=exit_codes.INCOMPLETE)


def upload_left_alone(
    record: UploadRecord,
    store: StateStore,
    folder: Path | None,
    later_uploads: Callable[[], LaterUploads],
    *,
    dry_run: bool,
) -> LeftAlone | None:
    """None for an upload that can be resumed now; otherwise as ``job_left_alone``."""
    current = check_unfinished(store, record.id)
    if not dry_run:
        with locked(store, record.source, target_of(record)):
            pass
    if needs_producer(current):
        return LeftAlone(reason=only_by_producer(current, folder), code=exit_codes.INCOMPLETE)
    if (trouble := _trouble_with_file(record)) is not None:
        reason = (
            f"upload {record.id}: {printable(trouble)}; restore the file, or remove its parts with "
            f"{cancel_command(record.id, folder)}"
        )
        return LeftAlone(reason=reason, code=exit_codes.INCOMPLETE)
    if (later := later_uploads().after(record)) is not None:
        kind = "job" if isinstance(later, JobRecord) else "upload"
        reason = (
            f"upload {record.id} would overwrite what the later {kind} {later.id} put at "
            f"{printable(target_of(record).url)}; cancel it with {cancel_command(record.id, folder)}, or resume it "
            f"anyway with {resume_command(record.id, folder)}"
        )
        return LeftAlone(reason=reason, code=exit_codes.INCOMPLETE)
    return None


def resume_unless(left_alone: Callable[[], LeftAlone | None], work: Callable[[], int], *, quiet: bool) -> int:
    """Do one of several pieces of work unless it is to be left alone; the exit code.  A refusal ends only this one.

    Another process may start or end the same work between the check and the work itself.
    """
    try:
        left = left_alone()
        if left is None:
            return work()
    except (AlreadyEnded, AlreadyRunning) as error:
        left = LeftAlone(reason=str(error), code=exit_codes.OK)
    except click.UsageError as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return exit_codes.USAGE
    if left.code != exit_codes.OK or not quiet:
        click.echo(f"not resumed: {left.reason}", err=True)
    return left.code


def _trouble_with_file(record: UploadRecord) -> str | None:
    """Why the file of an upload cannot be read: it is gone, something else is at its path, or it is forbidden."""
    if record.is_stream:
        return None
    try:
        os.close(open_source(record.source))
    except SourceError as error:
        return str(error)
    return None
