"""A file lock of the operating system, released when the process that holds it dies.

The file exists only while the lock is held: the holder removes it before releasing the lock.  A process that opened the
file just before that would lock a file without a name.  It therefore compares the file that it locked with the one at
the path, and starts over when they differ.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import LocksUnsupported, StateLocked

_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK})
# Lustre without ``-o flock``, NFSv3 without lockd, SMB on macOS; EINVAL is what POSIX names for it.
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})
_MAX_TRIES = 100  # each failed try means that another process released the lock at that moment
_POLL = 0.02  # seconds


@contextmanager
def acquire(path: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock while the block runs.  The file is created with mode 0600 and removed afterwards.

    wait: seconds to wait for another process to release it.

    Raises:
        StateLocked: another process, or another block in this one, holds the lock.
        LocksUnsupported: the filesystem has no file locks.
        OSError: the file cannot be created or opened.
    """
    end = time.monotonic() + wait
    while (descriptor := _try_acquire(path)) is None:
        if time.monotonic() >= end:
            raise StateLocked(f"another process has locked {path}")
        time.sleep(_POLL)
    try:
        yield
    finally:
        _release(descriptor, path)


def remove_if_free(path: Path) -> bool:
    """Remove a lock file that a killed process or an older version left; False when a process holds the lock.

    Raises:
        LocksUnsupported, OSError.
    """
    try:
        descriptor = _try_acquire(path, create=False)
    except FileNotFoundError:
        return False
    if descriptor is None:
        return False
    _release(descriptor, path)
    return True


def try_lock(descriptor: int, folder: Path, *, shared: bool = False) -> bool:
    """Lock an open file without waiting; False when another open file has the lock.

    folder: the file's directory, for the message.

    Raises:
        LocksUnsupported: the filesystem has no locks.
        OSError
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        if error.errno in _UNSUPPORTED:
            raise locks_unsupported(folder) from error
        raise
    return True


def has_record_locks(folder: Path) -> bool:
    """Whether the filesystem supports the POSIX locks that SQLite uses.

    Tried on a separate file: closing any descriptor of the database would drop SQLite's locks on it.
    """
    path = folder / f".locks-{os.getpid()}"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return True  # a different failure, reported where it matters
    try:
        path.unlink(missing_ok=True)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _UNSUPPORTED
    finally:
        os.close(descriptor)
    return True


def locks_unsupported(folder: Path) -> LocksUnsupported:
    """The error for a directory whose filesystem has no file locks."""
    return LocksUnsupported(
        f"the filesystem of {folder} does not support the file locks that partway needs; "
        "choose a directory on a local disk with --state-dir or PARTWAY_STATE_DIR"
    )


def _try_acquire(path: Path, *, create: bool = True) -> int | None:
    """A descriptor that holds the lock of the file at ``path``; None when another process holds it.

    create: False means that a missing file raises FileNotFoundError.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    for _ in range(_MAX_TRIES):
        descriptor = os.open(path, flags, 0o600)
        acquired = False
        try:
            if not try_lock(descriptor, path.parent):
                return None
            acquired = _is_named(descriptor, path)
        finally:
            if not acquired:
                os.close(descriptor)
        if acquired:
            return descriptor
    # Without stable inode numbers there is no telling whether two processes hold the same file.
    raise locks_unsupported(path.parent)


def _release(descriptor: int, path: Path) -> None:
    with suppress(OSError):
        if _is_named(descriptor, path):
            path.unlink()
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # also where a forked child still has the descriptor
    os.close(descriptor)


def _is_named(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one at ``path`` now."""
    try:
        return os.fstat(descriptor).st_ino == path.lstat().st_ino
    except FileNotFoundError:
        return False
