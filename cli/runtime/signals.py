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

_SAME_SIGNAL = 0.3  # seconds


def end_process() -> None:
    """Exit at once, and terminate the programs that this process started."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")  # bars hide the cursor
    last_acts.do()
    os._exit(exit_codes.INTERRUPTED)


@contextmanager
def handle_signals(cancel: CancelToken) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal: the first cancels the upload, the second exits at once.

    A signal that was ignored at start (nohup, a background job) stays ignored.  The same signal twice in quick
    succession counts once: ``timeout`` signals the process, and then its group.  After a cancel the handlers stay
    until the process exits, so that the final messages and the exit code are not lost.
    """
    received: dict[int, float] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if cancel.is_set():
            if number in received and now - received[number] < _SAME_SIGNAL:
                return
            last_acts.when_known(end_process)
            return
        received[number] = now
        cancel.set()

    numbers = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    before: dict[int, Any] = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items() if not cancel.is_set() else ():
            signal.signal(number, handler)
