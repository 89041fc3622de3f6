"""A token bucket that limits the bytes per second of all workers together.  Pure: the clock is given."""

import threading
from collections.abc import Callable

from ..limits import KIB

MIN_BANDWIDTH = 4 * KIB  # bytes a second; below it a part looks stalled
_PER_CONNECTION = 256 * KIB  # bytes a second that each connection should have; below it, fewer connections are better
_BURST = 0.25  # seconds whose bytes may be made up for after a pause


class TokenBucket:
    """Says how long to wait so that no more than ``rate`` bytes per second are sent.  Any thread may use it.

    Waits are first come, first served, so no connection starves.

    Args:
        rate: Bytes per second.
        clock: Seconds, monotonic.
    """

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._level = 0.0
        self._at = clock()

    @property
    def block(self) -> int:
        """Bytes that may be read at once: a quarter of a second's worth, and a second's worth for all connections
        together, so that none looks idle."""
        return max(KIB, min(self._rate // 4, self._rate // max_connections(self._rate)))

    def take(self, size: int) -> float:
        """Take ``size`` bytes; returns the seconds to wait before more is sent."""
        with self._lock:
            now = self._clock()
            self._level = min(self._level + (now - self._at) * self._rate, self._rate * _BURST) - size
            self._at = now
            return max(0.0, -self._level / self._rate)


def max_connections(rate: int) -> int:
    """How many connections such a rate keeps moving; at least one."""
    return max(1, rate // _PER_CONNECTION)
