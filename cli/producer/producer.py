"""``--from-command``: run the program whose output is uploaded, and check how it ended.

A pipe shows only that it has ended.  Running the program also yields its exit code, before an object is created.
"""

import select
import signal
import subprocess
import threading
from types import TracebackType
from typing import Self

from partway.engine.errors import SourceError, UploadFailed
from partway.engine.last_acts import last_acts
from partway.engine.process_family import GRACE, Family, is_in_foreground
from partway.engine.workers.channel import WorkerContext

from .shell import shell_words

_TICK = 0.05  # seconds between checks of a program that has closed its output but not exited
_SIGNALS_TOGETHER = 0.3  # the longest delay in seconds between the same Ctrl-C in the program and in this process
_SHELL_SIGNAL = 128  # a shell's exit code for a program that a signal ended is this and the signal's number


class Producer:
    """A running shell command.  If the block ends first, its processes are terminated.

    In the foreground of a terminal it shares the process group, so that it may ask for a password there and Ctrl-C
    reaches it too.  Otherwise it gets its own process group, which is terminated as a whole.

    descriptor: the readable end of its output.

    Raises:
        SourceError: there is no shell to run it.
    """

    def __init__(self, command: str) -> None:
        self._shares_group = is_in_foreground()
        self._left_others = False
        self._ended = threading.Event()
        try:
            with last_acts.adding(self.kill):
                self._process = subprocess.Popen(
                    shell_words(command),
                    stdout=subprocess.PIPE,
                    bufsize=0,
                    process_group=None if self._shares_group else 0,
                )
                self._family = Family(self._process.pid, own_group=not self._shares_group)
        except (OSError, ValueError) as error:
            raise SourceError(f"the producer cannot be started: {error}") from error
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self.descriptor = self._output.fileno()
        threading.Thread(target=self._watch, name="producer", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ended.is_set():
            self._family.end()
        self._ended.wait(GRACE)
        last_acts.remove(self.kill)
        self._output.close()

    def kill(self) -> None:
        """Kill its processes at once; does nothing if it has exited."""
        if not self._ended.is_set():
            self._family.kill()

    def confirm(self, worker: WorkerContext) -> None:
        """Wait until it has exited.

        Raises:
            UploadFailed: it failed, so its output may be incomplete.
        """
        while not self._ended.is_set():
            worker.sleep(_TICK)
        code = self._process.returncode
        if code and self._shares_group and _signal_of(code) == signal.SIGINT:
            worker.sleep(_SIGNALS_TOGETHER)
        if code:
            raise UploadFailed(
                f"the producer failed with {_how(code)}, so no object was created; run this again",
                resumable=True,
            )
        if self._left_others:
            raise UploadFailed(
                "the producer's shell ended while a program that it had started in the background was still writing, "
                "so its failure could have gone unnoticed; no object was created. End the command with `wait $!`",
                resumable=True,
            )

    def _watch(self) -> None:
        """Wait for the shell to exit.  Unless it succeeded, processes that it leaves behind are terminated."""
        code = self._process.wait()
        self._left_others = not _is_closed(self.descriptor)
        if code or self._left_others:
            self._family.end()
        self._ended.set()


def _is_closed(descriptor: int) -> bool:
    """True when no process can write to the pipe any more; it may still contain bytes."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _signal_of(code: int) -> int:
    """The signal indicated by a return code or a shell's exit code; 0 for none."""
    return -code if code < 0 else max(0, code - _SHELL_SIGNAL)


def _how(code: int) -> str:
    number = _signal_of(code)
    name = signal.Signals(number).name if number in signal.valid_signals() and number else ""
    if code < 0:
        return f"signal {number} ({name})" if name else f"signal {number}"
    if number == signal.SIGPIPE:
        return f"exit code {code} (SIGPIPE: a program in the pipeline closed its input early, as `head` does)"
    return f"exit code {code} ({name})" if name else f"exit code {code}"
