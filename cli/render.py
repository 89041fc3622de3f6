"""Choose how an upload is shown: bars, lines, JSON, or nothing but the result."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from partway.engine.events import Event, EventSink, JobDone, UploadDone, UploadSkipped

from . import sentences
from .json_lines import JsonSink
from .lines import LineSink

if TYPE_CHECKING:
    from .bars import BarSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the user wants to see.

    quiet: nothing but errors.
    no_progress: no bars and no progress lines; the summary stays.
    json: events on stdout instead of the summary.
    """

    quiet: bool = False
    no_progress: bool = False
    json: bool = False


@contextmanager
def shown(output: Output) -> Iterator[EventSink]:
    """A sink that shows one upload.  Progress goes to stderr, results and JSON to stdout."""
    sinks: list[EventSink] = [JsonSink(sys.stdout)] if output.json else []
    if output.quiet or output.no_progress or (output.json and sys.stdout.isatty() and sys.stderr.isatty()):
        # JSON and bars on one screen would be a mess.
        yield _all(sinks)
    elif bars := _bars():
        with bars:
            yield _all([bars, *sinks])
    else:
        yield _all([LineSink(sys.stderr), *sinks])


def _bars() -> "BarSink | None":
    """Bars, when stderr is a terminal that can show them."""
    if not sys.stderr.isatty():
        return None
    # Imported here: cron, CI and --quiet need none of it, and it takes as long as a small upload.
    from rich.console import Console

    from .bars import BarSink

    console = Console(stderr=True, highlight=False, markup=False)
    return BarSink(console) if console.is_terminal and not console.is_dumb_terminal else None


def _all(sinks: list[EventSink]) -> EventSink:
    def sink(event: Event) -> None:
        for each in sinks:
            each(event)

    return sink


def show_result(event: UploadDone | UploadSkipped | JobDone, output: Output) -> None:
    """The summary, unless it was already told as JSON or nobody wants it."""
    if not output.quiet and not output.json:
        for line in sentences.summary(event):
            print(line, flush=True)
