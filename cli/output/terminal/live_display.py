"""rich's Live for terminals that become narrower while it runs, and for processes that are killed."""

from contextlib import ExitStack
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.control import Control
from rich.live import Live
from rich.live_render import LiveRender
from rich.segment import Segment

from .cursor import hidden_cursor

_ECHO = len("^C")  # cells that the terminal writes behind the last line; there, they would begin another row


class LiveDisplay(Live):
    """Draws lines in place, below what is printed meanwhile; they are gone at the end."""

    def __init__(self, renderable: RenderableType | None = None, *, console: Console, **how: Any) -> None:
        super().__init__(renderable, console=console, transient=True, **how)
        self._live_render = _WrappedRender(self.get_renderable(), console)
        self._marked = ExitStack()

    def start(self, refresh: bool = False) -> None:
        """Hide the cursor and start to draw."""
        self._marked.enter_context(hidden_cursor(self.console.file))
        super().start(refresh)

    def stop(self) -> None:
        """Remove the lines and show the cursor."""
        super().stop()
        self._marked.close()


class _WrappedRender(LiveRender):
    """Knows how many rows its last lines take, also after a narrower terminal has wrapped them.

    Otherwise the rows beyond the number of lines would stay on the screen.
    """

    def __init__(self, renderable: RenderableType, console: Console) -> None:
        super().__init__(renderable)
        self._console = console
        self._cells: list[int] = []  # of each line that was drawn last

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = [0]
        options = options.update(max_width=max(1, options.max_width - _ECHO))
        for segment in super().__rich_console__(console, options):
            assert isinstance(segment, Segment)
            if segment.text == "\n":
                cells.append(0)
            else:
                cells[-1] += segment.cell_length
            yield segment
        self._cells = cells

    def position_cursor(self) -> Control:
        self._wrap()
        return super().position_cursor()

    def restore_cursor(self) -> Control:
        self._wrap()
        return super().restore_cursor()

    def _wrap(self) -> None:
        if self.last_render_height:
            width, height = self._console.size
            rows = sum(max(1, -(-cells // max(1, width))) for cells in self._cells)
            self._shape = (width, min(rows, height))
