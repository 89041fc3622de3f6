"""Notice that a part is not getting anywhere.  Pure: the clock is given."""

from collections.abc import Callable

from ..errors import Transient
from ..limits import KIB

# rclone#9841: a part that trickles is never idle, and took 16 hours.
WINDOW = 30.0
LEAST_RATE = 1 * KIB


class StallGuard:
    """Raises when too few bytes were sent for a while.

    Args:
        clock: Seconds, monotonic.
        window: Seconds over which the rate is measured.
        least_rate: Bytes a second; below it the part is given up and tried again.
    """

    def __init__(self, clock: Callable[[], float], *, window: float = WINDOW, least_rate: float = LEAST_RATE) -> None:
        self._clock = clock
        self._window = window
        self._least_rate = least_rate
        self._since = clock()
        self._from = 0

    def check(self, sent: int) -> None:
        """Note that ``sent`` bytes are on their way, counted from the part's start; 0 starts the watch anew.

        Raises:
            Transient: the last window moved less than the least rate allows.
        """
        now = self._clock()
        moved = sent - self._from
        if sent == 0 or moved < 0:
            self._since, self._from = now, sent
        elif now - self._since >= self._window:
            if moved < self._window * self._least_rate:
                raise Transient(
                    f"stalled: {moved:,} bytes in {now - self._since:.0f} s", operation="UploadPart", code="Stalled"
                )
            self._since, self._from = now, sent
