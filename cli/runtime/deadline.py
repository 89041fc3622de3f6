"""``--max-duration``: a command stops cleanly when its time is up, and can be resumed."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from partway.engine.workers.channel import CancelToken


class Deadline:
    """The deadline of a command.  seconds: from now; None means no deadline."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """True once the deadline has passed."""
        return self._end is not None and time.monotonic() >= self._end

    @contextmanager
    def cancels(self, cancel: CancelToken) -> Iterator[None]:
        """Set the token when the deadline passes during the block.  Use only in the main thread."""
        if self._end is None:
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            cancel.set()

        before = signal.signal(signal.SIGALRM, stop)
        # 0 would disable the timer.
        signal.setitimer(signal.ITIMER_REAL, max(0.001, self._end - time.monotonic()))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
