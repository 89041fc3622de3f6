"""Runs a command and says what it used: CPU of its whole process tree, time, peak memory."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = Path(__file__).with_name("launch.py")
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class CommandFailed(Exception):
    """A measured command ended with an exit code that is not the expected one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one run used.

    cpu: seconds, user and system.
    started, ended: of ``time.monotonic``.
    peak: bytes resident, the largest of the tree's processes.
    """

    cpu: float
    started: float
    ended: float
    peak: int

    @property
    def wall(self) -> float:
        """Seconds from start to end."""
        return self.ended - self.started


def run(command: Sequence[str], environment: Mapping[str, str], *, expect: int = 0, timeout: float = 1800) -> Usage:
    """Run the command to its end.

    Raises:
        CommandFailed: its exit code is not ``expect``; what it wrote is in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        used = Path(folder, "used")
        launched = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCH), str(used), *command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = launched.communicate(timeout=timeout)
        finally:
            # Also at Ctrl-C: the whole group, so that no client outlives the benchmark.
            if launched.poll() is None:
                os.killpg(launched.pid, signal.SIGKILL)
                launched.wait()
        if launched.returncode:
            raise CommandFailed(f"{command[0]} did not start: {output.decode(errors='replace')[-500:]}")
        code, started, ended, cpu, peak = used.read_text().split()
    if int(code) != expect:
        raise CommandFailed(f"{' '.join(command)}: exit code {code}\n{output.decode(errors='replace')[-1500:]}")
    return Usage(cpu=float(cpu), started=float(started), ended=float(ended), peak=int(peak) * _RSS_UNIT)
