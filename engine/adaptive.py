"""How many parts should be in flight: as many as make the upload faster, and no more.  Pure: the clock is given.

Parts in flight are what a kill costs, so of two numbers that are equally fast the smaller is better.  The controller
tries a number for a while, compares what arrived with what arrived at the number before, and keeps its step or takes
it back.  On a slow link it tries fewer first, so that a part takes seconds and not minutes.
"""

from collections.abc import Callable

from .limits import MIB

_FIRST = 2  # parts in flight at the start
_SETTLE = 0.1  # seconds after a change that do not count: new parts fill their sockets, which says nothing of the link
_LONG = 10.0  # seconds that a part takes when the link is slow
_FADE = 30.0  # seconds after which the best rate is forgotten

# At the start the number doubles, on rough evidence; afterwards it goes by small steps, on good evidence.
_START_WINDOW, _WINDOW = 0.2, 0.5  # seconds that a number is tried at least
_LONG_WINDOW = 1.0  # seconds after which bytes of parts that did not end count as well
_START_PLENTY, _PLENTY = 4 * MIB, 32 * MIB  # bytes for each part in flight, by which a rate is known before parts end
_START_GAIN, _GAIN = 1.25, 1.05  # more parts stay when they are this much faster
_CHANGE = 1.5  # a link that is so much faster than before is another one
_LOSS = 0.97  # fewer stay when they keep this much of the best rate
_HOLD, _HOLDS = 4.0, 10.0  # after a step back: seconds, and times the window's length, without another try


class AdaptiveLimit:
    """How many parts may be in flight.  limit: from 1 to ``most``.

    Args:
        part_size: Bytes of a part.
        most: Parts in flight at the most.
        clock: Seconds, monotonic.
    """

    def __init__(self, *, part_size: int, most: int, clock: Callable[[], float]) -> None:
        self.limit = min(_FIRST, most)
        self._part_size = part_size
        self._most = most
        self._clock = clock
        # The number that is held to be good, and the bytes a second that it brings.
        self._base = self.limit
        self._rate = 0.0
        self._best, self._best_at = 0.0, clock()
        self._starting = True
        # Before these times neither more nor fewer are tried.
        self._more_at = self._fewer_at = clock()
        self._as_tried = False
        self._settled_at = clock() + _SETTLE
        self._arrived = 0
        self._ended = 0
        self._on_the_way: dict[int, int] = {}
        self._begin_window()

    def sent(self, number: int, sent: int) -> None:
        """Note that ``sent`` bytes of part ``number`` went to the network."""
        self._count(number, sent)

    def done(self, number: int, size: int) -> None:
        """Note that the part arrived."""
        self._count(number, size)
        self._on_the_way.pop(number, None)
        self._ended += 1

    def _count(self, number: int, arrived: int) -> None:
        news = arrived - self._on_the_way.get(number, 0)
        if news > 0:
            self._arrived += news
            self._on_the_way[number] = arrived

    def look(self, running: int) -> None:
        """Decide, when there is something to decide by.  ``running``: how many parts are in flight now."""
        as_tried, self._as_tried = self._as_tried, running == self.limit
        if not (as_tried and self._as_tried):
            # What goes on now is not what is being tried: parts of a larger number still run, or there are no more.
            self._begin_window()
            self._settled_at = self._clock() + _SETTLE
            return
        may_begin = self._starting or self._ended > self._window_ended
        if self._settled_at and self._clock() >= self._settled_at and may_begin:
            self._settled_at = 0.0
            self._begin_window()
        seconds = self._clock() - self._window_began
        arrived = self._arrived - self._window_arrived
        rounds = (self._ended - self._window_ended) / self.limit
        least, plenty, full = (_START_WINDOW, _START_PLENTY, 1) if self._starting else (_WINDOW, _PLENTY, 2)
        enough = seconds >= _LONG_WINDOW and arrived >= self.limit * plenty
        if not self._settled_at and seconds >= least and (enough or rounds >= full):
            self._judge(arrived / seconds, seconds)
            self._begin_window()

    def _begin_window(self) -> None:
        self._window_began = self._clock()
        self._window_arrived = self._arrived
        self._window_ended = self._ended

    def _judge(self, rate: float, seconds: float) -> None:
        """Keep the number that was tried, or take it back; and choose what to try next."""
        now = self._clock()
        if now - self._best_at > _FADE:
            self._best = 0.0
        rest = now + max(_HOLD, _HOLDS * seconds)
        if self._is_good(rate):
            if self.limit == self._base and rate > _CHANGE * self._rate > 0:
                # The link is another one now.
                self._starting, self._more_at, self._fewer_at = True, now, now
            if self.limit < self._base:
                # What was enough with fewer will not soon want more.
                self._more_at = rest
            self._base, self._rate = self.limit, rate
        else:
            if self.limit < self._base:
                self._fewer_at = rest
            elif self._starting:
                # What was too much when doubled may be good by a smaller step.
                self._fewer_at = rest
            else:
                self._more_at = rest
            self._starting = False
        self.limit = self._next(now)
        if rate >= self._best:
            self._best, self._best_at = rate, now

    def _is_good(self, rate: float) -> bool:
        if self.limit > self._base:
            return rate >= (_START_GAIN if self._starting else _GAIN) * self._rate
        return self.limit == self._base or rate >= _LOSS * max(self._best, self._rate)

    def _next(self, now: float) -> int:
        """The number to try now; the one that is held to be good, when it is too early to try another."""
        is_slow = self._part_size * self._base > _LONG * self._rate
        if is_slow or self._base == self._most:
            self._starting = False
        # Fewer are tried where parts take long, and otherwise now and then.
        may_be_fewer = self._base > 1 and now >= self._fewer_at and not self._starting
        if may_be_fewer and (is_slow or now >= self._more_at + _HOLD):
            return max(1, self._base // 2) if is_slow else self._base - max(1, self._base // 6)
        if self._base < self._most and now >= self._more_at:
            return min(self._most, self._base * 2 if self._starting else self._base + max(1, self._base // 6))
        return self._base
