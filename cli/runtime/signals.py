"""SIGINT, SIGTERM and SIGHUP cancel the run."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from partway.engine.last_acts import last_acts
from partway.engine.workers.channel import CancelToken

from . import exit_codes

_ONE_WISH = 0.3  # seconds


def end_process() -> None:
    """End the process at once, and the programs that it started."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")  # bars hide the cursor
    last_acts.do()
    os._exit(exit_codes.INTERRUPTED)


@contextmanager
def handle_signals(cancel: CancelToken) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal: the first asks the upload to stop, the second ends the process at once.

    A signal that the process was started to ignore (nohup, a background job) stays ignored.  The same one twice at once
    is one wish: ``timeout`` signals the process, and then its group.  After a wish to stop the handlers stay until the
    process ends: what is said then must not be cut off, nor the exit code be another.
    """
    heard: dict[int, float] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if cancel.is_set():
            if number in heard and now - heard[number] < _ONE_WISH:
                return
            last_acts.when_known(end_process)
            return
        heard[number] = now
        cancel.set()

    numbers = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    before: dict[int, Any] = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items() if not cancel.is_set() else ():
            signal.signal(number, handler)
