"""Limit the number of parts in flight: a fixed or an adaptive limit, reduced when the service asks for it.

All uploads of a run share one.  It is used in the caller's thread, which forwards the workers' reports; only the slots
of an upload that has ended are released by the workers themselves.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..clock import SYSTEM_CLOCK
from ..limits import MAX_CONCURRENCY, MAX_SMALL_FILES
from .adaptive import AdaptiveLimit, PartKey
from .backoff import AimdLimit
from .shared_slots import SharedSlots

if TYPE_CHECKING:
    from ..retry.policy import Retry  # only for types: it would delay every command by the import of tenacity

LOCAL = 4  # concurrent tasks that send nothing, unless the user sets a number
SLOT = 8  # weight of a part; a small file weighs less


class Concurrency:
    """Slots for parts in flight.

    max_limit: the largest that ``limit`` may become at the present pace.
    most: the largest that it may become at all.
    most_running: the largest that ``running`` may become.
    running: how many parts and small files hold a slot now.

    Args:
        number: A fixed limit; None means adaptive.
        part_size: Bytes of a typical part.
        shared: Slots that other runs take from, too; None means that there are no others.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        number: int | None,
        *,
        part_size: int = 1,
        shared: SharedSlots | None = None,
        clock: Callable[[], float] = SYSTEM_CLOCK.monotonic,
    ) -> None:
        self.most = max(number or MAX_CONCURRENCY, MAX_CONCURRENCY)
        # A small file keeps a connection busy for little more than the time of an answer.
        self.most_running = max(self.most, MAX_SMALL_FILES) if number is None else self.most
        self._number = number
        self.max_limit = self._max_limit(None, None)
        self.local = min(number or LOCAL, self.max_limit)
        self.running = 0
        self._part_size = part_size
        self._shared = shared
        self._adaptive = None if number else AdaptiveLimit(part_size=part_size, max_limit=self.max_limit, clock=clock)
        self._backoff = AimdLimit(self.most_running, clock)
        self._taken = 0  # weight
        self._lock = threading.Lock()

    def set_pace(self, number: int | None, bound: int | None) -> None:
        """Change how many parts may be in flight from now on; those that are stay.

        Args:
            number: Instead of the fixed number, or the most that an adaptive one may become; None means as it was.
            bound: As many as the bandwidth keeps moving; None means any number.
        """
        self.max_limit = self._max_limit(number, bound)
        if self._adaptive:
            self._adaptive.set_max_limit(self.max_limit)

    def _max_limit(self, number: int | None, bound: int | None) -> int:
        return min(number or self._number or MAX_CONCURRENCY, bound or self.most, self.most)

    @property
    def limit(self) -> int:
        """The maximum number of parts in flight now."""
        return min(self._wanted, self._backoff.limit)

    @property
    def _wanted(self) -> int:
        return self._adaptive.limit if self._adaptive else self.max_limit

    def weight(self, size: int) -> int:
        """The weight, up to SLOT, of a file of ``size`` bytes that is sent as one object.

        An adaptive limit bounds the cost of a kill, and a small file costs little.
        """
        return SLOT if self._adaptive is None else min(SLOT, 1 + size * SLOT // self._part_size)

    def has_room(self, *, reserved: int = 0) -> bool:
        """True when one more may start besides ``reserved`` parts.  Updates the limit when every slot is in use."""
        if self._is_full(reserved):
            self.update()
        return not self._is_full(reserved)

    def _is_full(self, reserved: int) -> bool:
        if self._shared is not None and not self._shared.has_room(self, ahead=reserved):
            return True
        return self._taken + reserved * SLOT >= self._wanted * SLOT or self.running + reserved >= self._backoff.limit

    def acquire(self, weight: int = SLOT) -> bool:
        """Acquire a slot; False when none is free."""
        if not self.has_room() or (self._shared is not None and not self._shared.try_take(self)):
            return False
        self._count(weight)
        return True

    def take(self, weight: int) -> None:
        """Acquire a slot without a check, right after ``has_room``."""
        if self._shared is not None:
            self._shared.take(self)
        self._count(weight)

    def _count(self, weight: int) -> None:
        with self._lock:
            self._taken += weight
            self.running += 1

    def release(self, weight: int = SLOT) -> None:
        """Release the slot of a part that ended, with or without success.  Any thread may call it."""
        with self._lock:
            self._taken -= weight
            self.running -= 1
        if self._shared is not None:
            self._shared.give_back(self)

    def close(self) -> None:
        """No further part is started: other runs need not wait for this one."""
        if self._shared is not None:
            self._shared.leave(self)

    def update(self) -> None:
        """Update the adaptive limit.  Call it also when slots stay free because nothing is left to send."""
        if self._adaptive:
            self._adaptive.update(self.running, full=self._taken // SLOT == self._wanted)

    def sent(self, part: PartKey, sent: int, size: int) -> None:
        """Record that ``sent`` of a part's ``size`` bytes were sent."""
        if self._adaptive:
            self._adaptive.sent(part, sent, size)

    def done(self, part: PartKey, size: int) -> None:
        """Record that S3 accepted the part."""
        self._backoff.speed_up()
        if self._adaptive:
            self._adaptive.done(part, size)

    def remove_upload(self, upload: object) -> None:
        """Forget the parts of an upload that has ended."""
        if self._adaptive:
            self._adaptive.remove_upload(upload)

    def on_retry(self, retry: "Retry") -> None:
        """Slow down when a call is retried because it was throttled or timed out."""
        if retry.throttled:
            self.slow_down()
        elif retry.timed_out:
            self.timed_out()

    def slow_down(self) -> None:
        """Halve the limit because the service asked for fewer requests.  Running parts continue."""
        self._backoff.slow_down(self.running)

    def timed_out(self) -> None:
        """Slow down after a timeout or a stall, unless the user set a fixed number."""
        if self._adaptive:
            self.slow_down()
