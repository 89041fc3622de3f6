"""What all uploads of a run share: threads, slots for parts in flight, the circuit breaker and the bandwidth limit."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from ..flow.concurrency import Concurrency
from ..flow.pace import PaceKeeper
from ..retry.circuit_breaker import CircuitBreaker, Nudge
from .runtime import SYSTEM, Runtime

R = TypeVar("R")


class Workers:
    """Owns the threads.  Created and closed in the caller's thread.

    concurrency: the slots for parts in flight.
    breaker: while the endpoint is unreachable, one call probes it for all.
    pace: what changes the limits while the workers run; None means that they stay.
    bandwidth: limits what all workers send together; None means no limit.
    runtime: the machine's clock, queues and threads.

    Args:
        executor: Runs parts; None means threads.  An executor, such as a process pool or a Dask client's executor,
            calls ``function(task)`` without a WorkerContext: no progress, and no cancellation within a task.
        nudge: Makes the breaker probe an unreachable endpoint at once.
    """

    def __init__(
        self,
        concurrency: Concurrency,
        *,
        pace: PaceKeeper | None = None,
        executor: Executor | None = None,
        nudge: Nudge | None = None,
        runtime: Runtime = SYSTEM,
    ) -> None:
        self.concurrency = concurrency
        self.runtime = runtime
        self.breaker = CircuitBreaker(runtime.clock.monotonic, nudge=nudge)
        self.pace = pace
        self.bandwidth = None if pace is None else pace.bucket
        # More threads than slots: with several uploads, calls about whole uploads run besides the parts.
        self._threads = runtime.make_executor(concurrency.most_running + 2 * concurrency.most)
        self._executor = executor
        self._running: set[Future[Any]] = set()  # on threads

    def call(self, call: Callable[..., R], *arguments: Any) -> "Future[R]":
        """Run the function on a thread."""
        future = self._threads.submit(call, *arguments)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def work(self, function: Callable[..., R], task: Any, worker: Any) -> "Future[R]":
        """Run ``function(task, worker)`` on a thread, or ``function(task)`` on the executor."""
        if self._executor is None:
            return self.call(function, task, worker)
        return self._executor.submit(function, task)

    def tick(self) -> None:
        """Keep to the pace; to be called often, in the caller's thread."""
        if self.pace is not None:
            self.pace.poll()

    def close(self) -> None:
        """Start no further tasks.  Running ones are abandoned."""
        self.concurrency.close()
        # A running call may be blocked in a system call until its timeout, and its result is not needed.
        self._threads.shutdown(wait=not self._running, cancel_futures=True)


def fixed_workers(number: int, runtime: Runtime = SYSTEM) -> Workers:
    """Workers for ``number`` tasks at a time."""
    return Workers(Concurrency(number, clock=runtime.clock.monotonic), runtime=runtime)
