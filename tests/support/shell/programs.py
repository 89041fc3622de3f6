"""Programs that note their pids, so that a test can tell whether they still run."""

import time
from collections.abc import Callable
from pathlib import Path

from partway.engine.process_family import running_processes

LONG = 60.0  # seconds that a test waits for what should happen soon


def eventually(happened: Callable[[], bool]) -> bool:
    """Wait for what happens soon; False when it did not."""
    end = time.monotonic() + LONG
    while not (found := happened()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def member(folder: Path, name: str, then: str) -> str:
    """A shell command that notes its pid in ``folder/name``, and then does something."""
    return f"sh -c 'echo $$ > {folder}/{name}; {then}'"


def pids_in(folder: Path, count: int) -> list[int]:
    """The pids that so many programs have noted there, once all of them have."""
    assert eventually(lambda: len([path for path in folder.iterdir() if path.read_text().endswith("\n")]) == count)
    return [int(path.read_text()) for path in sorted(folder.iterdir())]


def still_running(pids: list[int]) -> list[int]:
    """Those of the pids that belong to a process."""
    running = running_processes()
    return [pid for pid in pids if pid in running]
