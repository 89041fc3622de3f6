"""Enter and SIGUSR1 retry an unreachable endpoint at once."""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from partway.engine.retry.circuit_breaker import Nudge

_LOOK = 0.25  # seconds between two polls of the keyboard


@contextmanager
def nudged_by_signal(nudge: Nudge) -> Iterator[None]:
    """SIGUSR1 calls the nudge, unless the process was started with it ignored."""
    if signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGUSR1, lambda number, frame: nudge())
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def _is_foreground(terminal: int) -> bool:
    return os.tcgetpgrp(terminal) == os.getpgrp()


@contextmanager
def nudged_by_enter(
    nudge: Nudge, terminal: int, is_away: Callable[[], bool], is_foreground: Callable[[int], bool] = _is_foreground
) -> Iterator[None]:
    """Enter calls the nudge while the endpoint is unreachable.  Other input is left for the next reader.

    Args:
        terminal: Its descriptor.
        is_foreground: False while another job of the shell has the terminal: reading would then stop this process.
    """
    ended = threading.Event()

    def listen() -> None:
        while not ended.wait(_LOOK):
            if is_away() and is_foreground(terminal) and select.select([terminal], [], [], 0)[0]:
                if not os.read(terminal, 4096):
                    return
                nudge()

    def listen_quietly() -> None:
        # The terminal may be closed at any time.
        with contextlib.suppress(OSError, ValueError):
            listen()

    thread = threading.Thread(target=listen_quietly, name="partway keyboard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def keyboard() -> int | None:
    """The descriptor of the terminal at standard input; None without one."""
    try:
        return sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    except (OSError, ValueError):
        return None
