"""Read a caller's file object into a pipe, so that the engine sees a stream."""

import threading
import time
from collections.abc import Callable
from typing import Any

from partway.engine.errors import SourceError
from partway.engine.workers.channel import WorkerContext

from .._arguments.errors import OptionError
from .pipe import Pipe

_BLOCK = 256 * 1024
_TICK = 0.05


class Feed:
    """Calls ``read`` on its own thread, since ``read`` may block.

    descriptor: the end of the pipe that the engine reads.
    """

    def __init__(self, read: Callable[[int], Any]) -> None:
        self._read = read
        self._error: BaseException | None = None
        self._stopped = False
        self._pipe = Pipe()
        self.descriptor = self._pipe.descriptor
        self._thread = threading.Thread(target=self._pump, name="partway-feed", daemon=True)
        self._thread.start()

    def check_end(self, context: WorkerContext) -> None:
        """Check, once the pipe has ended, that ``read`` reached its end and did not fail.

        Raises:
            SourceError: ``read`` failed.
        """
        while self._thread.is_alive():
            context.raise_if_cancelled()
            self._thread.join(_TICK)
        if isinstance(self._error, OptionError):
            raise self._error
        if self._error is not None:
            raise SourceError(
                f"the source cannot be read: {type(self._error).__name__}: {self._error}"
            ) from self._error

    def close(self, *, is_read: bool) -> None:
        """Close the pipe.  is_read: as in ``Pipe.close``."""
        self._stopped = True
        self._pipe.close(is_read=is_read)

    def wait(self, timeout: float | None) -> None:
        """Wait until ``read`` is called no more, for so many seconds; None waits for as long as it takes."""
        self._thread.join(timeout)

    def _pump(self) -> None:
        try:
            while not self._stopped:
                block = self._read(_BLOCK)
                if isinstance(block, str):
                    raise OptionError("the source is opened as text; open it with 'rb'")
                if block is None:
                    # A non-blocking file has no data yet.
                    time.sleep(_TICK)
                    continue
                data = memoryview(block).cast("B")
                if not data:
                    break
                self._pipe.write(data)
        except BrokenPipeError as error:
            self._error = None if self._stopped else error
        except BaseException as error:
            self._error = error
        finally:
            self._pipe.end()
