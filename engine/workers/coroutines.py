"""Uploads side by side in one thread: while one waits for its workers, the others go on.

Each is a coroutine of its own (a greenlet), so that the steps of an upload read one after the other, as they do for an
upload that is alone; and still one thread records and announces everything.  (docs/decisions/0019-lanes.md)
"""

import queue
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from greenlet import getcurrent, greenlet

from ..errors import UploadCancelled
from .channel import TICK, Channel, Lane
from .executor import Workers


class CoroutineScheduler:
    """Used in one thread, as a context manager: who still waits at the end of the block is stopped.

    Args:
        workers: What the lanes share.
        on_idle: Called about twenty times a second.
    """

    def __init__(self, workers: Workers, on_idle: Callable[[], None]) -> None:
        self._workers = workers
        self._at_rest = on_idle
        self._home = getcurrent()
        self._wakes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._open: list[_Coroutine] = []
        self._look_at = 0.0

    def __len__(self) -> int:
        """How many calls have not ended."""
        return len(self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for inbox in list(self._open):
            inbox.stop()

    def open(self, call: Callable[[Lane], None]) -> None:
        """Begin a call, and let it go on until it waits; what it raises comes out here, or of ``step``."""
        inbox = _Coroutine(self._wakes, self._home)
        self._open.append(inbox)

        def run() -> None:
            try:
                call(Lane(workers=self._workers, messages=inbox))
            finally:
                self._open.remove(inbox)

        inbox.begin(run)

    def mailbox(self, hear: Callable[[Any], None]) -> Channel:
        """Messages that are heard by ``hear`` within ``step``."""
        return _CallbackQueue(self._wakes, hear)

    def step(self) -> None:
        """Wait until something happens, and let go on whoever waited for it."""
        self._look_around()
        self._hear_one(max(0.0, self._look_at - time.monotonic()))

    def catch_up(self) -> None:
        """Let go on whoever may, without waiting."""
        self._look_around()
        for _ in range(self._wakes.qsize()):
            self._hear_one(0.0)

    def _look_around(self) -> None:
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + TICK
            for inbox in list(self._open):
                inbox.wake()
            self._at_rest()

    def _hear_one(self, timeout: float) -> None:
        try:
            wake = self._wakes.get(timeout=timeout)
        except queue.Empty:
            return
        wake()
        self._feed()

    def _feed(self) -> None:
        """Offer places that became free to who is there already, the oldest first."""
        for inbox in list(self._open):
            if inbox.wants_slot:
                if not self._workers.concurrency.has_room():
                    return
                inbox.wake()


class _WakingQueue(Channel):
    """Messages that wake somebody up."""

    def __init__(self, wakes: "queue.SimpleQueue[Callable[[], None]]") -> None:
        super().__init__()
        self._wakes = wakes

    def put(self, message: Any) -> None:
        super().put(message)
        self._wakes.put(self.wake)

    def wake(self) -> None:
        raise NotImplementedError


class _CallbackQueue(_WakingQueue):
    def __init__(self, wakes: "queue.SimpleQueue[Callable[[], None]]", hear: Callable[[Any], None]) -> None:
        super().__init__(wakes)
        self._hear = hear

    def wake(self) -> None:
        self._hear(self.get(timeout=0.0))


class _Coroutine(_WakingQueue):
    """Messages to a lane, which sleeps until there are some."""

    def __init__(self, wakes: "queue.SimpleQueue[Callable[[], None]]", home: greenlet) -> None:
        super().__init__(wakes)
        self._home = home
        self._lane: greenlet | None = None

    def begin(self, run: Callable[[], None]) -> None:
        self._lane = greenlet(run, self._home)
        self._lane.switch()

    def get(self, timeout: float) -> Any:
        self._home.switch()
        return super().get(timeout=0.0)

    def wake(self) -> None:
        """Let the lane go on.  It looks around itself when no message is there."""
        if self._lane:
            self._lane.switch()

    def stop(self) -> None:
        """End the lane where it waits.  Nobody hears of it: something worse happened before."""
        if self._lane:
            try:
                self._lane.throw(UploadCancelled("stopped with the job"))
            except Exception:
                return
