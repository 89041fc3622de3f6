"""A token bucket that limits the bytes per second of all workers together.  Pure: the clock is a parameter."""

import threading
from collections.abc import Callable

from ..limits import KIB, MIB

MIN_BANDWIDTH = 4 * KIB  # bytes per second; with less, a part would count as stalled
_PER_CONNECTION = 256 * KIB  # bytes per second that each connection should have; with less, use fewer connections
_BURST = 0.25  # seconds of unused bandwidth that may be made up for after a pause


class TokenBucket:
    """Computes how long to wait so that at most ``rate`` bytes per second are sent.  Any thread may use it.

    Waits are first come, first served, so no connection starves.

    Args:
        rate: Bytes per second; None means unlimited.
        clock: Seconds, monotonic.
        shared: Another bucket that the bytes are taken from, too.
    """

    def __init__(self, rate: int | None, clock: Callable[[], float], *, shared: "TokenBucket | None" = None) -> None:
        self._rate = rate
        self._clock = clock
        self._shared = shared
        self._lock = threading.Lock()
        self._level = 0.0
        self._at = clock()

    @property
    def rate(self) -> int | None:
        """The lower rate of this bucket and the shared one, in bytes per second; None means unlimited."""
        rates = [self._rate, None if self._shared is None else self._shared.rate]
        return min((rate for rate in rates if rate is not None), default=None)

    def set_rate(self, rate: int | None) -> None:
        """Change the rate.  Waits that were already returned are not shortened."""
        with self._lock:
            if rate != self._rate:
                self._rate, self._level, self._at = rate, min(0.0, self._level), self._clock()

    @property
    def block(self) -> int:
        """The maximum bytes of one read: at most a quarter of a second's worth, and at most a second's worth for all
        connections together, so that none appears idle."""
        rate = self.rate
        return MIB if rate is None else max(KIB, min(rate // 4, rate // max_connections(rate)))

    def take(self, size: int) -> float:
        """Take ``size`` bytes; returns the seconds to wait before more is sent."""
        wait = 0.0 if self._shared is None else self._shared.take(size)
        with self._lock:
            if self._rate is None:
                return wait
            now = self._clock()
            self._level = min(self._level + (now - self._at) * self._rate, self._rate * _BURST) - size
            self._at = now
            return max(wait, 0.0, -self._level / self._rate)


def max_connections(rate: int) -> int:
    """The number of connections that this rate can keep busy; at least one."""
    return max(1, rate // _PER_CONNECTION)
