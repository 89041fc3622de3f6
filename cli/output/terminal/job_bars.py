"""A job on a terminal: two lines for the job, and one with a bar for each upload that it runs."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from partway.engine.progress.job import JobProgress
from partway.engine.progress.upload import UploadProgress

from ...text.escape import printable, shorten
from ...text.palette import AMBER
from ..messages import status_line
from .upload_bar import SplitBar

_MAX_BARS = 5
_SPARE = 2  # lines of the terminal that stay free
_MIN_BAR = 8  # cells
_WIDTHS = (6, 14, 14)  # of the columns to the right of a bar: share, rate, time left


def free_lines(console: Console, taken: int) -> int:
    """Terminal lines left for uploads; messages and the prompt need some, too."""
    return console.height - _SPARE - taken


class JobLine:
    """Where a job's files go, with a bar once they are counted."""

    def __init__(self, progress: JobProgress, name: str) -> None:
        self._progress = progress
        self._name = name

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        plain, width = options.ascii_only, options.max_width - 1
        share, fraction = status_line.job_percent(self._progress), self._progress.fraction()
        if share is None or fraction is None:
            yield Text(shorten(self._name, width, ascii_only=plain), no_wrap=True)
            return
        name = shorten(self._name, max(8, width // 2), ascii_only=plain)
        tail = f"{share:>{_WIDTHS[0]}}"
        settled = self._progress.settled_bytes / self._progress.total_bytes if self._progress.total_bytes else 0.0
        yield Text(f"{name} ", end="", no_wrap=True)
        yield from SplitBar(settled, fraction, max(1, width - cell_len(name) - 1 - len(tail))).segments(options)
        yield Text(tail, no_wrap=True)


class JobBars:
    """The job's progress; then its uploads, as many as fit.

    clock: The clock of the events.
    """

    def __init__(self, progress: JobProgress, clock: Callable[[], float]) -> None:
        self._progress = progress
        self._clock = clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        progress, width = self._progress, options.max_width - 3
        yield JobLine(progress, printable(progress.target))
        words = shorten(status_line.job_state(progress, self._clock(), width), width, ascii_only=options.ascii_only)
        yield Text(f"  {words}", style=AMBER if progress.away else "dim", no_wrap=True)
        yield UploadLines(tuple(progress.uploads), room=free_lines(console, 2))


class UploadLines:
    """A line per upload: name, bar, share, rate and time left; then how many are not shown.

    room: the maximum number of lines.
    ids: True shows the upload's ID before the name.
    """

    def __init__(self, uploads: Sequence[UploadProgress], *, room: int, ids: bool = False) -> None:
        most = min(_MAX_BARS, room if len(uploads) <= room else room - 1)
        self._shown = uploads[: max(0, most)]
        self._hidden = len(uploads) - len(self._shown) if room > 0 else 0
        self._ids = ids

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        plain, width = options.ascii_only, options.max_width - 1
        most = max(8, width // 4)
        names = [shorten(printable(each.name), most, ascii_only=plain) for each in self._shown]
        if self._ids:
            names = [f"{each.upload} {name}" for each, name in zip(self._shown, names, strict=True)]
        column = max(map(cell_len, names), default=0)
        for name, progress in zip(names, self._shown, strict=True):
            facts = [status_line.percent(progress), status_line.speed_text(progress), status_line.time_left(progress)]
            tail = [f"{fact:>{cells}}" for fact, cells in zip(facts, _WIDTHS, strict=True)]
            while (bar := width - column - 1 - sum(map(len, tail))) < _MIN_BAR and tail:
                tail.pop()
            yield Text(f"{set_cell_size(name, column)} ", end="", no_wrap=True)
            yield from SplitBar.of(progress, max(1, bar)).segments(options)
            yield Text("".join(tail), style=AMBER if progress.away else "", no_wrap=True)
        if self._hidden:
            yield Text(f"  {status_line.more(self._hidden)}", style="dim", no_wrap=True)
