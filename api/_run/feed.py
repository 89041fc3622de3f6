"""A pipe that is filled from what a caller's object reads, so that the engine sees any of them as a stream."""

import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from partway.engine.errors import SourceError
from partway.engine.workers.channel import WorkerContext

from .._arguments.errors import OptionError

_BLOCK = 256 * 1024
_LINGER = 2.0  # seconds that workers of a stopped upload may still look at its pipe
_TICK = 0.05


class Feed:
    """Calls ``read`` on a thread of its own, and writes what it gives into a pipe.

    The thread waits where ``read`` waits; what the engine reads is ``descriptor``.
    """

    def __init__(self, read: Callable[[int], Any]) -> None:
        self._read = read
        self._error: BaseException | None = None
        self._stopped = False
        self.descriptor, self._sink = os.pipe()
        _open_feeds.add(self)
        self._thread = threading.Thread(target=self._pump, name="partway-feed", daemon=True)
        self._thread.start()

    def check_end(self, context: WorkerContext) -> None:
        """Called when the pipe has ended: did ``read`` come to its end, or fail?

        Raises:
            SourceError: it failed.
        """
        while self._thread.is_alive():
            context.sleep(_TICK)
        if isinstance(self._error, OptionError):
            raise self._error
        if self._error is not None:
            raise SourceError(
                f"the source cannot be read: {type(self._error).__name__}: {self._error}"
            ) from self._error

    def close(self) -> None:
        """Let go of the pipe."""
        self._stopped = True
        _open_feeds.discard(self)
        if not self._thread.is_alive():
            os.close(self.descriptor)
            return
        # A worker may still be about to read.  It must find an end there, never what gets the same number next.
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, self.descriptor, inheritable=False)
        os.close(null)
        threading.Thread(target=self._close_later, name="partway-close", daemon=True).start()

    def _close_later(self) -> None:
        time.sleep(_LINGER)
        os.close(self.descriptor)

    def _pump(self) -> None:
        try:
            while not self._stopped:
                block = self._read(_BLOCK)
                if isinstance(block, str):
                    raise OptionError("the source is opened as text; open it with 'rb'")
                if block is None:
                    # A non-blocking file has nothing right now.
                    time.sleep(_TICK)
                    continue
                left = memoryview(block).cast("B")
                if not left:
                    break
                while left:
                    left = left[os.write(self._sink, left) :]
        except BrokenPipeError as error:
            self._error = None if self._stopped else error
        except BaseException as error:
            self._error = error
        finally:
            os.close(self._sink)

    def _forget_in_child(self) -> None:
        # A forked process that keeps this end would keep the upload of its parent from seeing the stream's end.
        for descriptor in (self.descriptor, self._sink):
            with suppress(OSError):
                os.close(descriptor)


_open_feeds: "weakref.WeakSet[Feed]" = weakref.WeakSet()


def _forget_feeds() -> None:
    for feed in list(_open_feeds):
        feed._forget_in_child()
    _open_feeds.clear()


os.register_at_fork(after_in_child=_forget_feeds)
