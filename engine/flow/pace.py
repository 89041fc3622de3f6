"""The current pace of a run: its own limit or timetable, or what ``partway pace`` in another process requests."""

from contextlib import suppress

from partway.state.errors import StateError
from partway.state.live import LiveStore, PaceRequest

from ..clock import SYSTEM_CLOCK, Clock
from .bandwidth import TokenBucket, max_connections
from .concurrency import Concurrency
from .timetable import Timetable, parse_bandwidth

_INTERVAL = 1.0  # seconds between two checks

Limit = int | Timetable | None


class PaceKeeper:
    """Sets the bandwidth and the number of parts in flight, about once a second.  Used in the caller's thread.

    bucket: the token bucket of this run's workers.

    Args:
        limit: The run's own, in bytes per second; None means unlimited.
        shared: The bucket that several runs share and ``limit`` is for; None when it is for this run alone.
    """

    def __init__(
        self, limit: Limit, concurrency: Concurrency, *, shared: TokenBucket | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._limit = limit
        self._shared = shared
        self._concurrency = concurrency
        self._clock = clock
        self._live: tuple[LiveStore, str] | None = None
        self._request = PaceRequest()
        self._next = 0.0
        self.bucket = TokenBucket(None, clock.monotonic, shared=shared)
        self._apply()

    def follow(self, live: LiveStore, id: str) -> None:
        """Follow requests for the upload or job with this ID.

        A request for an earlier run is dropped.  An empty one says that this run follows requests.
        """
        if self._live != (live, id):
            self._live = live, id
            with suppress(StateError):
                live.request_pace(id, PaceRequest())

    def poll(self) -> None:
        """Call it often; it checks for requests about once a second."""
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + _INTERVAL
        if self._live is not None:
            live, id = self._live
            # An unreadable request leaves the pace unchanged.
            with suppress(StateError):
                self._request = live.requested_pace(id) or PaceRequest()
        self._apply()

    def _apply(self) -> None:
        own = self._limit_at(self._limit)
        if self._shared is not None:
            self._shared.set_rate(own)
            own = None
        if self._request.bandwidth is not None:
            with suppress(ValueError):
                own = self._limit_at(parse_bandwidth(self._request.bandwidth))
        self.bucket.set_rate(own)
        rate = self.bucket.rate
        self._concurrency.set_pace(self._request.concurrency, None if rate is None else max_connections(rate))

    def _limit_at(self, limit: Limit) -> int | None:
        return limit.rate_at(self._clock.time()) if isinstance(limit, Timetable) else limit
