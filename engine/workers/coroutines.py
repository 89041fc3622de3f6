"""Run several uploads concurrently in one thread: while one waits for its workers, the others continue.

Each upload is a coroutine (a greenlet), so the code of an upload is the same whether it runs alone or in a job, and a
single thread records and emits everything.  (docs/decisions/0019-concurrent-files.md)
"""

import queue
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from greenlet import getcurrent, greenlet

from ..errors import UploadCancelled
from .channel import TICK, Channel, SharedWorkers
from .executor import Workers
from .runtime import MessageQueue


class CoroutineScheduler:
    """Runs calls as coroutines of one thread.  A context manager: calls that have not ended with the block are stopped.

    Args:
        workers: Shared by all calls.
        on_idle: Called about twenty times a second.
    """

    def __init__(self, workers: Workers, on_idle: Callable[[], None]) -> None:
        self._workers = workers
        self._on_idle = on_idle
        self._home = getcurrent()
        self._clock = workers.runtime.clock
        self._ready = workers.runtime.make_queue()
        self._coroutines: list[_Coroutine] = []
        self._poll_at = 0.0

    def __len__(self) -> int:
        """The number of calls that have not ended."""
        return len(self._coroutines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failures = [failure for coroutine in list(self._coroutines) if (failure := coroutine.stop()) is not None]
        if error is None and failures:
            raise failures[0]
        for failure in failures:
            # The first error stays the error; the others become notes, so that none is lost.
            assert error is not None
            error.add_note(f"stopping another upload failed: {type(failure).__name__}: {failure}")

    def spawn(self, call: Callable[[SharedWorkers], None]) -> None:
        """Start a call and run it to its first wait.  Its exceptions are raised here, or by ``run_once``."""
        coroutine = _Coroutine(self._workers.runtime.make_queue(), self._ready, self._home)
        self._coroutines.append(coroutine)

        def run() -> None:
            try:
                call(SharedWorkers(workers=self._workers, messages=coroutine))
            finally:
                self._coroutines.remove(coroutine)

        coroutine.start(run)

    def callback_queue(self, on_message: Callable[[Any], None]) -> Channel:
        """A channel whose messages ``run_once`` and ``run_ready`` pass to ``on_message``."""
        return _CallbackQueue(self._workers.runtime.make_queue(), self._ready, on_message)

    def run_once(self) -> None:
        """Wait for a message, and resume the coroutine that it is addressed to."""
        self._poll()
        self._deliver_one(max(0.0, self._poll_at - self._clock.monotonic()))

    def run_ready(self) -> None:
        """Resume every coroutine that is ready; never block."""
        self._poll()
        for _ in range(self._ready.qsize()):
            self._deliver_one(0.0)

    def _poll(self) -> None:
        """Once per tick, resume every coroutine, so that each checks its cancel token."""
        now = self._clock.monotonic()
        if now >= self._poll_at:
            self._poll_at = now + TICK
            self._workers.tick()
            for coroutine in list(self._coroutines):
                coroutine.wake()
            self._on_idle()

    def _deliver_one(self, timeout: float) -> None:
        try:
            wake = self._ready.get(timeout=timeout)
        except queue.Empty:
            return
        wake()
        self._offer_slots()

    def _offer_slots(self) -> None:
        """Offer free slots to the uploads that wait for one, oldest first."""
        for coroutine in list(self._coroutines):
            if coroutine.wants_slot:
                if not self._workers.concurrency.has_room():
                    return
                coroutine.wake()


class _WakingQueue(Channel):
    """A channel that schedules its receiver when a message is put."""

    def __init__(self, queue: MessageQueue, ready: MessageQueue) -> None:
        super().__init__(queue)
        self._ready = ready

    def put(self, message: Any) -> None:
        super().put(message)
        self._ready.put(self.wake)

    def wake(self) -> None:
        raise NotImplementedError


class _CallbackQueue(_WakingQueue):
    def __init__(self, queue: MessageQueue, ready: MessageQueue, on_message: Callable[[Any], None]) -> None:
        super().__init__(queue, ready)
        self._on_message = on_message

    def wake(self) -> None:
        self._on_message(self.get(timeout=0.0))


class _Coroutine(_WakingQueue):
    """A call and its channel.  ``get`` suspends the call until a message arrives or a tick is over."""

    def __init__(self, queue: MessageQueue, ready: MessageQueue, home: greenlet) -> None:
        super().__init__(queue, ready)
        self._home = home
        self._greenlet: greenlet | None = None

    def start(self, run: Callable[[], None]) -> None:
        self._greenlet = greenlet(run, self._home)
        self._greenlet.switch()

    def get(self, timeout: float) -> Any:
        self._home.switch()
        return super().get(timeout=0.0)

    def wake(self) -> None:
        """Resume the call.  Without a message, its ``get`` raises queue.Empty and it checks its cancel token."""
        if self._greenlet:
            self._greenlet.switch()

    def stop(self) -> Exception | None:
        """Raise UploadCancelled in the call where it waits.  Returns the error that it raised instead, if any."""
        if self._greenlet:
            try:
                self._greenlet.throw(UploadCancelled("stopped with the job"))
            except UploadCancelled:
                return None
            except Exception as error:
                return error
        return None
