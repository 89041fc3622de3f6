"""Connections to the database: to write what must survive, or to read where nothing can be written."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_SECONDS = 30.0
_PRAGMAS = (
    # In WAL mode NORMAL may lose the last commits when the power fails; a receipt must not be lost.
    "synchronous = FULL",
    # On macOS fsync ends in the disk's cache; these have no effect elsewhere.
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    "foreign_keys = ON",
    # The log is put into the database early: by itself it would grow to 4 MiB beside the 1 MiB of 10,000 parts.
    "wal_autocheckpoint = 128",
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return; it begins no transaction by itself."""
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
    except BaseException:
        db.close()
        raise
    return db


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, also in a folder that cannot be written.

    SQLite reads a write-ahead log through a file beside it.  Where that file is not there and cannot be made, no
    process has the database open: it is read without the log, or, when there is something in the log, from a copy.
    """
    try:
        return _opened(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return _copied(path, log)
    return _opened(path, "mode=ro&immutable=1")


@contextmanager
def committing(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction that has the right to write from its start."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.commit()
    except BaseException:
        db.rollback()
        raise


def _opened(path: Path, how: str) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _copied(path: Path, log: Path) -> sqlite3.Connection:
    """What database and log have together, in memory."""
    import shutil
    import tempfile  # only here: it takes longer to import than a store to open

    memory = sqlite3.connect(":memory:", isolation_level=None)
    with tempfile.TemporaryDirectory() as folder:
        for file in (path, log):
            shutil.copyfile(file, Path(folder) / file.name)
        with closing(sqlite3.connect(Path(folder) / path.name)) as copy:
            copy.backup(memory)
    return memory
