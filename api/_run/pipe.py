"""A pipe into an upload: the caller writes to one end, and the engine reads the other as a stream."""

import os
import threading
import time
import weakref
from contextlib import suppress

_LINGER = 2.0  # seconds for which workers of a stopped upload may still read its pipe


class Pipe:
    """A pipe between a caller and the engine.

    descriptor: the end that the engine reads.
    sink: the end to write to, until ``end``.
    is_inherited: True in a forked child, where the pipe is closed.
    """

    def __init__(self) -> None:
        self.descriptor, self.sink = os.pipe()
        self._ended = False
        self.is_inherited = False
        _open_pipes.add(self)

    def write(self, data: memoryview) -> None:
        """Write all of ``data``; blocks while the pipe is full.

        Raises:
            BrokenPipeError: the upload has ended.
        """
        while data:
            data = data[os.write(self.sink, data) :]

    def end(self) -> None:
        """Close the writing end.  Further calls do nothing."""
        if not self._ended:
            self._ended = True
            os.close(self.sink)

    def close(self, *, is_read: bool) -> None:
        """Close the reading end.  Further writes raise BrokenPipeError.

        is_read: True when the engine has read to the end, so that no worker is still reading.
        """
        _open_pipes.discard(self)
        if is_read:
            os.close(self.descriptor)
            return
        # A worker may be about to read.  It must see an end of file, never another file that reuses the descriptor.
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, self.descriptor, inheritable=False)
        os.close(null)
        threading.Thread(target=self._close_later, name="partway-close", daemon=True).start()

    def _close_later(self) -> None:
        time.sleep(_LINGER)
        os.close(self.descriptor)

    def _forget_in_child(self) -> None:
        # A forked process that kept the writing end open would keep its parent's upload from seeing the end of file.
        for descriptor in (self.descriptor, self.sink):
            with suppress(OSError):
                os.close(descriptor)
        self._ended = self.is_inherited = True


_open_pipes: "weakref.WeakSet[Pipe]" = weakref.WeakSet()


def _forget_pipes() -> None:
    for pipe in list(_open_pipes):
        pipe._forget_in_child()
    _open_pipes.clear()


os.register_at_fork(after_in_child=_forget_pipes)
