"""``--log-file``: append a line per event to a file."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from partway.engine.errors import PartwayError
from partway.engine.events import Event
from partway.engine.events.upload import UploadFailed
from partway.engine.walk.filters import Filter, is_wanted

from ..text.escape import printable
from ..text.times import utc
from .messages.event_lines import EventLines


def check_place(path: Path, sources: Sequence[str], filters: Sequence[Filter]) -> None:
    """Check that the log file is not uploaded itself: it would change while it is sent, in every run.

    Raises:
        click.UsageError
    """
    if str(path) == "-":
        raise click.UsageError("--log-file needs a file; use --json for events on standard output")
    log = os.path.realpath(path)
    for source in map(os.path.realpath, sources):
        below = log.removeprefix(source.rstrip(os.sep) + os.sep)
        if log == source or (below != log and is_wanted(below, filters)):
            raise click.UsageError(
                f"the log file {printable(str(path))} is among the files to upload, and would change while it is sent; "
                "move it elsewhere, or leave it out with --exclude"
            )


class LogFile:
    """A sink that appends a line per event: the time in UTC, the ID of the upload or job, and what happened.

    Several processes may write to one file; lines are never mixed.  Nothing is rotated.  If a line cannot be written,
    a warning is printed once and the upload continues.

    Args:
        clock: Seconds since 1970.
        timer: Seconds on a monotonic clock.

    Raises:
        click.UsageError: the file cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._clock = clock
        self._lines = EventLines(timer)
        self._told: str | None = None
        self._failed = False
        try:
            # Opening a FIFO without a reader must not block.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
            self._descriptor = os.open(path, flags, 0o666)
            os.set_blocking(self._descriptor, True)
        except OSError as error:
            raise click.UsageError(
                f"cannot write the log file {printable(str(path))}: {error.strerror or error}; choose another"
            ) from error

    def __call__(self, event: Event) -> None:
        for id, line in self._lines.lines(event):
            self._write(id, line)
        if isinstance(event, UploadFailed):
            self._told = event.error

    def note(self, error: PartwayError) -> None:
        """Log the error that ended the run, unless an event has reported it."""
        if str(error) != self._told:
            self._write(self._lines.last, f"stopped: {printable(str(error))}")

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, id: str, text: str) -> None:
        if self._failed:
            return
        try:
            line = f"{utc(self._clock())} {id} {text}\n".encode("utf-8", "backslashreplace")
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            self._failed = True
            print(
                f"warning: cannot write to the log file {printable(str(self.path))} any more: "
                f"{error.strerror or error}; the upload continues without it",
                file=sys.stderr,
                flush=True,
            )
