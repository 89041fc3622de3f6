"""Choose the number of parts in flight: the smallest that reaches the highest rate.  Pure: the clock is a parameter.

A kill loses the parts in flight, so of two limits with the same rate the smaller one is better.  The controller tries a
limit until its rate is measured, then keeps it or reverts to the previous one:

- At the start, the limit is raised to four at once if four parts are at most half a second of work.  It is quadrupled
  while all parts are sent and only the responses are outstanding, since the link is then idle.  Otherwise it doubles as
  long as the rate grows by a fifth.
- After that, every few seconds, a quarter more parts are tried, and kept if the rate grows by 3 % or more.
- If a part takes longer than ten seconds, half as many parts are tried instead.  They are kept if the link stays as
  full; otherwise the rate is limited per connection, and the limit doubles again.
"""

from collections.abc import Callable

from ..limits import MIB

PartKey = tuple[object, int | str]  # the upload or file, and the number of the part

_FIRST = 2  # initial limit
_SLOW_PART = 10.0  # seconds; a part that takes longer is on a slow link
_DOUBLE_GAIN, _GAIN = 1.2, 1.03  # required growth of the rate for twice as many parts, and for a quarter more
_LOSS = 0.75  # half as many are kept above this share of the rate: capped connections would lose half of it
_TRUSTED_LIMIT = 4  # limit that a fast link gets before its rate is measured
_AFFORDABLE_LOSS = 0.5  # seconds of work that a kill may always cost
_IDLE = 0.04  # seconds without progress after which the link counts as idle
_NEW_LINK_FACTOR = 1.5  # growth of the rate that indicates another link: start over
_PAUSE, _PAUSE_FACTOR = 4.0, 10.0  # pause after a revert: seconds, and multiple of the trial's duration

# A rate is measured after this many parts per slot, and seconds.  The start needs less evidence.
_START_ROUNDS, _ROUNDS = 1, 3
_START_WINDOW, _WINDOW = 0.1, 1.0
# Or, if parts take long, after this many bytes per slot, without those that only fill the socket buffers of new parts.
_START_SAMPLE, _SAMPLE = 4 * MIB, 32 * MIB
_SETTLE, _LONG_WINDOW = 0.1, 2.0


class AdaptiveLimit:
    """Adapts the limit for parts in flight.  limit: from 1 to ``max_limit``.

    Args:
        part_size: Bytes of a typical part.
        max_limit: The maximum limit.
        clock: Seconds, monotonic.
    """

    def __init__(self, *, part_size: int, max_limit: int, clock: Callable[[], float]) -> None:
        self.limit = min(_FIRST, max_limit)
        self._part_size = part_size
        self._max_limit = max_limit
        self._clock = clock
        # The best limit so far, and its rate in bytes per second.
        self._base, self._rate = self.limit, 0.0
        self._starting = True
        # No trial of a higher or a lower limit before these times.
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
        """Record that S3 accepted the part."""
        self._count(part, size, size)
        self._in_flight.pop(part, None)
        self._done_bytes += size
        self._done_parts += 1

    def remove_upload(self, upload: object) -> None:
        """Forget the parts of an upload that has ended."""
        self._in_flight = {part: sent for part, sent in self._in_flight.items() if part[0] != upload}

    def update(self, running: int, *, full: bool) -> None:
        """Choose the next limit once the rate of this one is measured.

        running: the number of parts in flight; several small files may count as one.
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
        """A limit that needs no trial, because the link is fast for parts of this size, or idle.  The current limit if
        there is none."""
        now = self._clock()
        idle = self._all_sent() and now - self._progress_at >= _IDLE
        seconds = (self._progress_at if idle else now) - self._began
        if seconds <= 0 or (not idle and (seconds < _START_WINDOW or self.limit >= _TRUSTED_LIMIT)):
            return self.limit
        # Bytes that only fill the socket buffers of new parts say nothing about the link.
        new_parts = self.limit - self._in_flight_before if idle else self.limit
        sent = self._sent_bytes - self._before[2] - new_parts * _START_SAMPLE
        for more in (4 * self.limit, 2 * self.limit) if idle else (2 * self.limit,):
            number = min(more, self._max_limit)
            if number * self._part_size * seconds <= _AFFORDABLE_LOSS * sent:
                return number
        return self.limit

    def _all_sent(self) -> bool:
        """True when every part in flight was sent completely and no response has arrived."""
        return len(self._in_flight) == self._running and all(sent == of for sent, of in self._in_flight.values())

    def _measured_rate(self) -> float | None:
        """The rate at the current limit in bytes per second; None when it is too early to say."""
        now = self._clock()
        parts, done, sent = (
            count - before
            for count, before in zip((self._done_parts, self._done_bytes, self._sent_bytes), self._before, strict=True)
        )
        rounds, window = (_START_ROUNDS, _START_WINDOW) if self._starting else (_ROUNDS, _WINDOW)
        if parts >= rounds * self._running and now - self._began >= window:
            # Parts started before the trial inflate the bytes done, new parts the bytes sent.
            return min(done, sent) / (now - self._began)
        if not self._reports_progress:
            # Workers in other processes report finished parts only.
            return None
        if self._settled is None:
            if now - self._began >= _SETTLE:
                self._settled = now, self._sent_bytes
            return None
        seconds, size = now - self._settled[0], self._sent_bytes - self._settled[1]
        sample = self.limit * (_START_SAMPLE if self._starting else _SAMPLE)
        return size / seconds if size >= sample and seconds >= _LONG_WINDOW else None

    def _evaluate(self, rate: float) -> None:
        """Keep the limit that was tried, or revert to the previous one; then choose the next one to try."""
        now = self._clock()
        pause = now + max(_PAUSE, _PAUSE_FACTOR * (now - self._began))
        gain = _DOUBLE_GAIN if self.limit >= 2 * self._base else _GAIN
        if self.limit > self._base and rate < gain * self._rate:
            # A smaller step than doubling may still help.
            self._more_at, self._starting = now if self._starting else pause, False
            self.limit = self._base
        elif self.limit < self._base and rate < _LOSS * self._rate:
            # The rate is limited per connection: go up again.
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
        """The limit to try now; the best one so far when it is too early for another trial."""
        if self._mean_part_size() * self._base > _SLOW_PART * self._rate and self._base > 1 and now >= self._fewer_at:
            self._starting = True
            return self._base // 2
        if now < self._more_at:
            return self._base
        self._starting &= self._base < self._max_limit
        return min(self._max_limit, self._base * 2 if self._starting else self._base + max(1, self._base // 4))

    def _mean_part_size(self) -> float:
        """The average size of the parts that finished in this trial."""
        parts = self._done_parts - self._before[0]
        return (self._done_bytes - self._before[1]) / parts if parts else self._part_size
