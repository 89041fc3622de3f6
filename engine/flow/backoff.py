"""How many parts may be in flight once the service has asked for fewer requests.  Pure: the clock is given.

503 SlowDown: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""

from collections.abc import Callable

_PAUSE = 1.0  # seconds in which several refusals count as one


class AimdLimit:
    """Additive increase, multiplicative decrease: halved by SlowDown, plus one after a round of accepted parts.

    limit: tasks at the same time, from 1 to ``max_limit``.
    """

    def __init__(self, max_limit: int, clock: Callable[[], float]) -> None:
        self.limit = max_limit
        self._max_limit = max_limit
        self._clock = clock
        self._slowed_at = clock() - _PAUSE
        self._good = 0

    def slow_down(self, running: int) -> None:
        """Halve the limit: the service asked for fewer requests while ``running`` were in flight.

        Further refusals within a second are ignored: those calls were sent before the first one came.
        """
        now = self._clock()
        if now - self._slowed_at >= _PAUSE:
            self._slowed_at = now
            self.limit = max(1, min(self.limit, running) // 2)
            self._good = 0

    def speed_up(self) -> None:
        """Record a part that the service accepted."""
        self._good += 1
        if self.limit < self._max_limit and self._good >= self.limit:
            self.limit += 1
            self._good = 0
