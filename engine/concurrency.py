"""How many parts are sent at the same time: a fixed number or an adaptive one, and fewer when the service asks.

Lives in the caller's thread, which tells it what it hears of the workers.
"""

import time
from collections.abc import Callable

from .adaptive import AdaptiveLimit
from .throttle import Throttle

MOST = 32  # parts in flight where the number is adaptive
LOCAL = 4  # tasks at the same time that send nothing, where nobody named a number


class Concurrency:
    """One for each run.

    most: the largest that ``limit`` may become.

    Args:
        number: Fixes it; None means adaptive.
        part_size: Bytes of a part.
        at_most: Bounds the one and the other.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        number: int | None,
        *,
        part_size: int = 1,
        at_most: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = min(number or MOST, at_most or number or MOST)
        self.local = min(number or LOCAL, self.most)
        self._adaptive = None if number else AdaptiveLimit(part_size=part_size, most=self.most, clock=clock)
        self._throttle = Throttle(self.most, clock)
        self._running = 0

    @property
    def limit(self) -> int:
        """How many parts may be in flight now."""
        wanted = self._adaptive.limit if self._adaptive else self.most
        return min(wanted, self._throttle.limit)

    def look(self, running: int) -> None:
        """Decide anew, now that ``running`` parts are in flight."""
        self._running = running
        if self._adaptive:
            self._adaptive.look(running)

    def sent(self, number: int, sent: int) -> None:
        """Note that ``sent`` bytes of part ``number`` are on their way."""
        if self._adaptive:
            self._adaptive.sent(number, sent)

    def done(self, number: int, size: int) -> None:
        """Note that S3 has the part."""
        self._throttle.speed_up()
        if self._adaptive:
            self._adaptive.done(number, size)

    def slow_down(self) -> None:
        """The service asked for fewer requests: halve what runs at the same time; what runs now is not stopped."""
        self._throttle.slow_down(min(self._running, self.limit))

    def timed_out(self) -> None:
        """A part got no answer in time, or stalled; a number that the user fixed stays."""
        if self._adaptive:
            self.slow_down()
