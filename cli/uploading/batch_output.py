"""What ``partway run`` tells: each line's events and result, and now and then how far all of them are."""

import sys
import time
from collections.abc import Callable

from partway.engine.batch.files import Result
from partway.engine.errors import PartwayError, UploadCancelled
from partway.engine.events import Event
from partway.engine.events.upload import PartProgress
from partway.engine.plural import plural

from ..output.json_sink import JsonSink
from ..output.messages import sentences
from ..output.select import Output
from ..runtime import exit_codes
from ..text.escape import printable
from ..text.units import format_rate, format_size

_EVERY = 5.0  # seconds between two lines about progress


class BatchOutput:
    """Counts the lines and prints what became of each.

    total: lines to run.
    codes: the exit codes of the lines that did not succeed.
    """

    def __init__(self, output: Output, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.codes: list[int] = []
        self._output = output
        self._total = total
        self._clock = clock
        self._json = JsonSink(sys.stdout, every=output.interval)
        self._every = output.interval or _EVERY
        self._done = self._skipped = 0
        self._sent: dict[tuple[int, int], int] = {}  # bytes of the parts in flight
        self._bytes = 0
        self._shown_at, self._shown_bytes = clock(), 0

    def event(self, line: int, event: Event) -> None:
        """An event of a line's upload."""
        if self._output.log is not None:
            self._output.log(event)
        if self._output.json:
            self._json(event, line=line)
        if isinstance(event, PartProgress):
            part = (line, event.number)
            self._bytes += max(0, event.sent - self._sent.get(part, 0))
            self._sent[part] = event.sent

    def result(self, line: int, result: Result) -> None:
        """What became of a line's upload."""
        if isinstance(result, PartwayError):
            self.failed(line, result)
            return
        self._done += 1
        self._sent = {part: sent for part, sent in self._sent.items() if part[0] != line}
        if not self._output.quiet and not self._output.json:
            print(f"line {line}: {sentences.summary(result)[0]}", flush=True)

    def failed(self, line: int, error: PartwayError) -> None:
        """A line did not succeed.  What was stopped is not named: it is resumed by the next run."""
        if isinstance(error, UploadCancelled):
            return
        self.codes.append(exit_codes.exit_code(error))
        print(f"error: line {line}: {printable(str(error))}", file=sys.stderr, flush=True)

    def ended(self, line: int, code: int) -> None:
        """A line of several files ended, and told by itself how."""
        if code == exit_codes.OK:
            self._done += 1
        else:
            self.codes.append(code)
            print(f"error: line {line} ended with exit code {code}", file=sys.stderr, flush=True)

    def already_done(self, line: int) -> None:
        """An interrupted run uploaded it."""
        self._skipped += 1

    def idle(self) -> None:
        """Show how far the lines are, when it is time."""
        now = self._clock()
        if self._output.quiet or self._output.no_progress or self._output.json or now - self._shown_at < self._every:
            return
        rate = (self._bytes - self._shown_bytes) / (now - self._shown_at)
        self._shown_at, self._shown_bytes = now, self._bytes
        ended = self._done + self._skipped + len(self.codes)
        print(
            f"{ended} of {plural(self._total, 'line')}, {format_size(self._bytes)} sent, {format_rate(rate)}",
            file=sys.stderr,
            flush=True,
        )

    def end(self, again: str) -> None:
        """The last line.  again: the command that resumes."""
        left = self._total - self._done - self._skipped
        if self._output.quiet:
            return
        facts = [f"{plural(self._done, 'line')} done"]
        facts += [f"{self._skipped} done before"] if self._skipped else []
        facts += [f"{left} not done"] if left else []
        where = sys.stderr if self._output.json or left else sys.stdout
        print(", ".join(facts), file=where, flush=True)
        if left:
            print(f"  to resume: {again}", file=sys.stderr, flush=True)
