"""A pipe into an upload: one end for who writes, the other for the engine, which sees a stream."""

import os
import threading
import time
import weakref
from contextlib import suppress

_LINGER = 2.0  # seconds that workers of a stopped upload may still look at its pipe


class Pipe:
    """descriptor: what the engine reads.  sink: what is written to, until ``end``.

    is_inherited: True in a forked child, where the pipe is closed.
    """

    def __init__(self) -> None:
        self.descriptor, self.sink = os.pipe()
        self._ended = False
        self.is_inherited = False
        _open_pipes.add(self)

    def write(self, data: memoryview) -> None:
        """Write all of it, as fast as the upload reads.

        Raises:
            BrokenPipeError: the upload has ended.
        """
        while data:
            data = data[os.write(self.sink, data) :]

    def end(self) -> None:
        """Nothing more is written; the second time nothing happens."""
        if not self._ended:
            self._ended = True
            os.close(self.sink)

    def close(self, *, is_read: bool) -> None:
        """Nothing more is read.  Who writes gets a BrokenPipeError.

        is_read: True when the engine came to the end, and no worker of it reads any more.
        """
        _open_pipes.discard(self)
        if is_read:
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

    def _forget_in_child(self) -> None:
        # A forked process that keeps an end would keep the upload of its parent from seeing the stream's end.
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
