"""Keep the state directory private: remove the permissions of other users, or report what cannot be removed."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OTHERS = 0o077
_WRITE = 0o022  # of the group and of others
_FILES = ("partway.db", "partway.db-wal", "partway.db-shm", "schema.lock")
_FOLDERS = ("locks", "running", "runs")


def make_private(folder: Path) -> tuple[str, ...]:
    """Set partway's files and folders in the directory to 0600 and 0700, where they are ours and wider.

    The directory itself is closed only when others may write to it and it has nothing but partway's files: a directory
    with other uses, such as /tmp, is left alone.

    Returns:
        A sentence for each file that other users can still read, and one when they can replace the database.
    """
    found = [_close(folder / name) for name in (*_FILES, *_FOLDERS)]
    mode = _mode(folder)
    if mode & _WRITE and set(_names(folder)) <= {*_FILES, *_FOLDERS}:
        _close(folder)
        mode = _mode(folder)
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        found.append(f"any user can replace the files in {folder}; run `chmod 700` on it, or use another directory")
    return tuple(sentence for sentence in found if sentence)


def _close(path: Path) -> str:
    """Remove the permissions of group and others; a sentence when some of them remain."""
    if not _mode(path) & _OTHERS:
        return ""
    with suppress(OSError):
        status = path.stat()
        if status.st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
    if not _mode(path) & _OTHERS:
        return ""
    return f"other users can read or change {path}, and its mode cannot be changed; use another directory"


def _mode(path: Path) -> int:
    """The permission bits; 0 for a missing file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _names(folder: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from os.listdir(folder)  # noqa: PTH208
