"""How fast bytes go, lately.  Pure: the clock is given."""

from collections import deque

_WINDOW = 10.0  # seconds over which the rate is taken


class Rate:
    """Takes a running total now and then, and gives bytes a second; that may be asked for by another thread."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def see(self, total: int, now: float) -> None:
        """``total`` bytes so far; ``now`` is in seconds, from any start."""
        self._samples.append((now, total))
        while now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()

    def forget(self) -> None:
        """Begin anew: what comes next has nothing to do with what was."""
        self._samples = deque()

    def value(self) -> float | None:
        """Bytes a second; None while there is nothing to tell."""
        samples = self._samples
        if len(samples) < 2:
            return None
        (start, first), (end, last) = samples[0], samples[-1]
        return max(0.0, (last - first) / (end - start)) if end - start >= 0.5 else None
