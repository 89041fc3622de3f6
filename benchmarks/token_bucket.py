"""A rate with a burst.  The clock is the caller's."""


class TokenBucket:
    """Holds at most ``burst`` bytes' worth and fills at ``rate`` bytes a second; begins full."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at: float | None = None

    def take(self, size: int, now: float) -> bool:
        """Take ``size`` bytes if any are left: the level may go below zero once, so that no size is too large."""
        self._fill(now)
        if self._level <= 0:
            return False
        self._level -= size
        return True

    def wait_for(self, size: int, now: float) -> float:
        """Take ``size`` bytes, and say how many seconds to wait first."""
        self._fill(now)
        self._level -= size
        return max(0.0, -self._level / self._rate)

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
