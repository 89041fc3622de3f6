"""How workers and the caller's thread talk: cancellation, messages, and what a worker gets beside its task."""

import queue
import time
from dataclasses import dataclass
from typing import Any

from ..errors import UploadCancelled
from ..flow.bandwidth import TokenBucket
from ..retry.circuit_breaker import CircuitBreaker
from .executor import Workers

TICK = 0.05  # seconds between two checks of the cancel token while no message comes


class CancelToken:
    """A cancellation flag that any thread or signal handler may set; running parts end within a second.

    A plain attribute: a signal handler that takes a lock may wait for the very thread that it interrupted.

    Args:
        parent: Setting it sets this one too, not vice versa.
    """

    def __init__(self, parent: "CancelToken | None" = None) -> None:
        self._is_set = False
        self._parent = parent

    def set(self) -> None:
        """Request the cancellation; there is no way back."""
        self._is_set = True

    def is_set(self) -> bool:
        """True once it or its parent was set."""
        return self._is_set or (self._parent is not None and self._parent.is_set())

    def raise_if_cancelled(self) -> None:
        """Raise UploadCancelled if it is set."""
        if self.is_set():
            raise UploadCancelled("interrupted")


class Channel:
    """The messages from workers to one upload.  Any thread puts; the caller's thread gets.

    wants_slot: True while the upload waits and could use another slot for a part.
    """

    def __init__(self) -> None:
        self.wants_slot = False
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(self, message: Any) -> None:
        self._queue.put(message)

    def get(self, timeout: float) -> Any:
        """The next message.

        Raises:
            queue.Empty: none came within ``timeout`` seconds, or the caller is due to check the cancel token.
        """
        return self._queue.get(timeout=timeout)

    def empty(self) -> bool:
        return self._queue.empty()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What one of several concurrent uploads runs on: the shared workers, and a channel of its own."""

    workers: Workers
    messages: Channel


class WorkerContext:
    """What a task gets beside its value: messages to the caller's thread, cancellation, and the shared limits.

    breaker: shared by all calls of the run.
    bandwidth: shared too; None means no limit.
    """

    def __init__(
        self, messages: Channel, cancel: CancelToken, breaker: CircuitBreaker, *, bandwidth: TokenBucket | None = None
    ) -> None:
        self.breaker = breaker
        self.bandwidth = bandwidth
        self._messages = messages
        self._cancel = cancel
        self._closed = False

    def emit(self, message: object) -> None:
        """Deliver ``message`` to the caller's thread, in order."""
        self._messages.put(message)

    def raise_if_cancelled(self) -> None:
        """Raise UploadCancelled if the upload was cancelled, or no longer waits for its workers."""
        if self._closed:
            raise UploadCancelled("interrupted")
        self._cancel.raise_if_cancelled()

    def sleep(self, seconds: float) -> None:
        """Wait for so many seconds.

        Raises:
            UploadCancelled: as soon as a cancel is requested.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.raise_if_cancelled()
            time.sleep(min(TICK, left))
        self.raise_if_cancelled()

    def close(self) -> None:
        """Stop listening: workers raise UploadCancelled at their next check."""
        self._closed = True


def null_context() -> WorkerContext:
    """A context for a task in another process: its messages are dropped, and it is never cancelled."""
    return WorkerContext(Channel(), CancelToken(), CircuitBreaker())
