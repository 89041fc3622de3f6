"""Processes of the partway command for the torture: started quickly, watched, stopped with signals."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended; ``code`` is None when it had to be killed after its deadline."""

    code: int | None
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines of stdout; a last one that a kill cut off is left away."""
        lines = self.out.split("\n")
        return [json.loads(line) for line in lines[:-1]]


class Process:
    """A process that runs."""

    def __init__(self, pid: int, out: Path, err: Path) -> None:
        self.pid = pid
        self.code: int | None = None
        self.ended = threading.Event()
        self._out = out
        self._err = err

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when it ended."""
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> Ended:
        """Wait for the end, and after ``seconds`` make one."""
        in_time = self.ended.wait(seconds)
        if not in_time:
            self.signal(signal.SIGKILL)
            self.ended.wait(60)
        return Ended(code=self.code if in_time else None, out=_text(self._out), err=_text(self._err))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""


class Processes:
    """Starts processes; those that still run at the end of the block are killed."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.shell.small_parts", "--serve"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        self._started: list[Process] = []
        self._waiting: list[tuple[threading.Event, Process]] = []
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        for process in self._started:
            process.signal(signal.SIGKILL)
        self._server.stdin.close()
        self._server.wait(60)
        self._reader.join(60)
        self._server.stdout.close()

    def start(self, arguments: list[str], folder: Path, variables: Mapping[str, str]) -> Process:
        """Start the command in ``folder``, with these variables and no others."""
        with self._lock:
            self._count += 1
            out, err = folder / f"out-{self._count}", folder / f"err-{self._count}"
            process = Process(0, out, err)
            begun = threading.Event()
            self._waiting.append((begun, process))
            order = {
                "arguments": arguments,
                "folder": str(folder),
                "variables": dict(variables),
                "out": str(out),
                "err": str(err),
            }
            assert self._server.stdin is not None
            self._server.stdin.write(json.dumps(order).encode() + b"\n")
            self._server.stdin.flush()
        assert begun.wait(60), "the process that starts others is gone"
        return process

    def _read(self) -> None:
        assert self._server.stdout is not None
        by_pid: dict[int, Process] = {}
        for line in self._server.stdout:
            answer = json.loads(line)
            if "code" in answer:
                process = by_pid.pop(answer["pid"])
                process.code = answer["code"]
                process.ended.set()
                self._started.remove(process)
            else:
                begun, process = self._waiting.pop(0)
                process.pid = answer["pid"]
                by_pid[process.pid] = process
                self._started.append(process)
                begun.set()
