"""The tasks of one upload on workers, and the results that they return.

Workers use neither the store nor the sink.  Their messages go through a queue to the caller's thread, the only one that
records and emits.
"""

import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from partway.state.live import LiveStore

from ..errors import UploadCancelled
from .channel import TICK, CancelToken, Channel, SharedWorkers, WorkerContext
from .executor import Workers, fixed_workers
from .outcome import Outcome, TaskDone, TaskFailed

T = TypeVar("T")
R = TypeVar("R")

GRACE = 0.8  # seconds that running tasks have to end after a cancel


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T, R]):
    stream: object
    task: T
    future: "Future[R]"


class WorkerPool:
    """Runs the tasks of one upload on workers.  Used from one thread.

    concurrency: the slots for parts in flight; uploads that share their workers share these, too.

    Args:
        workers: Workers, which are closed with the pool; a number creates workers for that many tasks at a time.
            SharedWorkers belong to several uploads and stay open.
        cancel: Once it is set, no task starts, and waits end with UploadCancelled.
        on_message: Called in the caller's thread with each message from a worker.
        on_idle: Called in the caller's thread about twenty times a second while no message arrives.
    """

    def __init__(
        self,
        workers: int | Workers | SharedWorkers,
        *,
        cancel: CancelToken,
        on_message: Callable[[Any], None],
        on_idle: Callable[[], None] = _nothing,
    ) -> None:
        self._alone = not isinstance(workers, SharedWorkers)
        if isinstance(workers, int):
            workers = fixed_workers(workers)
        if isinstance(workers, Workers):
            workers = SharedWorkers(workers=workers, messages=Channel(workers.runtime.make_queue()))
        self._workers, self._messages = workers.workers, workers.messages
        self.concurrency = self._workers.concurrency
        self._cancel = cancel
        self._on_message = on_message
        self._on_idle = on_idle
        self._clock = self._workers.runtime.clock
        self._worker = WorkerContext.of(self._workers, self._messages, cancel)
        self._running = 0
        self._with_slot: set[Future[Any]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.close()
        self.concurrency.remove_upload(self)
        for future in self._with_slot:
            future.add_done_callback(lambda _: self.concurrency.release())
        if self._alone:
            self._workers.close()

    def follow_pace(self, live: LiveStore, id: str) -> None:
        """Let ``partway pace`` change the limits of this upload, unless it shares its workers with others."""
        if self._alone and self._workers.pace is not None:
            self._workers.pace.follow(live, id)

    def run(self, call: Callable[[WorkerContext], R], *, takes_slot: bool = False) -> R:
        """Run one call on a thread and wait for it, delivering messages meanwhile.  Raises what the call raises.

        takes_slot: True for a call that sends as much as a part, and must wait for a slot like one.
        """
        max_running = None if takes_slot else self._running + 1
        for outcome in self._stream(lambda _: self._workers.call(call, self._worker), [None], _never, max_running):
            return outcome.get()
        raise AssertionError("a call ended without an outcome")

    def stream(
        self,
        function: Callable[..., R],
        tasks: Iterable[T],
        *,
        stop_when: Callable[[], bool] = _never,
        max_running: int | None = None,
        in_process: bool = False,
    ) -> Iterator[Outcome[T, R]]:
        """Run ``function(task, worker)`` for each task, and yield the outcomes in the order in which tasks end.

        A task is taken from ``tasks`` only when a worker is free.

        Args:
            stop_when: Once it returns True, no task starts; running tasks finish and are yielded.
            max_running: The maximum number of tasks at a time; None gives each task one of Concurrency's slots.
            in_process: True runs the tasks on threads of this process even if an executor is set.

        Raises:
            UploadCancelled: the cancel token was set.  Tasks that ended within the grace period have been yielded.
        """
        submit = self._workers.call if in_process else self._workers.work
        return self._stream(lambda task: submit(function, task, self._worker), tasks, stop_when, max_running)

    def _stream(
        self,
        submit: "Callable[[T], Future[R]]",
        tasks: Iterable[T],
        stop_when: Callable[[], bool],
        max_running: int | None,
    ) -> Iterator[Outcome[T, R]]:
        waiting = iter(tasks)
        stream = object()
        deadline: float | None = None
        exhausted = False

        def over() -> bool:
            return exhausted or deadline is not None or stop_when()

        def start() -> None:
            nonlocal exhausted
            while not over() and self._take(max_running):
                try:
                    task = next(waiting)
                    future = submit(task)
                except BaseException as error:
                    if max_running is None:
                        self.concurrency.release()
                    if not isinstance(error, StopIteration):
                        raise
                    exhausted = True
                else:
                    self._running += 1
                    if max_running is None:
                        self._with_slot.add(future)
                    future.add_done_callback(partial(self._ended, stream, task))

        while True:
            if self._cancel.is_set() and deadline is None:
                deadline = self._clock.monotonic() + GRACE
            self._workers.tick()
            start()
            if exhausted and max_running is None and self._alone:
                self.concurrency.update()
            late = deadline is not None and self._clock.monotonic() > deadline
            if (self._running == 0 and over()) or (late and self._messages.empty()):
                break
            self._messages.wants_slot = max_running is None and not over()
            try:
                message = self._messages.get(timeout=TICK)
            except queue.Empty:
                self._on_idle()
                continue
            if not isinstance(message, _Ended):
                self._on_message(message)
                continue
            self._running -= 1
            if message.future in self._with_slot:
                self._with_slot.remove(message.future)
                self.concurrency.release()
            if message.stream is stream:
                outcome = _outcome(message)
                if isinstance(outcome, TaskDone) and not self._cancel.is_set():
                    # Refill the slot first: the worker need not wait until the caller has recorded this task.
                    start()
                yield outcome
        if self._cancel.is_set():
            self._worker.raise_if_cancelled()

    def _take(self, max_running: int | None) -> bool:
        """Acquire a slot, or check against ``max_running``."""
        return self.concurrency.acquire() if max_running is None else self._running < max_running

    def _ended(self, stream: object, task: Any, future: "Future[Any]") -> None:
        self._messages.put(_Ended(stream, task, future))


def _outcome(ended: "_Ended[T, R]") -> Outcome[T, R]:
    if ended.future.cancelled():
        return TaskFailed(task=ended.task, error=UploadCancelled("the executor dropped the task"))
    if (error := ended.future.exception()) is not None:
        return TaskFailed(task=ended.task, error=error)
    return TaskDone(task=ended.task, result=ended.future.result())
