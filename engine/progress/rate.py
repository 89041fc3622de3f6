"""Bytes per second over the last ten seconds.  Pure: the clock is a parameter."""

from collections import deque

_WINDOW = 10.0  # seconds
_MIN_SPAN = 0.5  # minimum seconds between the first and the last sample
_STEP = 0.1  # minimum seconds between two samples that are kept, however frequent the events


class Rate:
    """The rate of a running total.  ``value`` may be called from another thread."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, total: int, now: float) -> None:
        """Record that ``total`` bytes were sent so far.  now: seconds on any monotonic clock."""
        samples = self._samples
        if len(samples) >= 2 and now - samples[-2][0] < _STEP:
            samples[-1] = now, total
            return
        samples.append((now, total))
        while now - samples[0][0] > _WINDOW:
            samples.popleft()

    def reset(self) -> None:
        """Drop the samples, because later ones are not comparable with them."""
        self._samples = deque()

    def value(self) -> float | None:
        """Bytes per second; None while there are too few samples."""
        samples = self._samples
        if len(samples) < 2:
            return None
        (start, first), (end, last) = samples[0], samples[-1]
        return max(0.0, (last - first) / (end - start)) if end - start >= _MIN_SPAN else None


class FixedRate(Rate):
    """A rate that another process measured; None when unknown."""

    def __init__(self, value: float | None) -> None:
        super().__init__()
        self._value = value

    def value(self) -> float | None:
        """Bytes per second."""
        return self._value
