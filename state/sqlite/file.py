"""The database as a file: whether it is there, whether it can be written, and how it is created."""

import errno
import os
from pathlib import Path

from ..errors import StateError, state_error

NAME = "partway.db"  # in the state directory


def exists(folder: Path) -> bool:
    """Whether the directory has a database.

    Raises:
        StateError: the directory cannot be searched.
    """
    try:
        (folder / NAME).stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(folder, error) from error
    return True


def is_writable(folder: Path) -> bool:
    """Whether the database can be written: the file, and others beside it."""
    return os.access(folder, os.W_OK | os.X_OK) and os.access(folder / NAME, os.R_OK | os.W_OK)


def create(path: Path) -> None:
    """Create the database when it is missing, before SQLite would: then it is never readable by others.

    SQLite gives the -wal and -shm files the mode of the database.  One that exists is not opened: closing any
    descriptor of it drops the locks that other connections of this process have on it.

    Raises:
        OSError
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        if not os.access(path, os.R_OK | os.W_OK):
            is_read_only = os.statvfs(path).f_flag & os.ST_RDONLY
            reason = errno.EROFS if is_read_only else errno.EACCES
            raise PermissionError(reason, os.strerror(reason)) from None


def unusable(folder: Path, error: OSError) -> StateError:
    """The error for a state directory that the operating system refuses."""
    advice = "choose another with --state-dir or PARTWAY_STATE_DIR"
    return state_error(f"cannot use the state directory {folder}", error, advice)
