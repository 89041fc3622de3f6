"""Detect a part that stalls.  Pure: the clock is a parameter."""

from collections.abc import Callable

from ..errors import Transient
from ..limits import KIB

# rclone#9841: a part that trickled was never idle, so no timeout applied, and it took 16 hours.
WINDOW = 30.0
MIN_RATE = 1 * KIB


class StallGuard:
    """Raises an error when too few bytes are sent within a time window.

    Args:
        clock: Seconds, monotonic.
        window: Seconds over which the rate is measured.
        min_rate: Bytes per second; below it, the attempt fails and the part is retried.
    """

    def __init__(self, clock: Callable[[], float], *, window: float = WINDOW, min_rate: float = MIN_RATE) -> None:
        self._clock = clock
        self._window = window
        self._min_rate = min_rate
        self._since = clock()
        self._from = 0

    def pause(self, seconds: float) -> None:
        """Do not count so many seconds, which were waited on purpose."""
        self._since += seconds

    def check(self, sent: int) -> None:
        """Record that ``sent`` bytes of the part were sent; 0 restarts the measurement.

        Raises:
            Transient: the rate in the last window was below the minimum.
        """
        now = self._clock()
        moved = sent - self._from
        if sent == 0 or moved < 0:
            self._since, self._from = now, sent
        elif now - self._since >= self._window:
            if moved < self._window * self._min_rate:
                raise Transient(
                    f"stalled: {moved:,} bytes in {now - self._since:.0f} s", operation="UploadPart", code="Stalled"
                )
            self._since, self._from = now, sent
