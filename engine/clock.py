"""The engine's clock; simulations replace it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Thread-safe."""

    def time(self) -> float:
        """Seconds since the epoch, comparable with other machines; may be set back."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, to measure durations."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()
