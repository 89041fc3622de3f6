"""``partway`` as people run it: real processes, with an environment and a state folder of their own.

Most of them are forks of one that has everything imported (``forked.py``).
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.s3_server.server import StrictS3

from .forked import ForkedProcess, fork_server

PARTWAY = (sys.executable, "-m", "partway.cli.main")
NOT_FORKED = (sys.executable, "-m", "partway")  # the same command, as a program that the system starts
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff]")
TIMEOUT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a process ended: its exit code (negative: killed by that signal) and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The ``error:`` lines of stderr."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line of stdout as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    def event(self, name: str) -> dict[str, Any]:
        """The only event of this name."""
        (event,) = [event for event in self.events if event["event"] == name]
        return event


class Running:
    """A process with ``--json`` that is still at work."""

    def __init__(self, process: "subprocess.Popen[str] | ForkedProcess") -> None:
        self.process = process
        self.lines: list[str] = []

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """Read stdout until the event came ``count`` times; the last of them."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            found = json.loads(line)
            count -= found["event"] == event
            if not count:
                return dict(found)
        raise AssertionError(f"ended before {event}: {self.lines}")

    def read_until(self, words: str) -> str:
        """Read stdout until a line has the words; that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"ended before {words!r}: {self.lines}")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The process stands still; signals that are sent meanwhile come together at the end of the block."""
        self.process.send_signal(signal.SIGSTOP)
        if isinstance(self.process, ForkedProcess):
            self.process.wait_until_stopped()
        else:
            os.waitpid(self.process.pid, os.WUNTRACED)
        yield
        self.process.send_signal(signal.SIGCONT)

    def stop(self, number: int = signal.SIGKILL) -> Result:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.result()

    def result(self) -> Result:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=TIMEOUT)
        return Result(code=self.process.wait(), out="".join(self.lines) + out, err=err)


class Shell:
    """A folder to work in, and the variables that point at one server.

    Args:
        folder: The working folder; the state is in ``folder/state``.
        server: Where uploads go by default; None: AWS, without credentials.
    """

    def __init__(self, folder: Path, server: StrictS3 | None = None) -> None:
        self.folder = folder
        self.state = folder / "state"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "PARTWAY_")) and name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM")
        }
        self.variables = kept | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PARTWAY_STATE_DIR": str(self.state),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
        }
        if server is not None:
            self.variables |= server.environment()

    def run(self, *arguments: str | bytes, variables: Mapping[str, str] = {}, cwd: Path | None = None) -> Result:
        """Run to the end; an empty variable is taken away."""
        return self.run_command([*PARTWAY, *arguments], variables=variables, cwd=cwd)

    def run_command(
        self, command: list[str | bytes], *, variables: Mapping[str, str] = {}, cwd: Path | None = None
    ) -> Result:
        """Run any program in this environment."""
        with self._start(command, variables, cwd) as process:
            try:
                return Running(process).result()
            finally:
                process.kill()

    def run_all(self, commands: Mapping[str, tuple[str | bytes, ...]]) -> dict[str, Result]:
        """Run several, some at the same time."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            return dict(zip(commands, pool.map(lambda arguments: self.run(*arguments), commands.values()), strict=True))

    @contextmanager
    def started(self, *arguments: str, as_json: bool = True, program: Sequence[str] = PARTWAY) -> Iterator[Running]:
        """Start, with ``--json`` or without; killed at the end of the block if it still runs."""
        with self.started_command([*program, *arguments, *(["--json"] if as_json else [])]) as running:
            yield running

    @contextmanager
    def started_command(self, command: Sequence[str], stdin: int = subprocess.DEVNULL) -> Iterator[Running]:
        """Start any program in this environment; killed at the end of the block if it still runs."""
        with self._start([*command], stdin=stdin) as process:
            try:
                yield Running(process)
            finally:
                process.kill()

    def _start(
        self,
        command: list[str | bytes],
        variables: Mapping[str, str] = {},
        cwd: Path | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> "subprocess.Popen[str] | ForkedProcess":
        folder, environment = cwd or self.folder, self._environment(variables)
        if tuple(command[: len(PARTWAY)]) == PARTWAY and fork_server.can_run(environment):
            arguments = [os.fsdecode(argument) for argument in command[len(PARTWAY) :]]
            return fork_server.start(arguments, folder=folder, variables=environment, stdin=stdin)
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in (self.variables | dict(variables)).items() if value}
