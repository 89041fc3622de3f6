"""Time that a test sets."""


class Clock:
    """Seconds; ``now`` is set by the test."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
