"""Live bars on a terminal."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from partway.engine.events import Event

from . import how_far, sentences
from .job_progress import JobProgress
from .progress import UploadProgress
from .text import printable, shorten

_RESUMED, _SENT, _REST = Style.parse("blue"), Style.parse("green"), Style.parse("bright_black")


class SplitBar:
    """A bar in three colours: what was there, what this run sent, what is missing.

    The first two differ in shape too, for terminals without colours.
    """

    def __init__(self, resumed: float, there: float, width: int) -> None:
        self.resumed = min(max(resumed, 0.0), 1.0)
        self.there = min(max(there, self.resumed), 1.0)
        self.width = width

    def cells(self) -> tuple[int, int, int]:
        """How many cells each part has; a full bar only when everything is there."""
        before = int(self.resumed * self.width)
        filled = int(self.there * self.width)
        return before, filled - before, self.width - filled

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ascii_only = options.ascii_only
        before, now, rest = self.cells()
        yield Segment(("=" if ascii_only else "▬") * before, _RESUMED)
        yield Segment(("#" if ascii_only else "━") * now, _SENT)
        yield Segment(("-" if ascii_only else "─") * rest, _REST)
        yield Segment.line()


class UploadBar:
    """Two lines for one upload: name, bar and share; then the numbers."""

    def __init__(self, progress: UploadProgress) -> None:
        self._progress = progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        progress, width = self._progress, options.max_width
        if progress.phase == "ended":
            return
        if progress.open_ended and not progress.total:
            name = shorten(printable(progress.target), width - 12, ascii_only=options.ascii_only)
            yield Text(f"stream to {name}", no_wrap=True)
            words = shorten(how_far.state(progress, width - 3), width - 3)
            yield Text(f"  {words}", style="yellow" if progress.away else "dim", no_wrap=True)
            return
        name = shorten(printable(progress.name), max(8, width // 4), ascii_only=options.ascii_only)
        share = f"{how_far.percent(progress):>5}"
        if progress.total or progress.phase == "completing":
            bar_width = max(4, width - cell_len(name) - len(share) - 3)
            resumed = progress.resumed / progress.total if progress.total else 0.0
            yield Text(f"{name} ", end="", no_wrap=True)
            bar = SplitBar(resumed, progress.fraction(), bar_width)
            yield from (segment for segment in console.render(bar, options) if segment.text != "\n")
            yield Text(f" {share}", no_wrap=True)
        words = shorten(how_far.state(progress, width - 3), width - 3)
        yield Text(f"  {words}", style="yellow" if progress.away else "dim", no_wrap=True)


class JobLine:
    """One line for a job, above the bar of the file that is being sent in parts."""

    def __init__(self, progress: JobProgress) -> None:
        self._progress = progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._progress.running:
            target = shorten(printable(self._progress.target), max(8, options.max_width // 3))
            words = f"{target}  {how_far.job_state(self._progress)}"
            yield Text(shorten(words, options.max_width - 1), no_wrap=True)


class BarSink:
    """Shows an upload as a live bar on stderr; lines worth keeping scroll away above it.

    Used as a context manager: the terminal is as it was before when the block ends.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._progress = UploadProgress()
        self._job = JobProgress()
        shown = Group(JobLine(self._job), UploadBar(self._progress))
        self._live = Live(shown, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        now = self._clock()
        self._progress.see(event, now)
        self._job.see(event, now)
        if line := sentences.note(event):
            self._console.print(Text(line), soft_wrap=True)
