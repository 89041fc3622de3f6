"""What is done when the process ends while programs that it started still run: they must not outlive it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class LastActs:
    """The acts that end such programs.  A signal handler and any thread may use it."""

    def __init__(self) -> None:
        self._acts: list[Callable[[], None]] = []
        self._starting: list[object] = []  # lists, since adding to one is atomic
        self._end_process: Callable[[], None] | None = None

    @contextmanager
    def adding(self, act: Callable[[], None]) -> Iterator[None]:
        """Start what ``act`` ends; the process does not end within the block, but after it, when ``act`` is known."""
        self._starting.append(act)
        try:
            yield
            self._acts.append(act)
        finally:
            self._starting.remove(act)
            if self._end_process is not None and not self._starting:
                self._end_process()

    def remove(self, act: Callable[[], None]) -> None:
        """``act`` is not needed any more."""
        self._acts.remove(act)

    def when_known(self, end_process: Callable[[], None]) -> None:
        """Call ``end_process``: now, or as soon as every program that is being started has its act."""
        self._end_process = end_process
        if not self._starting:
            end_process()

    def do(self) -> None:
        """Do them all."""
        for act in list(self._acts):
            act()


last_acts = LastActs()
