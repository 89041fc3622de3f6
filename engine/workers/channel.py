"""How workers and the main thread talk: cancellation, messages, and the context of a worker."""

import queue
import time
from dataclasses import dataclass
from typing import Any

from ..errors import UploadCancelled
from ..flow.bandwidth import TokenBucket
from ..retry.circuit_breaker import CircuitBreaker
from .executor import Workers

TICK = 0.05  # seconds between looks at the cancel while nothing is said


class CancelToken:
    """A wish to stop, that any thread or signal handler may express; running parts end within a second.

    A plain flag: taking a lock in a signal handler may wait for the very thread that it interrupted.

    Args:
        outer: A wish that is also this one; not the other way round.
    """

    def __init__(self, outer: "CancelToken | None" = None) -> None:
        self._wanted = False
        self._outer = outer

    def __call__(self) -> None:
        self._wanted = True

    @property
    def wanted(self) -> bool:
        return self._wanted or (self._outer is not None and self._outer.wanted)

    def check(self) -> None:
        """Raise UploadCancelled when it is wanted."""
        if self.wanted:
            raise UploadCancelled("stopped on request")


class Channel:
    """What workers say to one upload; they put, and its caller's thread gets.

    hungry: True while the upload waits, and would use another place for a part.
    """

    def __init__(self) -> None:
        self.wants_slot = False
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(self, message: Any) -> None:
        self._queue.put(message)

    def get(self, timeout: float) -> Any:
        """The next message.

        Raises:
            queue.Empty: none came in ``timeout`` seconds, or it is time to look around.
        """
        return self._queue.get(timeout=timeout)

    def empty(self) -> bool:
        return self._queue.empty()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """For one of several uploads that run side by side: the workers that they share, and what is said to this one."""

    workers: Workers
    messages: Channel


class WorkerContext:
    """A worker's line to the caller's thread.

    gate, bandwidth: shared by all calls of the run; without the latter nobody limits it.
    """

    def __init__(
        self, messages: Channel, cancel: CancelToken, gate: CircuitBreaker, *, bandwidth: TokenBucket | None = None
    ) -> None:
        self.gate = gate
        self.bandwidth = bandwidth
        self._messages = messages
        self._cancel = cancel
        self._abandoned = False

    def say(self, message: object) -> None:
        """Have the caller's thread hear ``message``, in order."""
        self._messages.put(message)

    def check(self) -> None:
        """Raise UploadCancelled when nobody waits for the worker any more."""
        if self._abandoned:
            raise UploadCancelled("stopped on request")
        self._cancel.check()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond a wish to stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(TICK, left))
        self.check()

    def abandon(self) -> None:
        """Have the workers end: what they would say is not heard."""
        self._abandoned = True


def null_context() -> WorkerContext:
    """A line for workers in another process: nobody hears, nobody cancels."""
    return WorkerContext(Channel(), CancelToken(), CircuitBreaker())
