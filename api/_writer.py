"""A binary file object that uploads what is written to it."""

import io
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from partway.engine.workers.channel import WorkerContext

from ._run.futures import UploadFuture
from ._run.pipe import Pipe
from ._run.results import UploadResult
from ._run.threads import wait_for
from .errors import UploadCancelled

_Start = Callable[[Pipe, Callable[[WorkerContext], None]], UploadFuture[UploadResult]]


class _End:
    """Whether the end of the pipe is the end of the data.  Not part of the writer, which must not be kept alive."""

    def __init__(self) -> None:
        self.is_complete = False

    def check(self, context: WorkerContext) -> None:
        if not self.is_complete:
            raise UploadCancelled("the writer was not closed; nothing was completed")


class Writer(io.BufferedIOBase):
    """A binary file object made by ``open_writer``; use it from one thread.

    ``write()`` blocks while the maximum number of parts is in flight, which bounds memory; if the upload fails, it
    raises that error.  ``close()`` completes and verifies the object, and then sets ``result``.

    Only ``close()`` or the normal end of a ``with`` block creates the object.  A block left by an exception creates
    none; neither do ``cancel()``, garbage collection, or ``close()`` while an exception is being handled, which is how
    io.TextIOWrapper closes it after an error.  The parts stay on S3: writing the same bytes to the same destination
    resumes, and ``Client.cancel`` removes them.

    name: the destination.
    """

    def __init__(self, name: str, start: _Start) -> None:
        self.name = name
        self._position = 0
        self._end = _End()
        self._result: UploadResult | None = None
        self._handled = sys.exc_info()[1]
        self._pipe = Pipe()
        try:
            self._future = start(self._pipe, self._end.check)
        except BaseException:
            self._pipe.end()
            self._pipe.close(is_read=True)
            raise

    @property
    def result(self) -> UploadResult | None:
        """The facts about the object; None until ``close()`` has completed it."""
        return self._result

    def on_end(self, call: Callable[[], object]) -> None:
        """Call ``call`` when the upload has ended, whether or not it succeeded."""
        self._future.add_done_callback(lambda future: call())

    def writable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The number of bytes written."""
        return self._position

    def write(self, data: Any, /) -> int:
        """Write all bytes of a bytes-like object; returns their number.

        Raises:
            ValueError: the writer is closed.
            PartwayError: the error that ended the upload.
        """
        self._check_open()
        view = memoryview(data).cast("B")
        try:
            self._pipe.write(view)
        except BrokenPipeError:
            wait_for(self._future)
            raise
        self._position += len(view)
        return len(view)

    def close(self) -> None:
        """Complete and verify the object.  Further calls do nothing.

        Raises:
            UploadCancelled: an exception is being handled, so the data may be incomplete; no object was created.
            PartwayError: as ``upload``.
        """
        if self.closed:
            return
        handled = sys.exc_info()[1]
        if handled is not None and handled is not self._handled:
            self.cancel()
            raise UploadCancelled(
                f"the writer was closed while {type(handled).__name__} was being handled; nothing was completed, and "
                "finished parts are kept"
            )
        super().close()
        self._end.is_complete = True
        self._pipe.end()
        self._result = wait_for(self._future)

    def cancel(self) -> None:
        """Close without creating the object; parts stay on S3.  Does nothing if the writer is already closed."""
        if self.closed:
            return
        super().close()
        if self._pipe.is_inherited:
            return
        self._future.cancel()
        self._pipe.end()
        self._future.settle()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.cancel()

    def __del__(self) -> None:
        # The one of io.IOBase calls close(), which would complete an abandoned object.
        if hasattr(self, "_future") and not self.closed:
            self.cancel()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("write to a closed writer")
