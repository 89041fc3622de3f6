"""Processes of the ``partway`` command that start in milliseconds: forks of one that has everything imported."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).parents[3]
# Read once, when the interpreter or the C library starts.
AT_START = ("PYTHON", "LC_", "LANG", "LOCPATH", "TZ", "LD_", "MALLOC_")


class ForkedProcess:
    """What ``subprocess.Popen`` offers, as far as tests use it, for a fork whose output is piped."""

    def __init__(self, pid: int, status: socket.socket, stdout: IO[str], stderr: IO[str]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: IO[str] | None = stdout
        self.stderr: IO[str] | None = stderr
        self._status = status
        self._stopped = False
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.stdout is not None and self.stderr is not None
        self.stdout.close()
        self.stderr.close()
        self.wait()
        self._status.close()

    def poll(self) -> int | None:
        """The exit code (negative: the signal that ended it); None: it still runs."""
        while self.returncode is None and self._read_status(0):
            pass
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit code."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            if not self._read_status(None if end is None else max(0.0, end - time.monotonic())):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def wait_until_stopped(self) -> None:
        """Wait until SIGSTOP has had its effect."""
        while not self._stopped:
            self._read_status(None)
        self._stopped = False

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Read stdout and stderr to their ends, and wait for that of the process."""
        end = time.monotonic() + timeout
        texts = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            texts[number] = stream.read()

        assert self.stdout is not None and self.stderr is not None
        readers = [
            threading.Thread(target=read, args=pair, daemon=True) for pair in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(max(0.0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
        self.wait(max(0.0, end - time.monotonic()))
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _read_status(self, timeout: float | None) -> bool:
        """Take in one change, or wait for it so many seconds (None: for ever); False when none came."""
        self._status.settimeout(timeout)
        while b"\n" not in self._rest:
            try:
                got = self._status.recv(100)
            except (TimeoutError, BlockingIOError):
                return False
            assert got, "the process that forks is gone"
            self._rest += got
        line, self._rest = self._rest.split(b"\n", 1)
        if os.WIFSTOPPED(int(line)):
            self._stopped = True
        else:
            self.returncode = os.waitstatus_to_exitcode(int(line))
        return True


class ForkServer:
    """The process that forks, started when it is first needed and ended by ``close``."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PARTWAY_"))
        } | {"LC_ALL": "C.UTF-8"}

    def close(self) -> None:
        """End it, and what it forked."""
        if self._process is not None and self._control is not None:
            self._control.close()
            self._process.wait()
        self._process = self._control = None

    def can_run(self, variables: Mapping[str, str]) -> bool:
        """Whether a fork is the same as a new process: not in a child of pytest that has given up its permissions, and
        not with variables that are heeded at the start."""
        return os.getpid() == self._owner and _read_at_start(variables) == _read_at_start(self._variables)

    def start(
        self, arguments: Sequence[str], *, folder: Path, variables: Mapping[str, str], stdin: int
    ) -> ForkedProcess:
        """Run ``partway ARGUMENTS`` in a folder, with these variables and no others; stdin may be DEVNULL."""
        signals = [
            (number, signal.getsignal(number) == signal.SIG_IGN)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        ]
        order = {
            "arguments": list(arguments),
            "folder": str(folder),
            "variables": dict(variables),
            "signals": signals,
        }
        status, theirs = socket.socketpair()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        with theirs, open(os.devnull, "rb") as nothing:  # noqa: PTH123
            status.sendall(json.dumps(order).encode() + b"\n")
            files = [nothing.fileno() if stdin == subprocess.DEVNULL else stdin, out_end, err_end, theirs.fileno()]
            with self._lock:
                socket.send_fds(self._started(), [b"."], files)
        os.close(out_end)
        os.close(err_end)
        answer = b""
        while not answer.endswith(b"\n"):
            got = status.recv(1)
            assert got, "the process that forks is gone"
            answer += got
        return ForkedProcess(int(answer), status, _text(out), _text(err))

    def _started(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.shell.fork_server", str(theirs.fileno())],
                    cwd=ROOT,
                    env=self._variables,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
        return self._control


def _read_at_start(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(AT_START)}


def _text(descriptor: int) -> IO[str]:
    return os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape")


fork_server = ForkServer()
