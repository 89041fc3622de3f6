"""Errors as users see them: a message on standard error, or a line of JSON."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from partway.engine.errors import KeyCollision, PartwayError, is_resumable
from partway.engine.events.upload import UploadFailed

from ..output.json_sink import JsonSink
from ..output.select import Output
from ..text.escape import printable
from . import exit_codes


class OutputFailed(PartwayError):
    """Bars, lines or JSON cannot be written: the reader has exited, or the disk is full."""


@contextmanager
def failures_as_json(output: Output) -> Iterator[None]:
    """Report an error before an upload starts as a JSON line and a log line, too."""
    try:
        yield
    except PartwayError as error:
        if output.log is not None:
            output.log.note(error)
        if output.json:
            JsonSink(sys.stdout)(UploadFailed(upload="", error=str(error), resumable=is_resumable(error)))
        raise


def print_error(error: PartwayError) -> None:
    """Print the error to stderr."""
    stopped = exit_codes.exit_code(error) == exit_codes.INTERRUPTED
    if isinstance(error, KeyCollision):
        lines = [f"error: {error.sentence}:", *(f"  {printable(line)}" for line in error.lines)]
    else:
        lines = [f"{'' if stopped else 'error: '}{printable(str(error))}"]
    print("\n".join(lines), file=sys.stderr, flush=True)
