"""The events of an outage: once when the endpoint becomes unreachable, after each probe, and once when it is back."""

from collections.abc import Callable

from ..clock import SYSTEM_CLOCK
from ..events import EventSink
from ..events.upload import NetworkLost, NetworkProbed, NetworkRestored
from .policy import Retry


class Outage:
    """Turns retries into events.  Used in the caller's thread.

    Args:
        sink: Receives NetworkLost, NetworkProbed and NetworkRestored.
    """

    def __init__(self, sink: EventSink, clock: Callable[[], float] = SYSTEM_CLOCK.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._since: float | None = None

    def lost(self, id: str, retry: Retry) -> None:
        """A call for the upload or job with this id did not reach the endpoint."""
        wait = round(retry.wait, 3)
        if self._since is None:
            self._since = self._clock()
            self._sink(NetworkLost(upload=id, reason=retry.reason, wait=wait))
        elif retry.is_probe:
            # Calls that were under way when the outage began fail later: they are no news.
            self._sink(NetworkProbed(upload=id, seconds=round(self._clock() - self._since, 3), wait=wait))

    def reached(self, id: str) -> None:
        """A call for this upload or job got a response."""
        if self._since is not None:
            seconds, self._since = self._clock() - self._since, None
            self._sink(NetworkRestored(upload=id, seconds=seconds))
