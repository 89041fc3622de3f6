"""What ``resume --all`` skips, and why: work that cannot be finished now does not stop the rest."""

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
    """The reason, and the exit code: OK if the user need not act."""

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

    folder: the state directory, if the user named one.
    dry_run: True takes no lock, so running jobs are not recognized.

    Raises:
        click.UsageError: the stored spec is unreadable.
        AlreadyEnded, AlreadyRunning: another process finished it, or is running it.
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
    """Resume one of several uploads or jobs unless it is skipped; returns the exit code.  An error ends only this one.

    Another process may start or finish the same one between the check and the resume.
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
    """Why an upload's file cannot be read: it is missing, not a regular file, or not permitted; None if it can."""
    if record.is_stream:
        return None
    try:
        os.close(open_source(record.source))
    except SourceError as error:
        return str(error)
    return None
