"""Run the work of a command: bars, signals, errors with hints, and the exit code."""

import gc
import sys
from collections.abc import Callable
from pathlib import Path

from partway.engine.errors import AlreadyEnded, AlreadyRunning, PartwayError, UploadCancelled, is_resumable
from partway.engine.errors import UploadFailed as UploadIncomplete
from partway.engine.events import Event, EventSink
from partway.engine.events.upload import (
    FileFailed,
    JobDone,
    JobStarted,
    UploadDone,
    UploadFailed,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.retry.circuit_breaker import Nudge
from partway.engine.run.failures import was_never_reached
from partway.engine.workers.channel import CancelToken
from partway.state.store import StateStore

from ..output import select
from ..output.json_sink import JsonSink
from ..output.terminal.nudging import nudged_by_signal
from . import exit_codes
from .deadline import Deadline
from .errors import OutputFailed, print_error
from .resume_hint import resume_command, resume_job
from .safe import print_job_state, print_upload_state
from .signals import handle_signals
from .store import named_folder

_FAILURES = 20  # files that are listed at the end of a job

Work = Callable[[EventSink, CancelToken], UploadDone | UploadSkipped | JobDone]


def run_upload(
    work: Work,
    store: StateStore,
    output: select.Output,
    state_dir: Path | None,
    nudge: Nudge | None = None,
    *,
    deadline: Deadline | None = None,
    passes_over: bool = False,
) -> int:
    """Do the work with bars and signal handlers; returns the exit code.  Errors are printed here, with hints.

    nudge: From the work's settings; called by Enter and SIGUSR1.  None for work without requests.
    deadline: Stops the work with INCOMPLETE; None means no deadline.
    passes_over: True raises AlreadyEnded and AlreadyRunning, for a caller that skips such uploads and jobs.
    """
    nudge = nudge or Nudge()
    deadline = deadline or Deadline()
    cancel = CancelToken()
    failed: list[UploadFailed] = []
    files: list[FileFailed] = []  # the first few
    jobs: list[str] = []

    def noting(sink: EventSink) -> EventSink:
        def note(event: Event) -> None:
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

        return note

    try:
        with (
            handle_signals(cancel),
            deadline.cancels(cancel),
            nudged_by_signal(nudge),
            select.open_sink(output, nudge) as sink,
        ):
            done = work(noting(sink), cancel)
        select.show_result(done, output)
    except PartwayError as error:
        if passes_over and isinstance(error, (AlreadyEnded, AlreadyRunning)):
            raise
        if output.log is not None:
            output.log.note(error)
        if output.json and not isinstance(error, OutputFailed) and not (failed and failed[-1].error == str(error)):
            # A job that was refused as a whole or ended between two files has emitted no such event yet.
            JsonSink(sys.stdout)(UploadFailed(upload="", error=str(error), resumable=is_resumable(error)))
        is_late = isinstance(error, UploadCancelled) and deadline.is_over
        if is_late:
            print("stopped: the time of --max-duration is over", file=sys.stderr, flush=True)
        else:
            print_error(error)
        if was_never_reached(error):
            print("  nothing was sent: check the endpoint, then run the same command again", file=sys.stderr)
        if jobs:
            if print_job_state(store, jobs[0], state_dir) and isinstance(error, OutputFailed):
                return exit_codes.INCOMPLETE
        elif failed and failed[-1].upload:
            print_upload_state(store, failed[-1].upload, state_dir, starts_over=_starts_over(error))
            if isinstance(error, OutputFailed):
                return exit_codes.INCOMPLETE
        return exit_codes.INCOMPLETE if is_late else exit_codes.exit_code(error)
    except OSError as error:
        print_error(
            OutputFailed(
                f"the upload is complete and verified, but the summary cannot be written: {error.strerror or error}"
            )
        )
        return exit_codes.FAILED
    return _job_end(done, files, store, state_dir) if isinstance(done, JobDone) else exit_codes.OK


def _job_end(done: JobDone, failures: list[FileFailed], store: StateStore, state_dir: Path | None) -> int:
    """Print what is left of a job; returns the exit code."""
    from .job_end import tell_failures, tell_missing

    record, folder = store.jobs.get(done.job), named_folder(state_dir)
    again = resume_command(done.job, folder) if record is None else resume_job(record, folder)
    if done.failed:
        tell_failures(done, failures, again)
    if done.missing:
        tell_missing(done, store, again)
    if not done.failed and not done.missing:
        return exit_codes.OK
    return exit_codes.INCOMPLETE if done.resumable else exit_codes.FAILED


def _collect_garbage_from_now_on() -> None:
    """Enable the garbage collector, which is off during start-up; objects from start-up stay excluded."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _starts_over(error: PartwayError) -> bool:
    return isinstance(error, UploadIncomplete) and error.starts_over
