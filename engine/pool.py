"""The workers: the only threads.  They run module-level functions on picklable values and touch no store and no sink.

Everything a worker has to say goes through one queue to the caller's thread, which alone records and announces.
"""

import queue
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from .bandwidth import Bandwidth
from .concurrency import Concurrency
from .errors import UploadCancelled
from .gate import NetworkGate

T = TypeVar("T")
R = TypeVar("R")

_TICK = 0.05  # seconds between looks at the cancel while nothing is said
_GRACE = 0.8  # seconds that running calls have to end after a cancel


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


class Cancel:
    """A wish to stop, that any thread or signal handler may express; running parts end within a second.

    A plain flag: taking a lock in a signal handler may wait for the very thread that it interrupted.
    """

    def __init__(self) -> None:
        self.wanted = False

    def __call__(self) -> None:
        self.wanted = True


class Line:
    """A worker's line to the caller's thread.

    gate, bandwidth: shared by all calls of the run; without the latter nobody limits it.
    """

    def __init__(
        self, messages: "queue.SimpleQueue[Any]", cancel: Cancel, *, bandwidth: Bandwidth | None = None
    ) -> None:
        self.gate = NetworkGate()
        self.bandwidth = bandwidth
        self._messages = messages
        self._cancel = cancel
        self._abandoned = False

    def say(self, message: object) -> None:
        """Have the caller's thread hear ``message``, in order."""
        self._messages.put(message)

    def check(self) -> None:
        """Raise UploadCancelled when nobody waits for the worker any more."""
        if self._abandoned or self._cancel.wanted:
            raise UploadCancelled("stopped on request")

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond a wish to stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(_TICK, left))
        self.check()

    def abandon(self) -> None:
        """Have the workers end: what they would say is not heard."""
        self._abandoned = True


def silent_line() -> Line:
    """A line for workers in another process: nobody hears, nobody cancels."""
    return Line(queue.SimpleQueue(), Cancel())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T, R]):
    """How one task ended: with a result, or with an error."""

    task: T
    result: R | None = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T, R]):
    stream: object
    task: T
    future: "Future[R]"


class WorkerPool:
    """Runs work on workers.  Used from one thread.

    Args:
        size: Tasks at the same time; a number, or what decides on it.
        cancel: When it is wanted, nothing new starts and waiting ends with UploadCancelled.
        hear: Called in the caller's thread with each message of the workers.
        at_rest: Called in the caller's thread about twenty times a second while nothing is said.
        bandwidth: Limits what workers send, all together.
        executor: Runs the tasks of ``stream``; None means threads.  Others, such as processes or a Dask client's
            executor, get ``function(task)`` without a line: no progress, and no cancel inside a task.
    """

    def __init__(
        self,
        size: int | Concurrency,
        *,
        cancel: Cancel,
        hear: Callable[[Any], None],
        at_rest: Callable[[], None] = _nothing,
        bandwidth: Bandwidth | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._concurrency = Concurrency(size) if isinstance(size, int) else size
        self._cancel = cancel
        self._hear = hear
        self._at_rest = at_rest
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._line = Line(self._messages, cancel, bandwidth=bandwidth)
        self._threads = ThreadPoolExecutor(max_workers=self._concurrency.most, thread_name_prefix="partway")
        self._executor = executor
        self._running = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.abandon()
        # After a cancel a worker may sit in a system call for as long as its timeout: nobody waits for it.
        self._threads.shutdown(wait=self._running == 0, cancel_futures=True)

    def run(self, call: Callable[[Line], R]) -> R:
        """Make one call on a thread and wait for it, hearing messages meanwhile; raises what it raises."""
        for outcome in self._stream(
            lambda _: self._threads.submit(call, self._line), [None], _never, self._concurrency.most
        ):
            if outcome.error is not None:
                raise outcome.error
            return cast(R, outcome.result)
        raise AssertionError("a call ended without an outcome")

    def stream(
        self,
        function: Callable[..., R],
        tasks: Iterable[T],
        *,
        enough: Callable[[], bool] = _never,
        size: int | None = None,
    ) -> Iterator[Outcome[T, R]]:
        """Run ``function(task, line)`` for each task, at most ``size`` at a time; yield outcomes as they come.

        Without a size, the pool's own decides, and looks at how many run.  A task is taken from ``tasks`` only when a
        worker is free, and none when ``enough()`` is true; those that run then still end and are yielded.

        Raises:
            UploadCancelled: the cancel was wanted.  What ended within the grace time was yielded before.
        """

        def submit(task: T) -> "Future[R]":
            if self._executor is None:
                return self._threads.submit(function, task, self._line)
            return self._executor.submit(function, task)

        return self._stream(submit, tasks, enough, size)

    def _stream(
        self,
        submit: "Callable[[T], Future[R]]",
        tasks: Iterable[T],
        enough: Callable[[], bool],
        size: int | None,
    ) -> Iterator[Outcome[T, R]]:
        waiting = iter(tasks)
        stream = object()
        deadline: float | None = None
        exhausted = False

        def start() -> None:
            nonlocal exhausted
            while not exhausted and deadline is None and self._is_free(size) and not enough():
                try:
                    task = next(waiting)
                except StopIteration:
                    exhausted = True
                else:
                    future = submit(task)
                    self._running += 1
                    future.add_done_callback(partial(self._ended, stream, task))

        while True:
            if self._cancel.wanted and deadline is None:
                deadline = time.monotonic() + _GRACE
            start()
            if exhausted and size is None:
                self._concurrency.look(self._running)
            late = deadline is not None and time.monotonic() > deadline
            if self._running == 0 or (late and self._messages.empty()):
                break
            try:
                message = self._messages.get(timeout=_TICK)
            except queue.Empty:
                self._at_rest()
                continue
            if not isinstance(message, _Ended):
                self._hear(message)
                continue
            self._running -= 1
            if message.stream is stream:
                outcome = _outcome(message)
                if outcome.error is None and not self._cancel.wanted:
                    # Before the caller records this one, which takes the disk its time: nobody waits for that.
                    start()
                yield outcome
        if self._cancel.wanted:
            self._line.check()

    def _is_free(self, size: int | None) -> bool:
        """True when another task may run.  The decision about the size is taken when all that may run do."""
        if size is not None:
            return self._running < size
        if self._running >= self._concurrency.limit:
            self._concurrency.look(self._running)
        return self._running < self._concurrency.limit

    def _ended(self, stream: object, task: Any, future: "Future[Any]") -> None:
        self._messages.put(_Ended(stream, task, future))


def _outcome(ended: "_Ended[T, R]") -> Outcome[T, R]:
    if ended.future.cancelled():
        return Outcome(task=ended.task, error=UploadCancelled("the executor dropped the task"))
    error = ended.future.exception()
    return Outcome(task=ended.task, error=error) if error else Outcome(task=ended.task, result=ended.future.result())
