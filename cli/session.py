"""What commands need to work with uploads: the store, a backend, signals, and a good word when something fails."""

import gc
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from partway.engine.concurrency import MOST
from partway.engine.errors import KeysCollide, PartwayError, StateError, is_resumable
from partway.engine.errors import UploadFailed as UploadIncomplete
from partway.engine.events import (
    Event,
    EventSink,
    FileFailed,
    JobDone,
    JobStarted,
    UploadDone,
    UploadFailed,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.gate import Nudge
from partway.engine.job_failures import was_never_reached
from partway.engine.last_acts import last_acts
from partway.engine.pool import Cancel
from partway.state.jobs import JobRecord, JobStatus
from partway.state.records import UNFINISHED, UploadRecord
from partway.state.store import StateStore

from . import exit_codes, render
from .again import cancel_command, key_again, needs_producer, resume_command, stream_command
from .json_lines import JsonSink
from .nudging import nudged_by_signal
from .text import printable
from .units import format_size

if TYPE_CHECKING:
    from partway.engine.s3 import S3Backend
    from partway.state.sqlite import SqliteStore

    from .connection import Connection


_ONE_WISH = 0.3  # seconds


def end_process() -> None:
    """End the process at once, and the programs that it started."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")  # bars hide the cursor
    last_acts.do()
    os._exit(exit_codes.INTERRUPTED)


def state_folder(chosen: Path | None, context: click.Context | None = None) -> Path:
    """The state folder: of the command, of ``partway --state-dir`` or its variable, or the platform's.

    Raises:
        StateError: none is named, and the user has no home directory.
    """
    return named_folder(chosen, context) or _platform_folder()


def _platform_folder() -> Path:
    import platformdirs  # only here: whoever names the folder does not need it

    try:
        folder = platformdirs.user_state_path("partway")
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        raise StateError(
            "this user has no home directory to keep the state in, neither by HOME nor by a passwd entry; "
            "name a folder with --state-dir or PARTWAY_STATE_DIR"
        )
    return folder


def named_folder(chosen: Path | None, context: click.Context | None = None) -> Path | None:
    """The state folder that the user named; None when it is the platform's.  context: None means the current one."""
    context = context or click.get_current_context(silent=True)
    outer: Path | None = context.find_root().params.get("state_dir") if context else None
    return chosen or outer


@contextmanager
def opened_store(chosen: Path | None) -> "Iterator[SqliteStore]":
    """The store in the chosen folder; made when it is missing."""
    from partway.state.sqlite import SqliteStore

    with closing(SqliteStore(state_folder(chosen))) as store:
        for sentence in store.exposed:
            print(f"warning: {printable(sentence)}", file=sys.stderr)
        yield store


@contextmanager
def untouched_store(chosen: Path | None) -> Iterator[StateStore]:
    """The store for who only looks: an empty one in memory where the folder has none.

    A folder that cannot be written is read as it is.
    """
    from partway.state.sqlite import SqliteStore, exists, is_writable
    from partway.state.store import MemoryStore

    folder = state_folder(chosen)
    if not exists(folder):
        yield MemoryStore()
    elif is_writable(folder):
        with opened_store(chosen) as store:
            yield store
    else:
        with closing(SqliteStore(folder, read_only=True)) as store:
            yield store


def backend_for(
    record: UploadRecord, *, concurrency: int | None, profile: str | None = None, connection: "Connection"
) -> "S3Backend":
    """The backend that a stored upload goes to; ``profile`` replaces the one it was begun with."""
    return make_backend(
        record.endpoint, record.region, profile or record.profile, concurrency=concurrency, connection=connection
    )


def make_backend(
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
    *,
    concurrency: int | None,
    connection: "Connection",
) -> "S3Backend":
    """A backend with a connection for every worker, and one for calls about the whole upload."""
    from partway.engine.s3 import S3Backend, S3Config

    return S3Backend(
        S3Config(
            endpoint_url=endpoint_url,
            region=region,
            profile=profile,
            connections=(concurrency or MOST) + 1,
            **connection.config,
        )
    )


def own_settings(region: str | None, profile: str | None) -> dict[str, str]:
    """The ``s3 =`` block of the user's profile."""
    from partway.engine.s3 import S3Backend, S3Config

    return S3Backend(S3Config(region=region, profile=profile)).transfer_settings


def verification(ca_bundle: str | None, no_verify_ssl: bool) -> bool | str | None:
    """What --ca-bundle and --no-verify-ssl ask for; the latter warns, once."""
    if not no_verify_ssl:
        return ca_bundle
    print(
        "warning: the endpoint's certificate is not checked; whoever is on the way can read and change the upload",
        file=sys.stderr,
    )
    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    return False


def find_upload(store: StateStore, prefix: str) -> UploadRecord:
    """The upload whose id starts with ``prefix``.

    Raises:
        click.UsageError: none, or several.
    """
    found = store.uploads(prefix) if prefix else []
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(f"several uploads begin with {prefix!r}: {', '.join(r.id for r in found)}")
    raise click.UsageError(f"there is no upload {printable(prefix)!r}; see `partway list`")


def find_job(store: StateStore, prefix: str) -> JobRecord | None:
    """The job whose id starts with ``prefix``, when exactly one does and no upload does."""
    found = store.jobs.all(prefix) if prefix and not store.uploads(prefix) else []
    return found[0] if len(found) == 1 else None


_FAILURES = 20  # files that are named at the end of a job

Work = Callable[[EventSink, Cancel], UploadDone | UploadSkipped | JobDone]


class OutputFailed(PartwayError):
    """Bars, lines or JSON cannot be written any more: whoever read them is gone, or the disk is full."""


def run_upload(
    work: Work, store: StateStore, output: render.Output, state_dir: Path | None, nudge: Nudge | None = None
) -> int:
    """Do the work with bars and signals; the exit code.  Errors are told here, with what to do next.

    nudge: That of the work's settings, which Enter and SIGUSR1 call; None for work that asks no service.
    """
    nudge = nudge or Nudge()
    cancel = Cancel()
    failed: list[UploadFailed] = []
    files: list[FileFailed] = []  # the first few
    jobs: list[str] = []

    def noting(sink: EventSink) -> EventSink:
        def see(event: Event) -> None:
            if isinstance(event, UploadFailed):
                failed.append(event)
            elif isinstance(event, FileFailed) and len(files) < _FAILURES:
                files.append(event)
            elif isinstance(event, JobStarted):
                jobs.append(event.job)
            if isinstance(event, (UploadStarted, JobStarted)):
                _collect_garbage_from_now_on()
            try:
                sink(event)
            except OSError as error:
                raise OutputFailed(f"the output cannot be written: {error.strerror or error}") from error

        return see

    try:
        with stopping(cancel), nudged_by_signal(nudge), render.shown(output, nudge) as sink:
            done = work(noting(sink), cancel)
        render.show_result(done, output)
    except PartwayError as error:
        if output.log is not None:
            output.log.note(error)
        if output.json and not isinstance(error, OutputFailed) and not (failed and failed[-1].error == str(error)):
            # A job that was refused as a whole, or ends between two files: its last line says so, too.
            JsonSink(sys.stdout)(UploadFailed(upload="", error=str(error), resumable=is_resumable(error)))
        tell(error)
        if was_never_reached(error):
            print("  nothing was sent: check the endpoint, then run the same command again", file=sys.stderr)
        if jobs:
            if _tell_what_is_done(store, jobs[0], state_dir) and isinstance(error, OutputFailed):
                return exit_codes.INCOMPLETE
        elif failed and failed[-1].upload:
            _tell_what_is_safe(store, failed[-1].upload, state_dir, starts_over=_starts_over(error))
            if isinstance(error, OutputFailed):
                return exit_codes.INCOMPLETE
        return exit_codes.exit_code(error)
    except OSError as error:
        tell(OutputFailed(f"the file is uploaded and proven, but that cannot be written: {error.strerror or error}"))
        return exit_codes.FAILED
    return _job_end(done, files, store, state_dir) if isinstance(done, JobDone) else exit_codes.OK


def _job_end(done: JobDone, failures: list[FileFailed], store: StateStore, state_dir: Path | None) -> int:
    """Tell what is left of a job; the exit code."""
    from .job_end import tell_failures, tell_missing  # only here: a single file needs none of it

    again = resume_command(done.job, named_folder(state_dir))
    if done.failed:
        tell_failures(done, failures, again)
    if done.missing:
        tell_missing(done, store, again)
    if not done.failed and not done.missing:
        return exit_codes.OK
    return exit_codes.INCOMPLETE if done.resumable else exit_codes.FAILED


def _tell_what_is_done(store: StateStore, id: str, state_dir: Path | None) -> bool:
    """Also how to go on; False when there is nothing to go on with."""
    from .job_safe import safe_of_job  # only here: a single file needs none of it

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
    print(f"  to go on:   {resume_command(id, folder)}", file=sys.stderr)
    print(f"  to give up: {cancel_command(id, folder)}", file=sys.stderr, flush=True)
    return True


def _collect_garbage_from_now_on() -> None:
    """Start-up is over: the command switched the collector off for it, and what it made stays out of it."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


@contextmanager
def failures_as_json(output: render.Output) -> Iterator[None]:
    """What fails before an upload begins is one JSON line too, and one of the log."""
    try:
        yield
    except PartwayError as error:
        if output.log is not None:
            output.log.note(error)
        if output.json:
            JsonSink(sys.stdout)(UploadFailed(upload="", error=str(error), resumable=is_resumable(error)))
        raise


def tell(error: PartwayError) -> None:
    """One clear sentence on stderr."""
    stopped = exit_codes.exit_code(error) == exit_codes.INTERRUPTED
    if isinstance(error, KeysCollide):
        lines = [f"error: {error.sentence}:", *(f"  {printable(line)}" for line in error.lines)]
    else:
        lines = [f"{'' if stopped else 'error: '}{printable(str(error))}"]
    print("\n".join(lines), file=sys.stderr, flush=True)


def _starts_over(error: PartwayError) -> bool:
    return isinstance(error, UploadIncomplete) and error.starts_over


def _tell_what_is_safe(store: StateStore, id: str, state_dir: Path | None, *, starts_over: bool) -> None:
    """Also how to go on, and how to give it up; starts_over: going on would end in the same way."""
    try:
        record = store.upload(id)
        parts, size = store.part_totals(id)
    except PartwayError:
        return
    if record is None or record.status not in UNFINISHED:
        return
    folder = named_folder(state_dir)
    if parts:
        noun = "part is" if parts == 1 else "parts are"
        of = "" if record.is_stream else f" of {format_size(record.size)}"
        print(f"  {parts:,} {noun} safe on S3 ({format_size(size)}{of})", file=sys.stderr)
    if needs_producer(record):
        again = f"run the producer again: {stream_command(record, folder)}"
    else:
        again = resume_command(id, folder, key_again(record))
    if not starts_over:
        print(f"  to go on:   {again}", file=sys.stderr)
    print(f"  to give up: {cancel_command(id, folder)}", file=sys.stderr, flush=True)


@contextmanager
def stopping(cancel: Cancel) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal: the first asks the upload to stop, the second ends the process at once.

    A signal that the process was started to ignore (nohup, a background job) stays ignored.  The same one twice at once
    is one wish: ``timeout`` signals the process, and then its group.  After a wish to stop the handlers stay until the
    process ends: what is said then must not be cut off, nor the exit code be another.
    """
    heard: dict[int, float] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if cancel.wanted:
            if number in heard and now - heard[number] < _ONE_WISH:
                return
            last_acts.when_known(end_process)
            return
        heard[number] = now
        cancel()

    numbers = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    before: dict[int, Any] = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items() if not cancel.wanted else ():
            signal.signal(number, handler)
