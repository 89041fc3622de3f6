"""``--from-command``: run the program whose output is uploaded, and know how it ended.

A pipe tells only that it ended.  Whoever starts the program also learns its exit code, before an object is made.
"""

import subprocess
from types import TracebackType
from typing import Self

from partway.engine.errors import SourceError, UploadFailed
from partway.engine.pool import Line

_TICK = 0.05  # seconds between looks at a program that has closed its output and not ended


class Producer:
    """A command of the shell at work; ended at the end of the block.

    descriptor: reads what it writes.

    Raises:
        SourceError: there is no shell to run it.
    """

    def __init__(self, command: str) -> None:
        try:
            self._process = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, bufsize=0)
        except (OSError, ValueError) as error:
            raise SourceError(f"the producer cannot be started: {error}") from error
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self.descriptor = self._output.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._output.close()

    def confirm(self, line: Line) -> None:
        """Wait for its end.

        Raises:
            UploadFailed: it failed, so what it wrote is not to be trusted.
        """
        while (code := self._process.poll()) is None:
            line.sleep(_TICK)
        if code:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise UploadFailed(
                f"the producer failed with {how}, so no object was made of what it wrote; run this again",
                resumable=True,
            )
