"""While the endpoint is unreachable, one call at a time probes it, and all others wait for the result."""

import threading
from collections.abc import Callable

from ..clock import SYSTEM_CLOCK
from ..errors import Transient

_SOON = 1e-6  # seconds; a finished wait may be short by a rounding error
_POLL = 0.2  # seconds between the checks of a waiting call


class Nudge:
    """Requests an immediate probe of an unreachable endpoint.

    A plain counter without a lock, so that a signal handler may call it.
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


class CircuitBreaker:
    """Shared by all calls of one run; any thread may use it.

    accepted: the number of calls that succeeded.
    contacted: True once anything at the endpoint's address has responded in this run.
    served: True once the service itself has responded, with a success or an error in S3's own format.
    probes: consecutive failed attempts to reach the endpoint; concurrent calls that found it unreachable count once.
    """

    def __init__(self, clock: Callable[[], float] = SYSTEM_CLOCK.monotonic, *, nudge: Nudge | None = None) -> None:
        self.accepted = 0
        self.contacted = False
        self.served = False
        self.probes = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._unreachable_since: float | None = None
        self._is_probing = False
        self._not_before = 0.0
        self._tripped_by: Transient | None = None
        self._nudge = nudge or Nudge()
        self._nudges = 0  # already handled

    def acquire(self, sleep: Callable[[float], None]) -> bool:
        """Wait until the call may be made.  Returns True when it is the probe.

        Raises:
            Transient: the breaker was tripped, because another call used up the time for retries.
        """
        while True:
            with self._lock:
                if self._tripped_by is not None:
                    raise self._tripped_by
                if self._unreachable_since is None:
                    return False
                wait = self._left()
                if not self._is_probing and wait <= _SOON:
                    self._is_probing = True
                    return True
            sleep(min(max(wait, 0.01), _POLL))

    def _left(self) -> float:
        """Seconds until the next probe.  The caller holds the lock."""
        if self._nudges != self._nudge.count:
            self._nudges, self._not_before = self._nudge.count, 0.0
        return self._not_before - self._clock()

    def release(self, is_probe: bool) -> None:
        """Record that the call ended without information about the endpoint, for instance by a cancel."""
        if is_probe:
            with self._lock:
                self._is_probing = False

    def record_response(self, *, served: bool = False) -> None:
        """Record a response: every call may proceed.  served: True when it came from the service itself."""
        with self._lock:
            self.contacted = True
            self.served = self.served or served
            self._unreachable_since = None
            self._is_probing = False

    def record_success(self) -> None:
        """Record that a call succeeded."""
        self.record_response(served=True)
        with self._lock:
            self.accepted += 1

    def record_failure(self, is_probe: bool, since: float) -> None:
        """Record that a call did not reach the endpoint.  since: when it started, on the breaker's clock."""
        with self._lock:
            if self._unreachable_since is None:
                self._unreachable_since, self.probes = since, 1
                self._nudges = self._nudge.count
            elif is_probe:
                self.probes += 1
            if is_probe:
                self._is_probing = False

    def open_for(self, seconds: float) -> None:
        """Delay the next probe by this many seconds.  An earlier wait that ends sooner stays in effect."""
        with self._lock:
            now = self._clock()
            until = now + seconds
            self._not_before = min(until, self._not_before) if self._not_before > now else until

    def unreachable_for(self) -> float:
        """Seconds since the endpoint became unreachable; 0 when it is reachable."""
        with self._lock:
            return 0.0 if self._unreachable_since is None else self._clock() - self._unreachable_since

    def trip(self, error: Transient) -> None:
        """Make every call of this run fail with this error: the endpoint was unreachable for too long."""
        with self._lock:
            self._tripped_by = error
