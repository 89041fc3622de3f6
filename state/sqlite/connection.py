"""Connections to the database: to write what must survive, or to read where nothing can be written."""

import sqlite3
from contextlib import closing
from pathlib import Path

from .database import StoreDatabase

BUSY_SECONDS = 30.0
_PRAGMAS = (
    # In WAL mode NORMAL may lose the last commits when the power fails; a receipt must not be lost.
    "synchronous = FULL",
    # On macOS fsync ends in the disk's cache; these have no effect elsewhere.
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    "foreign_keys = ON",
    # Checkpoint early: by default the log would grow to 4 MiB beside the 1 MiB of 10,000 parts.
    "wal_autocheckpoint = 128",
)


def connect(path: Path) -> StoreDatabase:
    """A database whose commits are on the disk when they return."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        database = StoreDatabase(connection)
        for pragma in _PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return database


def connect_read_only(path: Path) -> StoreDatabase:
    """A database that changes nothing, also in a directory that cannot be written.

    SQLite reads a write-ahead log through a file beside it.  Where that file is missing and cannot be created, no
    process has the database open: it is read without the log, or, when the log is not empty, from a copy in memory.
    """
    try:
        return _open(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return _copy(path, log)
    return _open(path, "mode=ro&immutable=1")


def copy_to_memory(connection: sqlite3.Connection) -> StoreDatabase:
    """A copy that shares nothing with the original."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(memory)
    return StoreDatabase(memory)


def _open(path: Path, parameters: str) -> StoreDatabase:
    uri = f"{path.absolute().as_uri()}?{parameters}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        database = StoreDatabase(connection)
        database.table_names()  # the file is opened by the first query
    except BaseException:
        connection.close()
        raise
    return database


def _copy(path: Path, log: Path) -> StoreDatabase:
    """The database together with its log."""
    import shutil
    import tempfile  # only here: importing it takes longer than opening a store

    with tempfile.TemporaryDirectory() as folder:
        for file in (path, log):
            shutil.copyfile(file, Path(folder) / file.name)
        with closing(sqlite3.connect(Path(folder) / path.name)) as copy:
            return copy_to_memory(copy)
