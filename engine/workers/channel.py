"""Communication between workers and the caller's thread: cancellation, messages, and the context of a task."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from ..checksums import ChecksumAlgorithm
from ..clock import Clock
from ..errors import UploadCancelled
from ..flow.bandwidth import TokenBucket
from ..retry.circuit_breaker import CircuitBreaker
from ..source.identity import SourceIdentity
from ..source.part_reader import BLOCK, PartReader
from ..source.plan import PartSpec
from .executor import Workers
from .runtime import SYSTEM, MessageQueue, Runtime

TICK = 0.05  # seconds between two checks of the cancel token while no message comes


def _nothing(_: int) -> None:
    return None


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
        """Request the cancellation, which cannot be undone."""
        self._is_set = True

    def is_set(self) -> bool:
        """True once it, or its parent, has been set."""
        return self._is_set or (self._parent is not None and self._parent.is_set())

    def raise_if_cancelled(self) -> None:
        """Raise UploadCancelled if it is set."""
        if self.is_set():
            raise UploadCancelled("interrupted")


class Channel:
    """A queue of messages from workers to one upload.  Any thread may put; only the caller's thread gets.

    wants_slot: True while the upload waits and could use another slot for a part.
    """

    def __init__(self, queue: MessageQueue) -> None:
        self.wants_slot = False
        self._queue = queue

    def put(self, message: Any) -> None:
        self._queue.put(message)

    def get(self, timeout: float) -> Any:
        """The next message.

        Raises:
            queue.Empty: no message arrived within ``timeout`` seconds, or it is time to check the cancel token.
        """
        return self._queue.get(timeout=timeout)

    def empty(self) -> bool:
        return self._queue.empty()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWorkers:
    """What one of several concurrent uploads runs on: the workers that they share, and a channel of its own."""

    workers: Workers
    messages: Channel


class WorkerContext:
    """What a task gets besides its value: a way to send messages, cancellation, and the limits that all tasks share.

    breaker: shared by all calls of the run.
    bandwidth: shared by all workers of the run; None means no limit.
    clock: the clock of the run.
    """

    def __init__(
        self,
        messages: Channel,
        cancel: CancelToken,
        breaker: CircuitBreaker,
        *,
        bandwidth: TokenBucket | None = None,
        runtime: Runtime = SYSTEM,
    ) -> None:
        self.breaker = breaker
        self.bandwidth = bandwidth
        self.clock: Clock = runtime.clock
        self._runtime = runtime
        self._messages = messages
        self._cancel = cancel
        self._closed = False

    @classmethod
    def of(cls, workers: Workers, messages: Channel, cancel: CancelToken) -> Self:
        """The context for the tasks of one upload or job on these workers."""
        return cls(messages, cancel, workers.breaker, bandwidth=workers.bandwidth, runtime=workers.runtime)

    def emit(self, message: object) -> None:
        """Deliver ``message`` to the caller's thread, in order."""
        self._messages.put(message)

    def raise_if_cancelled(self) -> None:
        """Raise UploadCancelled if the upload was cancelled or has ended."""
        if self._closed:
            raise UploadCancelled("interrupted")
        self._cancel.raise_if_cancelled()

    def sleep(self, seconds: float) -> None:
        """Sleep for this many seconds.

        Raises:
            UploadCancelled: as soon as a cancel is requested.
        """
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 0:
            self.raise_if_cancelled()
            self.clock.sleep(min(TICK, left))
        self.raise_if_cancelled()

    def identify(self, path: str) -> SourceIdentity:
        """As ``source.identity.identify``."""
        return self._runtime.identify(path)

    def identify_settled(self, path: str, *, flush: Callable[[int], None] = os.fsync) -> SourceIdentity:
        """As ``source.identity.identify_settled``; a cancel ends the wait."""
        return self._runtime.identify_settled(path, sleep=self.sleep, flush=flush)

    def open_part(
        self, path: str, spec: PartSpec, algorithm: ChecksumAlgorithm, on_read: Callable[[int], None] = _nothing
    ) -> PartReader:
        """Open one part, to be read in blocks that are small enough for the bandwidth limit."""
        return PartReader(
            path,
            spec,
            algorithm=algorithm,
            on_read=on_read,
            block=BLOCK if self.bandwidth is None else min(BLOCK, self.bandwidth.block),
            look=self._runtime.identify_part,
            clock=self.clock.monotonic,
        )

    def close(self) -> None:
        """Stop listening: workers raise UploadCancelled at their next check."""
        self._closed = True


def null_context(runtime: Runtime = SYSTEM) -> WorkerContext:
    """A context for a task in another process: messages are dropped, and it is never cancelled."""
    breaker = CircuitBreaker(runtime.clock.monotonic)
    return WorkerContext(Channel(runtime.make_queue()), CancelToken(), breaker, runtime=runtime)
