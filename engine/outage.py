"""An endpoint that is out of reach, told once when it goes and once when it is back."""

import time

from .events import EventSink, NetworkLost, NetworkRestored


class Outage:
    """In the caller's thread.

    Args:
        sink: Told of NetworkLost and NetworkRestored.
    """

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._since: float | None = None

    def lost(self, id: str, reason: str) -> None:
        """A call for the upload or job with this id reached nobody."""
        if self._since is None:
            self._since = time.monotonic()
            self._sink(NetworkLost(upload=id, reason=reason))

    def reached(self, id: str) -> None:
        """A call for it was answered."""
        if self._since is not None:
            seconds, self._since = time.monotonic() - self._since, None
            self._sink(NetworkRestored(upload=id, seconds=seconds))
