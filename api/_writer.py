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
    """Whether the end of the pipe is the end of the data.  Apart from the writer, so that a writer can be forgotten."""

    def __init__(self) -> None:
        self.is_complete = False

    def check(self, context: WorkerContext) -> None:
        if not self.is_complete:
            raise UploadCancelled("the writer was not closed; nothing was completed")


class Writer(io.BufferedIOBase):
    """Made by ``open_writer``; used from one thread.

    ``write()`` waits while all parts that may be in flight are, so memory stays small; it raises what ended the upload.
    ``close()`` completes the object and proves it; then ``result`` has the facts.

    The object is made by ``close()`` or at the end of a ``with`` block, and by nothing else.  A block that is left by
    an exception completes nothing, nor do ``cancel()``, a writer that is forgotten, and ``close()`` while an exception
    is handled, as io.TextIOWrapper calls it then.  Parts stay on S3: the same bytes to the same destination resume, and
    ``Client.cancel`` removes them.

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
        """Have it called when the upload has ended, however that came."""
        self._future.add_done_callback(lambda future: call())

    def writable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Bytes that were written."""
        return self._position

    def write(self, data: Any, /) -> int:
        """Write all bytes of a bytes-like object; returns their number.

        Raises:
            ValueError: the writer is closed.
            PartwayError: what ended the upload.
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
        """Complete the object and prove it; the second time nothing happens.

        Raises:
            UploadCancelled: an exception is handled, so the data may not be whole; nothing was completed.
            PartwayError: as ``upload``.
        """
        if self.closed:
            return
        handled = sys.exc_info()[1]
        if handled is not None and handled is not self._handled:
            self.cancel()
            raise UploadCancelled(
                f"the writer was closed while {type(handled).__name__} was handled; nothing was completed, finished "
                "parts are kept"
            )
        super().close()
        self._end.is_complete = True
        self._pipe.end()
        self._result = wait_for(self._future)

    def cancel(self) -> None:
        """Complete nothing, and close; parts stay on S3.  Nothing happens when the writer is closed."""
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
        # As io does it, this would complete what nobody completed.
        if hasattr(self, "_future") and not self.closed:
            self.cancel()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("write to a closed writer")
