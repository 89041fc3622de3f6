"""Choose how an upload is shown: bars, lines, JSON, or only the result."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from partway.engine.events import Event, EventSink
from partway.engine.events.upload import JobDone, UploadDone, UploadSkipped
from partway.engine.retry.circuit_breaker import Nudge
from partway.engine.walk.filters import Filter

from ..text.console import is_live, make_console
from ..text.escape import printable
from ..verbosity.levels import verbosity
from .json_sink import JsonSink
from .line_sink import LineSink
from .messages import sentences
from .terminal.nudging import keyboard, nudged_by_enter

if TYPE_CHECKING:
    from .log_file import LogFile
    from .terminal.bar_sink import BarSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the user chose to see.

    quiet: only errors.
    no_progress: no bars and no progress lines; the summary stays.
    json: events on stdout instead of the summary.
    interval: seconds between two updates of the progress; None means what suits bars, lines and JSON.
    log: also receives every event.
    """

    quiet: bool = False
    no_progress: bool = False
    json: bool = False
    interval: float | None = None
    log: "LogFile | None" = None

    def warn(self, sentence: str) -> None:
        """Print a warning to stderr."""
        if not self.quiet:
            print(f"warning: {printable(sentence)}", file=sys.stderr, flush=True)


def once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Pass each sentence on only once."""
    said: set[str] = set()

    def new(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            warn(sentence)

    return new


def opened_log(path: Path | None, *, sources: Sequence[str] = (), filters: Sequence[Filter] = ()) -> "LogFile | None":
    """The log file that the user named, open until the command ends.

    sources, filters: what is uploaded; the log must not be part of it.

    Raises:
        click.UsageError: the log file cannot be opened, or would be uploaded.
    """
    if path is None:
        return None
    from .log_file import LogFile, check_place

    check_place(path, sources, filters)
    return click.get_current_context().with_resource(closing(LogFile(path)))


@contextmanager
def open_sink(output: Output, nudge: Nudge) -> Iterator[EventSink]:
    """A sink that shows one upload or job.  Progress goes to stderr, results and JSON to stdout; with bars, Enter calls
    the nudge."""
    # The log first, so that it also records the event at which another sink fails.
    sinks: list[EventSink] = [output.log] if output.log is not None else []
    sinks += [JsonSink(sys.stdout, every=output.interval)] if output.json else []
    level = verbosity()
    if level.is_on:
        from ..verbosity.event_log import EventLog

        sinks.append(EventLog())
    mixed = level.stderr is not None or (output.json and sys.stdout.isatty() and sys.stderr.isatty())
    if output.quiet or output.no_progress or mixed:
        # Bars would mix with log lines or JSON on the screen.
        yield _all(sinks)
    elif bars := _bars(output.interval):
        terminal = keyboard()
        with bars, nullcontext() if terminal is None else nudged_by_enter(nudge, terminal, lambda: bars.is_away):
            yield _all([bars, *sinks])
    else:
        yield _all([LineSink(sys.stderr, every=output.interval), *sinks])


def _bars(interval: float | None) -> "BarSink | None":
    """Bars, if stderr is a terminal that can show them; otherwise None."""
    if not sys.stderr.isatty():
        return None
    # Imported here: cron, CI and --quiet do not need it, and the import takes as long as a small upload.
    from .terminal.bar_sink import BarSink

    console = make_console(stderr=True)
    return BarSink(console, keys=keyboard() is not None, every=interval) if is_live(console, sys.stderr) else None


def _all(sinks: list[EventSink]) -> EventSink:
    def sink(event: Event) -> None:
        for each in sinks:
            each(event)

    return sink


def show_result(event: UploadDone | UploadSkipped | JobDone, output: Output) -> None:
    """Print the summary, unless the output is JSON or quiet."""
    if not output.quiet and not output.json:
        for line in sentences.summary(event):
            print(line, flush=True)
