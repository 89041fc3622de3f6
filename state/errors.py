"""The root of partway's errors, and those of the store.

The class says what the caller can do about it::

    PartwayError
    └── StateError            the store cannot be read or written: see the message
        ├── StateLocked       another process has locked the upload or the store: wait, then run again
        ├── StateFull         the disk, a quota or a file size limit is full: free some space, then run again
        ├── LocksUnsupported  the filesystem has no file locks: use another state directory
        ├── StateTooNew       written by a newer partway: update, or use another state directory
        └── StateDamaged      the file is not a database, or a damaged one: move it elsewhere
"""

import errno

FREE_SPACE = "free some space there, then run the same command again"
_RAISE_LIMIT = "raise the limit on file sizes (ulimit -f), then run the same command again"
_FULL = {errno.ENOSPC: FREE_SPACE, errno.EDQUOT: FREE_SPACE, errno.EFBIG: _RAISE_LIMIT}


class PartwayError(Exception):
    """Root of every error that partway raises on purpose; its text is one sentence for the user."""


class StateError(PartwayError):
    """The store cannot be read or written."""


class StateLocked(StateError):
    """Another process has locked the same upload, or keeps the store busy."""


class StateFull(StateError):
    """The disk of the state directory, the user's quota, or the process's limit on file sizes is exhausted."""


class LocksUnsupported(StateError):
    """The filesystem of the state directory has no file locks."""


class StateTooNew(StateError):
    """The store was written by a newer version."""


class StateDamaged(StateError):
    """The store's file is not a database, or a damaged one."""


def state_error(what: str, error: OSError, advice: str = "") -> StateError:
    """The error for a call that the operating system refused.

    what: the failed action, as in ``cannot write in /state``.
    advice: what to do about it, unless there is no space left.
    """
    reason = f"{what}: {error.strerror or error}"
    if error.errno in _FULL:
        return StateFull(f"{reason}; {_FULL[error.errno]}")
    return StateError(f"{reason}; {advice}" if advice else reason)
