"""Many files: what ``upload`` and ``resume`` do with a job."""

import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from partway.engine.concurrency import MOST
from partway.engine.errors import PartwayError
from partway.engine.events import EventSink, JobDone
from partway.engine.job_spec import LISTED_ON_STDIN, JobSpec, listed_sources
from partway.engine.pool import Cancel
from partway.engine.settings import UploadSettings
from partway.state.jobs import JobRecord
from partway.state.store import StateStore

from . import exit_codes, render
from .aws_config import with_profile_limits
from .connection import Connection
from .customer_key import KeyOptions
from .session import failures_as_json, make_backend, run_upload, tell
from .text import printable

if TYPE_CHECKING:
    from partway.engine.s3 import S3Backend

_CHUNK = 64 * 1024
# For each part in flight: its file and connection; and of two uploads the claim, the live record and a connection.
_OPEN_FILES, _OTHER_OPEN_FILES = 8, 200

Sources = Callable[[], Iterable[tuple[str, str | None]]]


def sources_of(spec: JobSpec) -> Sources:
    """The paths and names of a job's files and folders, as often as they are asked for.

    Raises (when they are read):
        click.UsageError: the list is gone.
    """
    if spec.listed is None:
        return lambda: ((path, None) for path in spec.sources)
    if spec.listed == LISTED_ON_STDIN:
        # Walked through more than once, and read only once.
        names = sys.stdin.buffer.read()
        return lambda: listed_sources(spec, iter([names]))
    path = spec.listed
    return lambda: listed_sources(spec, _chunks(path))


def _chunks(path: str) -> Iterator[bytes]:
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise click.UsageError(f"the list {path} cannot be read: {error.strerror or error}") from error


def run(
    spec: JobSpec,
    backend: "S3Backend",
    store: StateStore,
    settings: UploadSettings,
    output: render.Output,
    state_dir: Path | None,
    *,
    profile: str | None,
    resume: str | None = None,
    fail_fast: bool = False,
    prune: bool = False,
) -> int:
    """Run the job with bars and signals; the exit code."""
    from partway.engine.job import run_job  # only here: a single file needs none of it

    sources = sources_of(spec)
    _allow_open_files(_OPEN_FILES * (settings.concurrency or MOST) + _OTHER_OPEN_FILES)

    def work(sink: EventSink, cancel: Cancel) -> JobDone:
        return run_job(
            spec,
            sources,
            backend=backend,
            store=store,
            settings=settings,
            sink=sink,
            cancel=cancel,
            region=backend.region,
            profile=profile,
            resume=resume,
            fail_fast=fail_fast,
            prune=prune,
        )

    return run_upload(work, store, output, state_dir)


def _allow_open_files(wanted: int) -> None:
    """Raise the process's limit, where that may be done: it is 256 on macOS, and 1024 elsewhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def plan(
    spec: JobSpec,
    backend: "S3Backend",
    store: StateStore,
    settings: UploadSettings,
    output: render.Output,
    *,
    resume: str | None = None,
) -> int:
    """Say what the job would do; the exit code."""
    from partway.engine.dry_job import plan_job

    from . import dry_run

    sources = sources_of(spec)
    return dry_run.tell(
        lambda sink, cancel: plan_job(
            spec, sources, backend=backend, store=store, settings=settings, sink=sink, cancel=cancel, resume=resume
        ),
        output,
        many=True,
    )


def _spec_of(record: JobRecord) -> JobSpec:
    try:
        return JobSpec.from_json(record.spec)
    except (ValueError, TypeError, KeyError) as error:
        raise click.UsageError(f"job {record.id} is not readable in the store; run its command again") from error


def superseded(record: JobRecord, store: StateStore) -> str | None:
    """Why ``resume --all`` must not finish the job: a later one decided otherwise.  None when it may.

    Raises:
        click.UsageError: its spec is not readable.
    """
    from partway.engine.job_match import later_job  # only here: a single file needs none of it

    later = later_job(store, record, _spec_of(record))
    if later is None:
        return None
    return (
        f"job {record.id} would overwrite what the later job {later[0].id} sent to {printable(record.target)} with "
        f"other options ({', '.join(later[1])}); give it up with partway cancel {record.id}, or finish it anyway with "
        f"partway resume {record.id}"
    )


def resume(
    record: JobRecord,
    store: StateStore,
    settings: UploadSettings,
    output: render.Output,
    state_dir: Path | None,
    *,
    profile: str | None,
    connection: Connection,
    key_options: KeyOptions,
    dry_run: bool,
    prune: bool,
    warn: Callable[[str], None],
) -> int:
    """Go on with a stored job; the exit code.

    Raises:
        click.UsageError: its list came from standard input, or it is not readable.
    """
    spec = _spec_of(record)
    if spec.listed == LISTED_ON_STDIN:
        raise click.UsageError(
            f"job {record.id} got its list of files from standard input; run the same command with the same list again"
        )
    profile = profile or record.profile
    try:
        with failures_as_json(output):
            settings = with_profile_limits(settings, record.region, profile, warn)
    except PartwayError as error:
        # The other jobs of --all may have another profile.
        tell(error)
        return exit_codes.exit_code(error)
    if spec.options.customer_key is not None:
        connection = replace(connection, customer_key=key_options.key(needed=True, what=f"job {record.id}"))
    backend = make_backend(
        record.endpoint, record.region, profile, concurrency=settings.concurrency, connection=connection
    )
    if dry_run:
        return plan(spec, backend, store, settings, output, resume=record.id)
    return run(spec, backend, store, settings, output, state_dir, profile=profile, resume=record.id, prune=prune)
