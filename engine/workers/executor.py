"""What all uploads of a run share: the threads, the places for parts in flight, the network and its bandwidth."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from ..flow.bandwidth import TokenBucket
from ..flow.concurrency import Concurrency
from ..retry.circuit_breaker import CircuitBreaker, Nudge
from .runtime import SYSTEM, Runtime

R = TypeVar("R")


class Workers:
    """The only threads.  Started and closed in the caller's thread.

    concurrency: how many parts may be in flight.
    breaker: while the endpoint is out of reach, one call asks for all.
    bandwidth: limits what workers send, all together; None: nobody limits it.

    Args:
        executor: Runs parts; None means threads.  Others, such as processes or a Dask client's executor, get
            ``function(task)`` without a worker: no progress, and no cancel inside a task.
        nudge: Has an endpoint that is away probed at once.
    """

    def __init__(
        self,
        concurrency: Concurrency,
        *,
        bandwidth: TokenBucket | None = None,
        executor: Executor | None = None,
        nudge: Nudge | None = None,
        runtime: Runtime = SYSTEM,
    ) -> None:
        self.concurrency = concurrency
        self.runtime = runtime
        self.breaker = CircuitBreaker(runtime.clock.monotonic, nudge=nudge)
        self.bandwidth = bandwidth
        # Beside those that have a place, where several uploads run: calls about whole uploads.
        self._threads = runtime.make_executor(3 * concurrency.max_limit)
        self._executor = executor
        self._running: set[Future[Any]] = set()  # on threads

    def call(self, call: Callable[..., R], *arguments: Any) -> "Future[R]":
        """Run the call on a thread."""
        future = self._threads.submit(call, *arguments)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def work(self, function: Callable[..., R], task: Any, worker: Any) -> "Future[R]":
        """Run ``function(task, worker)`` on a thread, or ``function(task)`` on the executor."""
        if self._executor is None:
            return self.call(function, task, worker)
        return self._executor.submit(function, task)

    def close(self) -> None:
        """Nothing begins from now on."""
        # What still runs is wanted no more, and may sit in a system call for as long as its timeout.
        self._threads.shutdown(wait=not self._running, cancel_futures=True)
