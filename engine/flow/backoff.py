"""Reduce the number of parts in flight when the service asks for fewer requests.  Pure: the clock is a parameter.

503 SlowDown: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""

from collections.abc import Callable

_PAUSE = 1.0  # seconds within which several SlowDown responses count as one


class AimdLimit:
    """Additive increase, multiplicative decrease: SlowDown halves the limit, a round of accepted parts adds one.

    limit: the maximum number of concurrent tasks, from 1 to ``max_limit``.
    """

    def __init__(self, max_limit: int, clock: Callable[[], float]) -> None:
        self.limit = max_limit
        self._max_limit = max_limit
        self._clock = clock
        self._slowed_at = clock() - _PAUSE
        self._good = 0

    def slow_down(self, running: int) -> None:
        """Halve the limit: the service asked for fewer requests while ``running`` were in flight.

        Further calls within a second are ignored: those requests were sent before the first response arrived.
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
