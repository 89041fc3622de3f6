"""The root of partway's errors, and those of the store.

The class says what the caller can do about it::

    PartwayError
    └── StateError            the store cannot be read or written: see the message
        ├── StateLocked       another process holds the upload or the store: wait, then run again
        ├── LocksUnsupported  the filesystem has no file locks: use another state folder
        ├── StateTooNew       written by a newer partway: update, or use another state folder
        └── StateDamaged      the file is no database, or a broken one: move it away
"""


class PartwayError(Exception):
    """Root of every error that partway raises on purpose; its text is one sentence for the user."""


class StateError(PartwayError):
    """The store cannot be read or written."""


class StateLocked(StateError):
    """Another process holds the same upload, or keeps the store busy."""


class LocksUnsupported(StateError):
    """The filesystem of the state folder has no file locks."""


class StateTooNew(StateError):
    """The store was written by a newer version."""


class StateDamaged(StateError):
    """The store's file is not a database, or a damaged one."""
