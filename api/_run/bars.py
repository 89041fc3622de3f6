"""``progress=True``: rich's own bars, in a terminal and in Jupyter; nothing where neither is."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from partway.engine.events import Event
from partway.engine.events.upload import JobCounted, JobDone, JobStarted, UploadDone, UploadSkipped, UploadStarted
from partway.state.uploads import STREAM

from .progress import ByteCounter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class Bars:
    """A line for each upload that runs and wants one.  Uploads of several threads share them.

    Args:
        console: None makes one for standard error when the first upload begins.
    """

    def __init__(self, console: "Console | None" = None) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._count = 0
        self._progress: Progress | None = None

    @contextmanager
    def bar(self) -> Iterator[Callable[[Event], None]]:
        """What shows the events of one upload, while the block runs."""
        with self._lock:
            self._count += 1
            if self._progress is None:
                self._progress = _make(self._console)
                self._progress.start()
            progress = self._progress
        try:
            yield _Bar(progress)
        finally:
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    self._progress = None
                    progress.stop()


class _Bar:
    """The bar of an upload, or of a job as a whole."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._count = ByteCounter(self._advance)
        self._job = False
        self._task = progress.add_task("starting", total=None)

    def __call__(self, event: Event) -> None:
        match event:
            case JobStarted():
                self._job = True
                self._show(event.target, None)
            case JobCounted():
                # More may come: the bar waits with its end.
                self._show(None, None if event.counting else event.total_bytes)
            case UploadStarted() if not self._job:
                name = event.target if event.source == STREAM else os.path.basename(event.source)  # noqa: PTH119
                self._show(name, event.total_bytes if event.total_bytes is not None else event.expected_bytes)
            case _:
                pass
        self._count(event)
        match event:
            case UploadDone() if not self._job:
                self._end(event.bytes)
            case JobDone():
                self._end(None)
            case UploadSkipped() if not self._job:
                self._end(0)
            case _:
                pass

    def _show(self, name: str | None, total: int | None) -> None:
        if name is not None:
            # Undecodable bytes and markup are no part of a bar.
            name = name.encode("utf-8", "replace").decode().replace("[", r"\[")
            self._progress.update(self._task, description=name)
        if total is not None:
            self._progress.update(self._task, total=total)

    def _advance(self, size: int) -> None:
        self._progress.advance(self._task, size)

    def _end(self, total: int | None) -> None:
        """The bar is full.  total: bytes; None means those that were counted."""
        if total is None:
            total = int(next(each.completed for each in self._progress.tasks if each.id == self._task))
        # An empty file is 1 of 1, since rich shows 0 of 0 as nothing.
        self._progress.update(self._task, total=max(1, total), completed=max(1, total))


def _make(console: "Console | None") -> "Progress":
    # Only here: most uploads of programs need none of it.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = console or Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not (console.is_terminal or console.is_jupyter),
    )
