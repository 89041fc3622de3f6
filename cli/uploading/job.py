"""Jobs of many files: the work of ``upload`` and ``resume``."""

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

import click

from partway.engine.errors import PartwayError, SourceError
from partway.engine.events import EventSink
from partway.engine.events.upload import JobDone
from partway.engine.job.context import JobSettings
from partway.engine.limits import MAX_CONCURRENCY, MAX_SMALL_FILES
from partway.engine.walk.file_list import LISTED_ON_STDIN, chunks_of, list_chunks, listed_sources
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken
from partway.state.jobs import JobRecord

from ..options.aws_config import with_profile_limits
from ..options.groups import ResumeOptions
from ..runtime import exit_codes
from ..runtime.backend import backend_for
from ..runtime.context import CommandContext
from ..runtime.errors import failures_as_json, print_error

if TYPE_CHECKING:
    from partway.engine.s3.backend import S3Backend

# Per part in flight a file and a connection; per upload (at most two) the lock, the snapshot and a connection.
_OPEN_FILES, _OF_SMALL_FILE, _OTHER_OPEN_FILES = 8, 3, 200

Sources = Callable[[], Iterable[tuple[str, str | None]]]


def sources_of(spec: JobSpec, piped: BinaryIO | None) -> Sources:
    """A function that yields the paths and names of a job's sources; it can be called repeatedly.

    piped: an open list that can be read only once.

    Raises:
        SourceError: the list cannot be read; also raised by the function.
    """
    if spec.listed is None:
        return lambda: ((path, None) for path in spec.sources)
    if spec.listed == LISTED_ON_STDIN:
        assert piped is not None
        copy = _copied(piped)
        return lambda: listed_sources(spec, chunks_of(copy))
    path = spec.listed
    return lambda: listed_sources(spec, list_chunks(path))


def opened_list(path: str | None) -> tuple[BinaryIO | None, str | None]:
    """A list of files: the open file if it can be read only once, and its value in the job's spec.

    path: as typed; None without a list.

    Raises:
        click.UsageError: it cannot be opened.
    """
    if path is None:
        return None, None
    if path == LISTED_ON_STDIN:
        if sys.stdin is None:
            raise click.UsageError("standard input is closed; pipe the list of files into it")
        return sys.stdin.buffer, LISTED_ON_STDIN
    absolute = os.path.abspath(path)  # noqa: PTH100 - keeps undecodable names
    # Names in /dev mean another file in another process: /dev/stdin, and the /dev/fd/63 of the shell's <(...).
    if os.path.isfile(absolute) and not absolute.startswith(("/dev/", "/proc/")):  # noqa: PTH113
        return None, absolute
    try:
        return click.get_current_context().with_resource(Path(path).open("rb")), LISTED_ON_STDIN
    except OSError as error:
        raise click.UsageError(f"the list {path} cannot be read: {error.strerror or error}") from error


def _copied(piped: BinaryIO) -> IO[bytes]:
    """An unnamed temporary copy, since a list is read more than once.

    Raises:
        SourceError: the list cannot be read, or the disk is full.
    """
    try:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the command
        shutil.copyfileobj(piped, copy)
        copy.flush()
    except OSError as error:
        raise SourceError(f"the list cannot be copied: {error.strerror or error}") from error
    return copy


def run(
    spec: JobSpec,
    backend: "S3Backend",
    context: CommandContext,
    *,
    profile: str | None,
    resume: str | None = None,
    piped_list: BinaryIO | None = None,
    job: JobSettings = JobSettings(),  # noqa: B008 - frozen
    passes_over: bool = False,
) -> int:
    """Run the job with bars and signal handlers; returns the exit code.  passes_over: as for ``run_upload``."""
    from partway.engine.job.run import run_job  # not needed for a single file

    sources = sources_of(spec, piped_list)
    wanted = _OPEN_FILES * (context.settings.concurrency or MAX_CONCURRENCY)
    _allow_open_files(wanted + _OF_SMALL_FILE * MAX_SMALL_FILES + _OTHER_OPEN_FILES)

    def work(sink: EventSink, cancel: CancelToken) -> JobDone:
        return run_job(
            spec,
            sources,
            context.engine(backend, cancel, sink),
            region=backend.region,
            profile=profile,
            resume=resume,
            job=job,
        )

    return context.run(work, passes_over=passes_over)


def _allow_open_files(wanted: int) -> None:
    """Raise the process's limit of open files where permitted: it is 256 on macOS, and 1024 elsewhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def plan(
    spec: JobSpec,
    backend: "S3Backend",
    context: CommandContext,
    *,
    resume: str | None = None,
    piped_list: BinaryIO | None = None,
    fail_if_empty: bool = False,
) -> int:
    """Print what the job would do; returns the exit code."""
    from partway.engine.dry_run.job import plan_job

    from . import dry_run

    sources = sources_of(spec, piped_list)
    return dry_run.print_plan(
        lambda sink, cancel: plan_job(
            spec,
            sources,
            context.engine(backend, cancel, sink),
            resume=resume,
            fail_if_empty=fail_if_empty,
        ),
        context.output,
        many=True,
    )


def spec_of(record: JobRecord) -> JobSpec:
    """The stored spec of the job.

    Raises:
        click.UsageError: the spec is unreadable.
    """
    try:
        return JobSpec.from_json(record.spec)
    except (ValueError, TypeError, KeyError) as error:
        raise click.UsageError(
            f"the options of job {record.id} in the state are not readable; run its command again"
        ) from error


def needs_list(record: JobRecord, spec: JobSpec) -> str | None:
    """Why only the job's own command can resume it; None if its list can be read again, or it has none."""
    if spec.listed == LISTED_ON_STDIN:
        return f"job {record.id} got its list of files from a pipe; run the same command with the same list again"
    if spec.listed is not None and not spec.sources:
        return (
            f"job {record.id} was started by an earlier version, which did not store the directory "
            "of its list; run the "
            "same command again in that directory"
        )
    return None


def resume(
    record: JobRecord,
    context: CommandContext,
    options: ResumeOptions,
    *,
    dry_run: bool,
    passes_over: bool,
    warn: Callable[[str], None],
) -> int:
    """Resume a stored job; returns the exit code.

    Raises:
        click.UsageError: its list came from a pipe, or its spec is unreadable.
        AlreadyEnded, AlreadyRunning: another process finished it or is running it; only with ``passes_over``.
    """
    spec = spec_of(record)
    if (reason := needs_list(record, spec)) is not None:
        raise click.UsageError(reason)
    profile = options.profile or record.profile
    try:
        with failures_as_json(context.output):
            settings = with_profile_limits(context.settings, record.region, profile, warn)
    except PartwayError as error:
        # With --all, other jobs may have another profile.
        print_error(error)
        return exit_codes.exit_code(error)
    if spec.options.customer_key is not None:
        options = options.with_key(f"job {record.id}")
    backend = backend_for(record, concurrency=settings.concurrency, profile=profile, connection=options.connection)
    context = replace(context, settings=settings)
    if dry_run:
        return plan(spec, backend, context, resume=record.id)
    return run(
        spec,
        backend,
        context,
        profile=profile,
        resume=record.id,
        job=JobSettings(prune=options.prune),
        passes_over=passes_over,
    )
