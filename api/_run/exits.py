"""Before a fork, wait until the threads of uploads that have ended are gone.

A thread that exits holds a lock of OpenSSL for a moment.  A child that is forked in that moment inherits the lock, and
its first connection waits for it forever.  Python's own ``join`` returns before the system's thread is gone.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable

_RECENTLY = 1.0  # seconds after the end of an upload for which a fork looks at all
_LONGEST = 0.1  # seconds that a fork waits for threads that Python does not know
_TICK = 0.001

_started: "weakref.WeakKeyDictionary[threading.Thread, Callable[[], bool]]" = weakref.WeakKeyDictionary()
_foreign: set[int] = set()  # threads of other libraries, which do not exit
_ended_at = float("-inf")


def note_start(thread: threading.Thread, is_done: Callable[[], bool]) -> None:
    """A thread was started that exits when its work is done."""
    _started[thread] = is_done


def note_end() -> None:
    """Threads of an upload exit now."""
    global _ended_at
    _ended_at = time.monotonic()


def _before_fork() -> None:
    for thread, is_done in list(_started.items()):
        if is_done() and thread is not threading.current_thread():
            thread.join(_RECENTLY)
    if time.monotonic() - _ended_at > _RECENTLY:
        return
    deadline = time.monotonic() + _LONGEST
    while unknown := _threads_unknown_to_python() - _foreign:
        if time.monotonic() > deadline:
            _foreign.update(unknown)
            return
        time.sleep(_TICK)


def _threads_unknown_to_python() -> set[int]:
    """The ids of this process's threads that Python did not start, or that are about to be gone."""
    try:
        found = {int(name) for name in os.listdir("/proc/self/task")}  # noqa: PTH208 - a fork should cost little
    except OSError:
        return set()  # not Linux
    return found - {thread.native_id for thread in threading.enumerate()}


os.register_at_fork(before=_before_fork)
