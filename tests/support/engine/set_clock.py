"""A clock that a test sets."""

from dataclasses import dataclass

from partway.engine.clock import SystemClock


@dataclass
class SetClock(SystemClock):
    """Its time is what the test says; durations and waits are the machine's.

    now: seconds since the epoch.
    """

    now: float

    def time(self) -> float:
        """The time that was set."""
        return self.now
