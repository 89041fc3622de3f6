"""How many parts should be in flight: as many as make the upload faster, and no more.  Pure: the clock is given.

Parts in flight are what a kill costs, so of two numbers that are equally fast the smaller is better.  A number is
tried until its rate is known, and kept or taken back:

- At the start the number goes to four at once where that is half a second's work; and to four times as many where all
  parts are sent and only their answers are waited for, which leaves the link idle.  Then it doubles for as long as
  that brings a fifth more bytes a second.
- Then, every few seconds, a quarter more parts are tried, and kept when they bring at least 3 % more.
- Where a part takes longer than ten seconds, half as many are tried instead.  They stay when the link is as full as
  before; otherwise each connection brings its own share, and the number doubles again.
"""

from collections.abc import Callable

from ..limits import MIB

PartKey = tuple[object, int | str]  # whose part, and its number or name

_FIRST = 2  # parts in flight at the start
_SLOW_PART = 10.0  # seconds that a part takes where the link is slow
_DOUBLE_GAIN, _GAIN = 1.2, 1.03  # twice as many, or a quarter more, stay when they are this much faster
_LOSS = 0.75  # half as many stay when they keep this much: a full link loses nothing, capped connections a half
_TRUSTED_LIMIT = 4  # parts in flight that a fast link gets before their rate is known
_AFFORDABLE_LOSS = 0.5  # seconds of work that a kill may cost without a thought
_IDLE = 0.04  # seconds in which nothing is sent and nothing arrives: everybody waits
_NEW_LINK_FACTOR = 1.5  # a link that is so much faster than before is another one: start over
_PAUSE, _PAUSE_FACTOR = 4.0, 10.0  # after a step back: seconds, and times the length of the trial, without another one

# A rate is known after so many parts for each place, and seconds; the start decides on rough evidence.
_START_ROUNDS, _ROUNDS = 1, 3
_START_WINDOW, _WINDOW = 0.1, 1.0
# Or, where parts take long, after so many bytes for each place.  Not counted is what fills the sockets of new parts.
_START_SAMPLE, _SAMPLE = 4 * MIB, 32 * MIB
_SETTLE, _LONG_WINDOW = 0.1, 2.0


class AdaptiveLimit:
    """How many parts may be in flight.  limit: from 1 to ``max_limit``.

    Args:
        part_size: Bytes of a usual part.
        max_limit: The largest number.
        clock: Seconds, monotonic.
    """

    def __init__(self, *, part_size: int, max_limit: int, clock: Callable[[], float]) -> None:
        self.limit = min(_FIRST, max_limit)
        self._part_size = part_size
        self._max_limit = max_limit
        self._clock = clock
        # The best number so far, and its bytes per second.
        self._base, self._rate = self.limit, 0.0
        self._starting = True
        # Before these times neither more nor fewer are tried.
        self._more_at = self._fewer_at = clock()
        self._sent_bytes = self._done_bytes = self._done_parts = 0
        self._in_flight: dict[PartKey, tuple[int, int]] = {}  # bytes sent, and of how many
        self._running = 0
        self._was_full = False
        self._reports_progress = False
        self._progress_at = clock()
        self._start_trial()

    def set_max_limit(self, max_limit: int) -> None:
        """Change the largest number; when there is more room, larger ones are tried again."""
        if max_limit == self._max_limit:
            return
        self._starting = self._starting or max_limit > self._max_limit
        self._max_limit = max_limit
        self.limit, self._base = min(self.limit, max_limit), min(self._base, max_limit)
        self._more_at = self._clock()
        self._start_trial()

    def sent(self, part: PartKey, sent: int, size: int) -> None:
        """Record that ``sent`` of a part's ``size`` bytes were sent; bytes sent again by a retry do not count."""
        self._reports_progress = True
        self._count(part, sent, size)

    def _count(self, part: PartKey, sent: int, size: int) -> None:
        new_bytes = sent - self._in_flight.get(part, (0, 0))[0]
        if new_bytes > 0:
            self._sent_bytes += new_bytes
            self._in_flight[part] = sent, size
            self._progress_at = self._clock()

    def done(self, part: PartKey, size: int) -> None:
        """Record that S3 has the part."""
        self._count(part, size, size)
        self._in_flight.pop(part, None)
        self._done_bytes += size
        self._done_parts += 1

    def remove_upload(self, upload: object) -> None:
        """Drop the parts of an upload that ended."""
        self._in_flight = {part: sent for part, sent in self._in_flight.items() if part[0] != upload}

    def update(self, running: int, *, full: bool) -> None:
        """Choose another number once the rate of this one is known.

        running: how many parts are in flight now; several small files may count as one.
        full: True when every slot is in use and none is over-committed.
        """
        before, self._was_full, self._running = self._was_full, full, running
        if not (before and self._was_full):
            # The sample is void: parts of the previous limit were still running, or no work was left.
            self._start_trial()
        elif self._starting and (more := self._trusted_limit()) > self.limit:
            self._base, self._rate = self.limit, 0.0
            self.limit = more
            self._start_trial()
        elif rate := self._measured_rate():
            self._evaluate(rate)
            self._start_trial()

    def _start_trial(self) -> None:
        self._began = self._clock()
        self._before = self._done_parts, self._done_bytes, self._sent_bytes
        self._in_flight_before = len(self._in_flight)
        self._settled: tuple[float, int] | None = None

    def _trusted_limit(self) -> int:
        """The number that needs no trial: its parts are little for this link, and twice as many are not yet many, or
        the link is idle.  The number that is tried, when there is none."""
        now = self._clock()
        idle = self._all_sent() and now - self._progress_at >= _IDLE
        seconds = (self._progress_at if idle else now) - self._began
        if seconds <= 0 or (not idle and (seconds < _START_WINDOW or self.limit >= _TRUSTED_LIMIT)):
            return self.limit
        # What only fills the sockets of parts that began just now tells nothing.
        new_parts = self.limit - self._in_flight_before if idle else self.limit
        sent = self._sent_bytes - self._before[2] - new_parts * _START_SAMPLE
        for more in (4 * self.limit, 2 * self.limit) if idle else (2 * self.limit,):
            number = min(more, self._max_limit)
            if number * self._part_size * seconds <= _AFFORDABLE_LOSS * sent:
                return number
        return self.limit

    def _all_sent(self) -> bool:
        """True when every part was sent to its end, and no answer came yet."""
        return len(self._in_flight) == self._running and all(sent == of for sent, of in self._in_flight.values())

    def _measured_rate(self) -> float | None:
        """Bytes per second of the number that is tried; None when it is too early to say."""
        now = self._clock()
        parts, done, sent = (
            count - before
            for count, before in zip((self._done_parts, self._done_bytes, self._sent_bytes), self._before, strict=True)
        )
        rounds, window = (_START_ROUNDS, _START_WINDOW) if self._starting else (_ROUNDS, _WINDOW)
        if parts >= rounds * self._running and now - self._began >= window:
            # Parts that had begun before count too much when done, those that began just now when sent.
            return min(done, sent) / (now - self._began)
        if not self._reports_progress:
            # Workers in other processes report only finished parts.
            return None
        if self._settled is None:
            if now - self._began >= _SETTLE:
                self._settled = now, self._sent_bytes
            return None
        seconds, size = now - self._settled[0], self._sent_bytes - self._settled[1]
        sample = self.limit * (_START_SAMPLE if self._starting else _SAMPLE)
        return size / seconds if size >= sample and seconds >= _LONG_WINDOW else None

    def _evaluate(self, rate: float) -> None:
        """Keep the number that was tried, or go back to the one before; then choose what to try next."""
        now = self._clock()
        pause = now + max(_PAUSE, _PAUSE_FACTOR * (now - self._began))
        gain = _DOUBLE_GAIN if self.limit >= 2 * self._base else _GAIN
        if self.limit > self._base and rate < gain * self._rate:
            # What was too many when doubled may be good by a smaller step.
            self._more_at, self._starting = now if self._starting else pause, False
            self.limit = self._base
        elif self.limit < self._base and rate < _LOSS * self._rate:
            # Each connection brings its own share: climb.
            self._fewer_at, self._more_at, self._starting = pause, now, True
            self.limit = self._base
        else:
            if self.limit < self._base:
                self._more_at, self._starting = pause, False
            elif rate > _NEW_LINK_FACTOR * self._rate:
                self._more_at, self._starting = now, True
            self._base, self._rate = self.limit, rate
            self.limit = self._next(now)

    def _next(self, now: float) -> int:
        """The number to try now; the best so far when it is too early to try another."""
        if self._mean_part_size() * self._base > _SLOW_PART * self._rate and self._base > 1 and now >= self._fewer_at:
            self._starting = True
            return self._base // 2
        if now < self._more_at:
            return self._base
        self._starting &= self._base < self._max_limit
        return min(self._max_limit, self._base * 2 if self._starting else self._base + max(1, self._base // 4))

    def _mean_part_size(self) -> float:
        """The average size of the parts that finished lately."""
        parts = self._done_parts - self._before[0]
        return (self._done_bytes - self._before[1]) / parts if parts else self._part_size
