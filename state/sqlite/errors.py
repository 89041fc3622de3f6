"""Translate errors of SQLite and sqlite-utils to StateErrors, each with a remedy."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils.db import InvalidColumns, NoTable, PrimaryKeyRequired

from ..errors import FREE_SPACE, StateDamaged, StateError, StateFull, StateLocked, state_error
from ..files.file_lock import has_record_locks, locks_unsupported
from ..files.space import try_to_grow
from .rows import BadRow

# What SQLite reports when fcntl or mmap is not supported by the filesystem.
_LOCK_FAILURES = frozenset(
    f"SQLITE_IOERR_{name}" for name in ("LOCK", "RDLOCK", "UNLOCK", "CHECKRESERVEDLOCK", "SHMLOCK", "SHMMAP")
)
# sqlite-utils raises its own errors for a table that is missing or has other columns.  UnicodeDecodeError comes from a
# message of SQLite that quotes damaged text.
_DAMAGE = (sqlite3.DatabaseError, BadRow, NoTable, InvalidColumns, PrimaryKeyRequired, UnicodeDecodeError)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise errors of SQLite and of the filesystem, about the database ``path``, as StateErrors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _translate(error, path) from error
    except _DAMAGE as error:
        raise _damaged(error, path) from error
    except OSError as error:
        raise state_error(f"cannot write in {path.parent}", error) from error


def busy(path: Path) -> StateLocked:
    """The error for a database that another process keeps locked."""
    return StateLocked(f"another process keeps {path} busy; run again in a moment")


def _translate(error: sqlite3.OperationalError, path: Path) -> StateError:
    text = str(error)
    is_busy = "locked" in text or "busy" in text
    if getattr(error, "sqlite_errorname", "") in _LOCK_FAILURES:
        return locks_unsupported(path.parent)
    # SQLite takes ENOLCK for a lock held by another process, and ENOSYS for a failing disk.
    if (is_busy or "I/O" in text) and not has_record_locks(path.parent):
        return locks_unsupported(path.parent)
    if is_busy:
        return busy(path)
    if "malformed" in text or "no such" in text:
        return _damaged(error, path)
    if (full := _full(error, path)) is not None:
        return full
    return StateError(
        f"cannot read or write {path}: {text}; fix the permissions or the disk, or choose another "
        "directory with --state-dir"
    )


def _full(error: sqlite3.OperationalError, path: Path) -> StateError | None:
    """The error that names what is full, or None when there is space.

    SQLite reports a full quota, a file size limit and some full disks as an I/O error, without the errno.
    """
    text = str(error)
    if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
        return StateFull(f"cannot write {path}: {text}; {FREE_SPACE}")
    if "I/O" not in text and "unable to open" not in text:
        return None
    try:
        try_to_grow(path)
    except OSError as refused:
        found = state_error(f"cannot write {path}", refused)
        return found if isinstance(found, StateFull) else None
    return None


def _damaged(error: Exception, path: Path) -> StateDamaged:
    return StateDamaged(
        f"{path} is damaged or not a partway database ({error}); move it elsewhere and run again: "
        "finished parts are still on S3"
    )
