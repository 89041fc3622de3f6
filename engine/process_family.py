"""The processes of a started program: find those that are still running, and terminate them."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PS = ("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart=")
GRACE = 2.0  # seconds between SIGTERM and SIGKILL
_TICK = 0.02  # seconds between checks whether processes have exited


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """A running process.  started: its start time in any unit, which distinguishes it from a later one with its pid."""

    pid: int
    parent: int
    group: int
    started: str


class Family:
    """A program, its descendants and, when it leads a process group, the members of that group.

    Use it only while the program's pid cannot belong to another process: it is running, or has not been waited for, or
    has just been waited for.

    Args:
        leader: The program's pid.
        own_group: True when it leads a process group.
    """

    def __init__(self, leader: int, *, own_group: bool) -> None:
        self._leader = leader
        self._own_group = own_group
        self._known: dict[int, str] = {}  # start times by pid

    def end(self) -> None:
        """Send SIGTERM to all, and SIGKILL to those still running after ``GRACE`` seconds."""
        if not self._signal(signal.SIGTERM, GRACE):
            self.kill()

    def kill(self) -> None:
        """Send SIGKILL to all, including those started in the meantime."""
        self._signal(signal.SIGKILL, 1.0)

    def _signal(self, number: int, seconds: float) -> bool:
        """Send the signal to each member once; True when none is left, False after ``seconds``."""
        deadline = time.monotonic() + seconds
        signalled: set[int] = set()
        while members := self._members():
            # Shells before their children: they would report programs terminated by a signal.
            for pid in sorted(members - signalled):
                # It belongs to another user, as below sudo, or has exited.
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            signalled |= members
            if time.monotonic() > deadline:
                return False
            time.sleep(_TICK)
        return True

    def _members(self) -> set[int]:
        """The pids of running members.  A child whose parent has exited is still known from the previous check."""
        running = running_processes()
        found = {pid for pid, started in self._known.items() if pid in running and running[pid].started == started}
        found |= {
            process.pid
            for process in running.values()
            if process.pid == self._leader or (self._own_group and process.group == self._leader)
        }
        while children := {each.pid for each in running.values() if each.parent in found} - found:
            found |= children
        self._known = {pid: running[pid].started for pid in found}
        return found


def is_in_foreground() -> bool:
    """True when this process is in the foreground of a terminal, so that programs in its group may prompt there."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def running_processes() -> dict[int, RunningProcess]:
    """All processes that this user can see, by pid, without zombies."""
    lines = _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()
    found = {}
    for pid, parent, group, state, started in lines:
        if not state.startswith("Z"):
            found[int(pid)] = RunningProcess(pid=int(pid), parent=int(parent), group=int(group), started=started)
    return found


def _from_proc() -> list[tuple[str, str, str, str, str]]:
    found = []
    for name in os.listdir(_PROC):  # noqa: PTH208 - many, in a loop
        if name.isdigit():
            # It may exit at any moment.
            with suppress(OSError):
                # The name in parentheses may contain anything.
                fields = (_PROC / name / "stat").read_text(errors="replace").rpartition(")")[2].split()
                found.append((name, fields[1], fields[2], fields[0], fields[19]))
    return found


def _from_ps() -> list[tuple[str, str, str, str, str]]:
    try:
        listed = subprocess.run(_PS, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    except OSError:
        return []
    found = []
    for line in listed.splitlines():
        pid, parent, group, state, *started = line.split()
        found.append((pid, parent, group, state, " ".join(started)))
    return found
