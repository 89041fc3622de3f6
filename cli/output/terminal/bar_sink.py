"""Live bars of running uploads, on a terminal."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from partway.engine.events import Event
from partway.engine.events.upload import NetworkLost
from partway.engine.progress.job import JobProgress

from ..messages.notes import Notes
from .job_bars import JobBars
from .live_display import LiveDisplay
from .upload_bar import UploadBar

_EVERY = 0.125  # seconds between two updates


class BarSink:
    """Shows an upload, or a job and its uploads, live on stderr; messages scroll away above it.

    Use as a context manager: it restores the terminal at the end of the block.

    shown: the current display.

    Args:
        keys: True tells the user that Enter retries an unreachable endpoint.
        every: Seconds between two updates; None means eight a second.
    """

    def __init__(
        self,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        *,
        keys: bool = False,
        every: float | None = None,
    ) -> None:
        self._console = console
        self._keys = keys
        self._clock = clock
        self._job = JobProgress()
        self._notes = Notes(self._job)
        self.shown = _Shown(self._job, clock)
        self._live = LiveDisplay(self.shown, console=console, refresh_per_second=1 / (every or _EVERY))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        now = self._clock()
        self._job.update(event, now)
        if line := self._notes.line(event, now):
            if self._keys and isinstance(event, NetworkLost):
                line = f"{line} (press Enter to retry now)"
            self._console.print(Text(line), soft_wrap=True)

    @property
    def is_away(self) -> bool:
        """True while no upload reaches the endpoint."""
        return self._job.away


class _Shown:
    """The display at this moment."""

    def __init__(self, progress: JobProgress, clock: Callable[[], float]) -> None:
        self._progress = progress
        self._clock = clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._progress.running:
            yield JobBars(self._progress, self._clock)
        else:
            yield from (UploadBar(each, self._clock) for each in self._progress.uploads)
