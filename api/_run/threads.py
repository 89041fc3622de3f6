"""The threads in which uploads run, and how callers wait for them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

from partway.engine.errors import UploadCancelled
from partway.engine.workers.channel import CancelToken

from .exits import note_end, note_start
from .futures import Cancelled, UploadFuture

T = TypeVar("T")

_GRACE = 5.0  # seconds to wait for an interrupted upload; one is normally enough


class Threads:
    """Runs each call in its own thread.  Thread-safe.

    Args:
        max_running: Submitted calls that run at the same time; the others wait.
    """

    def __init__(self, max_running: int) -> None:
        self._max_running = max_running
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._active: set[Future[Any]] = set()
        self._closed = False

    def run(self, call: Callable[[CancelToken], T]) -> T:
        """Make the call and wait for its result.  An interrupt of the caller, such as Ctrl-C, cancels the call."""
        return wait_for(self.start(call))

    def start(self, call: Callable[[CancelToken], T]) -> UploadFuture[T]:
        """Start the call at once in its own thread, regardless of ``max_running``."""
        future: UploadFuture[T] = self._future()
        context = copy_context()
        thread = threading.Thread(target=lambda: context.run(self._work, future, call), name="partway-upload")
        note_start(thread, future.done)
        thread.start()
        return future

    def submit(self, call: Callable[[CancelToken], T]) -> UploadFuture[T]:
        """Queue the call and return at once; it starts when fewer than ``max_running`` are running."""
        future: UploadFuture[T] = self._future()
        context = copy_context()
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._max_running, thread_name_prefix="partway-upload")
            self._executor.submit(lambda: context.run(self._work, future, call))
        return future

    def close(self, *, cancel: bool) -> None:
        """Wait for all calls; ``cancel`` stops them first.  No call can be started afterwards."""
        with self._lock:
            self._closed = True
            executor, self._executor = self._executor, None
            active = list(self._active)
        try:
            if cancel:
                _cancel(active)
            wait(active)
        except BaseException:
            _cancel(active)
            wait(active, _GRACE)
            raise
        finally:
            if executor is not None:
                executor.shutdown(wait=all(future.done() for future in active))
            note_end()

    def forget(self) -> None:
        """Start afresh in a forked child, which has none of these threads."""
        self._lock = threading.Lock()
        self._executor = None
        self._active = set()

    def _future(self) -> UploadFuture[Any]:
        future: UploadFuture[Any] = UploadFuture(CancelToken())
        with self._lock:
            if self._closed:
                raise RuntimeError("this Client is closed")
            self._active.add(future)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: Future[Any]) -> None:
        with self._lock:
            self._active.discard(future)

    def _work(self, future: UploadFuture[T], call: Callable[[CancelToken], T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = call(future.token)
        except UploadCancelled as error:
            if future.token.is_set():
                cancelled = Cancelled(f"{error}; finished parts are kept")
                cancelled.__cause__ = error
                future.set_exception(cancelled)
            else:
                future.set_exception(error)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            note_end()


def wait_for(future: UploadFuture[T]) -> T:
    """The result of a call.  An interrupt of the caller cancels the call and waits until it has ended."""
    try:
        return future.result()
    except BaseException:
        if not future.done():
            future.cancel()
            wait([future], _GRACE)
        raise


def _cancel(futures: list[Future[Any]]) -> None:
    for future in futures:
        future.cancel()
