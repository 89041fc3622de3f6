"""Actions at the end of the process: programs that it started must not outlive it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# What a user or the system ends this process with.
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class LastActs:
    """The actions that terminate such programs.  Safe to use from signal handlers and any thread."""

    def __init__(self) -> None:
        self._acts: list[Callable[[], None]] = []
        self._starting: list[object] = []  # lists, because appending is atomic
        self._end_process: Callable[[], None] | None = None

    @contextmanager
    def adding(self, act: Callable[[], None]) -> Iterator[None]:
        """Start the program that ``act`` terminates; an exit during the block waits until ``act`` is registered, and so
        do signals that end the process: an exception of their handlers would leave a program that nobody knows."""
        self._starting.append(act)
        try:
            with _deferred_signals():
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


@contextmanager
def _deferred_signals() -> Iterator[None]:
    """Handle signals that end the process after the block.  Only the main thread handles signals; in others this does
    nothing."""
    noted: list[int] = []
    before: dict[int, Any] = {}

    def note(number: int, frame: object) -> None:
        noted.append(number)

    try:
        try:
            for number in _ENDING:
                handler = signal.getsignal(number)
                # An ignored signal stays ignored; a handler that is not Python's could not be restored.
                if handler not in (signal.SIG_IGN, None):
                    before[number] = handler
                    signal.signal(number, note)
        except ValueError:  # not the main thread
            before.clear()
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in noted:
            signal.raise_signal(number)


last_acts = LastActs()
