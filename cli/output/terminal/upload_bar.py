"""The bar of one upload."""

from collections.abc import Callable, Iterator
from typing import Self

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from partway.engine.progress.upload import UploadProgress
from partway.state.live import LivePhase

from ...text.escape import printable, shorten
from ...text.palette import AMBER, BLUE, GREEN, GREY
from ..messages import status_line

_RESUMED, _SENT, _REST = Style.parse(BLUE), Style.parse(GREEN), Style.parse(GREY)


class SplitBar:
    """A bar in three colours: kept from earlier runs, sent by this run, missing.

    The first two also differ in shape, for terminals without colours.
    """

    def __init__(self, resumed: float, there: float, width: int) -> None:
        self.resumed = min(max(resumed, 0.0), 1.0)
        self.there = min(max(there, self.resumed), 1.0)
        self.width = width

    @classmethod
    def of(cls, progress: UploadProgress, width: int) -> Self:
        """The bar of an upload."""
        return cls(progress.resumed / progress.total if progress.total else 0.0, progress.fraction(), width)

    def cells(self) -> tuple[int, int, int]:
        """The number of cells of each segment; the bar is full only when everything is on S3."""
        before = int(self.resumed * self.width)
        filled = int(self.there * self.width)
        return before, filled - before, self.width - filled

    def segments(self, options: ConsoleOptions) -> Iterator[Segment]:
        """The rich segments, without a line break."""
        ascii_only = options.ascii_only
        before, now, rest = self.cells()
        yield Segment(("=" if ascii_only else "▬") * before, _RESUMED)
        yield Segment(("#" if ascii_only else "━") * now, _SENT)
        yield Segment(("-" if ascii_only else "─") * rest, _REST)


class UploadBar:
    """Two lines for one upload: name, bar and share; then the numbers.

    clock: The clock of the events.
    """

    def __init__(self, progress: UploadProgress, clock: Callable[[], float]) -> None:
        self._progress = progress
        self._clock = clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        progress, width = self._progress, options.max_width
        if progress.open_ended and not progress.total:
            name = shorten(printable(progress.target), width - 12, ascii_only=options.ascii_only)
            yield Text(f"stream to {name}", no_wrap=True)
            words = shorten(status_line.state(progress, width - 3, self._clock()), width - 3)
            yield Text(f"  {words}", style=AMBER if progress.away else "dim", no_wrap=True)
            return
        name = shorten(printable(progress.name), max(8, width // 4), ascii_only=options.ascii_only)
        share = f"{status_line.percent(progress):>5}"
        if progress.total or progress.phase is LivePhase.COMPLETING:
            bar_width = max(4, width - cell_len(name) - len(share) - 3)
            yield Text(f"{name} ", end="", no_wrap=True)
            yield from SplitBar.of(progress, bar_width).segments(options)
            yield Text(f" {share}", no_wrap=True)
        words = shorten(status_line.state(progress, width - 3, self._clock()), width - 3)
        yield Text(f"  {words}", style=AMBER if progress.away else "dim", no_wrap=True)
