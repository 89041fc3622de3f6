"""Events of an outage: when the endpoint becomes unreachable, after each probe, and when it is reachable again."""

from collections.abc import Callable

from ..clock import SYSTEM_CLOCK
from ..events import EventSink
from ..events.upload import NetworkLost, NetworkProbed, NetworkRestored
from .policy import Retry


class Outage:
    """Emits the events of an outage.  Used in the caller's thread.

    Args:
        sink: Receives NetworkLost, NetworkProbed and NetworkRestored.
    """

    def __init__(self, sink: EventSink, clock: Callable[[], float] = SYSTEM_CLOCK.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._since: float | None = None

    def lost(self, id: str, retry: Retry) -> None:
        """Record that a call for the upload or job with this ID did not reach the endpoint."""
        wait = round(retry.wait, 3)
        if self._since is None:
            self._since = self._clock()
            self._sink(NetworkLost(upload=id, reason=retry.reason, wait=wait))
        elif retry.is_probe:
            # Calls in flight when the outage started fail later, and add no information.
            self._sink(NetworkProbed(upload=id, seconds=round(self._clock() - self._since, 3), wait=wait))

    def reached(self, id: str) -> None:
        """Record that a call for this upload or job got a response."""
        if self._since is not None:
            seconds, self._since = self._clock() - self._since, None
            self._sink(NetworkRestored(upload=id, seconds=seconds))
