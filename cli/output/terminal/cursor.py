"""The cursor of a terminal comes back, even when the process that hid it was killed.

While it is hidden, a file that is named after the terminal is locked; the lock ends with the process.  The next command
on that terminal finds the file without a lock.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_SHOW = b"\x1b[?25h"


def restore_cursor(descriptors: Sequence[int] = (2, 1)) -> None:
    """Show the cursor of the terminals at these descriptors where a killed process has left it hidden."""
    for descriptor in descriptors:
        with suppress(OSError):
            marker = _marker(descriptor)
            if marker is not None and marker.exists():
                _restore(descriptor, marker)


def _restore(terminal: int, marker: Path) -> None:
    file = os.open(marker, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        # A process that runs holds it, and this fails.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(terminal, _SHOW)
        marker.unlink()
    finally:
        os.close(file)


@contextmanager
def hidden_cursor(stream: IO[str]) -> Iterator[None]:
    """Note that the cursor of the stream's terminal is hidden, until the end of the block."""
    marked = None
    with suppress(OSError, ValueError):
        if (marker := _marker(stream.fileno())) is not None:
            marker.parent.mkdir(mode=0o700, exist_ok=True)
            marked = marker, _locked(marker)
    try:
        yield
    finally:
        if marked is not None:
            with suppress(OSError):
                marked[0].unlink()
            os.close(marked[1])


def _locked(marker: Path) -> int:
    file = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


def _marker(descriptor: int) -> Path | None:
    """The file of a terminal; None for what is no terminal, and where the directory is not the user's own.

    Raises:
        OSError: there is no such descriptor.
    """
    if not os.isatty(descriptor):
        return None
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or os.environ.get("TMPDIR") or "/tmp") / f"partway-{os.getuid()}"
    with suppress(FileNotFoundError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return None
    return folder / f"cursor-{os.fstat(descriptor).st_rdev:x}"
