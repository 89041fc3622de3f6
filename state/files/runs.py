"""Since when a list of commands has been unfinished: a small file, so that the next run knows what is done."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from ..errors import state_error


class UnfinishedRun:
    """One list of commands, by its text.  began_at: when its first unfinished run began, in seconds since the epoch."""

    def __init__(self, folder: Path, text: bytes, now: float) -> None:
        """Remember the run in ``folder``, unless an earlier one is remembered.

        Raises:
            StateError
        """
        self._path = folder / "runs" / hashlib.sha256(text).hexdigest()[:32]
        try:
            self.began_at = self._read() or self._write(now)
        except OSError as error:
            raise state_error(f"cannot write {self._path}", error) from error

    def _read(self) -> float | None:
        with suppress(FileNotFoundError, ValueError):
            return float(self._path.read_text("ascii"))
        return None

    def _write(self, now: float) -> float:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(repr(now))
        return now

    def end(self) -> None:
        """Every command is done: the next run does all of it again."""
        with suppress(OSError):
            self._path.unlink()
