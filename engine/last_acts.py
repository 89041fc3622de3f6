"""Actions at the end of the process: programs that it started must not outlive it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class LastActs:
    """The actions that terminate such programs.  Safe to use from signal handlers and any thread."""

    def __init__(self) -> None:
        self._acts: list[Callable[[], None]] = []
        self._starting: list[object] = []  # lists, because appending is atomic
        self._end_process: Callable[[], None] | None = None

    @contextmanager
    def adding(self, act: Callable[[], None]) -> Iterator[None]:
        """Start the program that ``act`` terminates; an exit during the block waits until ``act`` is registered."""
        self._starting.append(act)
        try:
            yield
            self._acts.append(act)
        finally:
            self._starting.remove(act)
            if self._end_process is not None and not self._starting:
                self._end_process()

    def remove(self, act: Callable[[], None]) -> None:
        """Unregister ``act``."""
        self._acts.remove(act)

    def when_known(self, end_process: Callable[[], None]) -> None:
        """Call ``end_process`` now, or once every program that is being started has its action."""
        self._end_process = end_process
        if not self._starting:
            end_process()

    def do(self) -> None:
        """Run all actions."""
        for act in list(self._acts):
            act()


last_acts = LastActs()
