"""The state directory: its location, and one connection to its database per run.

SQLite keeps its locks in memory that a forked child inherits without holding them.  So a child must not open a database
that its parent had open when it forked.
https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from partway.engine.errors import StateError
from partway.state.files.place import default_directory
from partway.state.memory.store import MemoryStore
from partway.state.sqlite.file import exists, is_writable
from partway.state.sqlite.store import SqliteStore
from partway.state.store import StateStore

from .._arguments.errors import OptionError

_VARIABLE = "PARTWAY_STATE_DIR"
_lock = threading.Lock()
_open: Counter[Path] = Counter()
_inherited: set[Path] = set()


def state_directory(chosen: str | os.PathLike[str] | None) -> Path:
    """The chosen directory, that of PARTWAY_STATE_DIR, or the platform's default for this user.

    Raises:
        OptionError: it is not a path.
        StateError: the user has no home directory.
    """
    found = chosen if chosen is not None else os.environ.get(_VARIABLE)
    if found is None or found == "":
        return _default_directory()
    if not isinstance(found, (str, os.PathLike)):
        raise OptionError(f"state_dir: {found!r} is not a path")
    return Path(os.path.abspath(os.fsdecode(found)))  # noqa: PTH100 - links stay


def _default_directory() -> Path:
    directory = default_directory()
    if directory is None:
        raise StateError(
            "this user has no home directory for the state (neither HOME nor a passwd entry); "
            f"choose a directory with state_dir= or {_VARIABLE}"
        )
    return directory


@contextmanager
def opened_store(directory: Path) -> Iterator[StateStore]:
    """A store for the current thread; created if it does not exist.

    Raises:
        StateError
    """
    with _counted(directory), closing(SqliteStore(directory)) as store:
        yield store


@contextmanager
def read_store(directory: Path) -> Iterator[StateStore]:
    """The same for reading only: nothing is created, and the directory need not be writable."""
    if not exists(directory):
        yield MemoryStore()
        return
    with _counted(directory), closing(SqliteStore(directory, read_only=not is_writable(directory))) as store:
        yield store


@contextmanager
def _counted(directory: Path) -> Iterator[None]:
    with _lock:
        if directory in _inherited:
            raise StateError(
                f"this process was forked while an upload was using {directory}, and SQLite databases cannot be used "
                "across a fork; start processes before uploads or with multiprocessing's 'spawn', or give each its "
                "own state_dir"
            )
        _open[directory] += 1
    try:
        yield
    finally:
        with _lock:
            _open[directory] -= 1


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _inherited.update(directory for directory, count in _open.items() if count > 0)
    _open.clear()


os.register_at_fork(after_in_child=_after_fork)
