"""The exit codes, for scripts.  Stable."""

from partway.engine.errors import PartwayError, PlanError, SourceError, UploadCancelled, is_resumable

OK = 0
FAILED = 1  # failed; retrying will not help
USAGE = 2  # usage error
INCOMPLETE = 75  # run again to resume (EX_TEMPFAIL)
INTERRUPTED = 130  # stopped by Ctrl-C or SIGTERM; finished parts are kept


def exit_code(error: PartwayError) -> int:
    """The exit code of an error: whether running again helps, or the user has to act first."""
    if isinstance(error, UploadCancelled):
        return INTERRUPTED
    if is_resumable(error):
        return INCOMPLETE
    if isinstance(error, (SourceError, PlanError)):
        return USAGE
    return FAILED


def worst(codes: list[int]) -> int:
    """The exit code of several uploads: stopped before failed before incomplete before done."""
    for code in (INTERRUPTED, FAILED, USAGE, INCOMPLETE):
        if code in codes:
            return code
    return OK
