"""While the endpoint is out of reach, one call at a time asks whether it is back; the others wait for its answer."""

import threading
import time
from collections.abc import Callable

from ..errors import Transient

_SOON = 1e-6  # a wait that ended may miss its end by a rounding
_LOOK = 0.2  # seconds between two looks of a waiting call


class Nudge:
    """Asks for a probe of an endpoint that is away, without waiting for the next one.

    A plain counter: a signal handler may call it, and no lock may be taken there.
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


class CircuitBreaker:
    """Shared by all calls of one run; any thread may use it.

    accepted: how many calls went well.
    contacted: True once the endpoint answered in this run, with whatever.
    served: True once that was the service, by a call that went well or a refusal in its own words.
    probes: how often it was asked, in a row and in vain, whether it is back; 1 while nobody has but for the calls that
        found it away.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, nudge: Nudge | None = None) -> None:
        self.accepted = 0
        self.contacted = False
        self.served = False
        self.probes = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._probing = False
        self._not_before = 0.0
        self._last_word: Transient | None = None
        self._nudge = nudge or Nudge()
        self._nudges = 0  # that were heeded

    def acquire(self, sleep: Callable[[float], None]) -> bool:
        """Wait until the call may be made; True when it is the one that asks.

        Raises:
            Transient: another call has tried for as long as it may; so this one need not.
        """
        while True:
            with self._lock:
                if self._last_word is not None:
                    raise self._last_word
                if self._away_since is None:
                    return False
                wait = self._left()
                if not self._probing and wait <= _SOON:
                    self._probing = True
                    return True
            sleep(min(max(wait, 0.01), _LOOK))

    def _left(self) -> float:
        """Seconds until the next probe; with the lock."""
        if self._nudges != self._nudge.count:
            self._nudges, self._not_before = self._nudge.count, 0.0
        return self._not_before - self._clock()

    def release(self, is_probe: bool) -> None:
        """The call ended without an answer to the question, for instance by a cancel."""
        if is_probe:
            with self._lock:
                self._probing = False

    def record_response(self, *, served: bool = False) -> None:
        """The endpoint answered: everybody may go on.  served: it was the service, and nothing in its place."""
        with self._lock:
            self.contacted = True
            self.served = self.served or served
            self._away_since = None
            self._probing = False

    def record_success(self) -> None:
        """A call went well."""
        self.record_response(served=True)
        with self._lock:
            self.accepted += 1

    def record_failure(self, is_probe: bool, since: float) -> None:
        """The call reached nobody; ``since`` is when it began."""
        with self._lock:
            if self._away_since is None:
                self._away_since, self.probes = since, 1
                self._nudges = self._nudge.count
            elif is_probe:
                self.probes += 1
            if is_probe:
                self._probing = False

    def open_for(self, seconds: float) -> None:
        """No call probes the endpoint for this many seconds, or for as long as was said before, when that is less."""
        with self._lock:
            now = self._clock()
            until = now + seconds
            self._not_before = min(until, self._not_before) if self._not_before > now else until

    def away_for(self) -> float:
        """Seconds since the last answer; 0 when the endpoint is not away."""
        with self._lock:
            return 0.0 if self._away_since is None else self._clock() - self._away_since

    def trip(self, error: Transient) -> None:
        """The endpoint was away for too long: every call of this run ends with this error."""
        with self._lock:
            self._last_word = error
