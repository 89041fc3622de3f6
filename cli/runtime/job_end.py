"""The errors at the end of a job, with what to do about them, on stderr; also if they were shown earlier."""

import sys
from collections.abc import Sequence

from partway.engine.events.upload import FileFailed, JobDone
from partway.engine.plural import plural, verb
from partway.state.store import StateStore

from ..text.escape import printable

MAX_NAMED = 20  # files that are listed


def tell_failures(done: JobDone, failures: Sequence[FileFailed], resume_command: str) -> None:
    """Print which files failed, and why.

    failures: the first few failures.
    resume_command: the command that resumes the job.
    """
    _print(f"error: {plural(done.failed, 'file')} {verb(done.failed, 'was', 'were')} not uploaded:")
    for each in failures:
        _print(f"  {printable(each.source)}: {printable(each.error)}")
    if done.failed > len(failures):
        _print(f"  and {done.failed - len(failures):,} more; --json lists all of them")
    _print(f"  to retry: {resume_command}")


def tell_missing(done: JobDone, store: StateStore, resume_command: str) -> None:
    """Print which files of earlier runs no longer exist.

    Raises:
        StateError: the store cannot be read.
    """
    missing = f"{plural(done.missing, 'file')} of earlier runs no longer {verb(done.missing, 'exists', 'exist')}"
    _print(f"error: {missing} (is a disk not mounted?):")
    bucket = done.target.removeprefix("s3://").partition("/")[0]
    named = store.jobs.missing(done.job, MAX_NAMED)
    for each in named:
        _print(f"  {printable(f's3://{bucket}/{each.key}')}: {each.status}")
    if done.missing > len(named):
        _print(f"  and {done.missing - len(named):,} more")
    _print(f"  to resume when they are back: {resume_command}")
    _print(f"  to finish without them:       {resume_command} --prune")


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
