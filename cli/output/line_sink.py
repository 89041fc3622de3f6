"""Progress without a terminal: one plain line every few seconds, for logs of cron and CI."""

import time
from collections.abc import Callable
from typing import TextIO

from partway.engine.events import Event
from partway.engine.events.upload import FileDone, FileSkipped, PartDone, PartKept, PartProgress, UploadCompleting
from partway.engine.progress.job import JobProgress

from .messages import status_line
from .messages.notes import Notes

_EVERY = 5.0  # seconds
_NEWS = (FileDone, FileSkipped, PartDone, PartKept, PartProgress, UploadCompleting)


class LineSink:
    """Writes a line at most every ``every`` seconds (None: five), and messages at once."""

    def __init__(self, out: TextIO, *, every: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._every = every or _EVERY
        self._clock = clock
        self._job = JobProgress()
        self._notes = Notes(self._job)
        self._next = clock() + self._every

    def __call__(self, event: Event) -> None:
        now = self._clock()
        self._job.update(event, now)
        if line := self._notes.line(event, now):
            self._write(line)
        elif isinstance(event, _NEWS) and now >= self._next:
            self._next = now + self._every
            for line in self._lines():
                self._write(line)

    def _lines(self) -> list[str]:
        if self._job.running:
            return [status_line.job_line(self._job)]
        return [status_line.upload_line(each) for each in self._job.uploads]

    def _write(self, line: str) -> None:
        print(line, file=self._out, flush=True)
