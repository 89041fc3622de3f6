"""Bring a database to the schema of this version, and refuse one of a newer version."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StateTooNew
from .connection import committing
from .migrations import BOOKKEEPING, MIGRATION_SET, MIGRATIONS

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations


def has_every_migration(db: sqlite3.Connection, path: Path) -> bool:
    """False when some of them are missing.

    Raises:
        StateTooNew: there is one that this version does not know.
    """
    has_any = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
    if db.execute(has_any).fetchone() is None:
        return False
    # applied_at is what sqlite-utils needs: where a damaged table does not have it, SQLite says so.
    query = "SELECT name, applied_at FROM _sqlite_migrations WHERE migration_set = ?"
    applied = {name for name, _ in db.execute(query, [MIGRATION_SET])}
    known = {name for name, _ in MIGRATIONS}
    if applied - known:
        raise _too_new(path)
    return applied == known


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Refuse to write what a newer version migrated meanwhile.

    Raises:
        StateTooNew
    """
    query = "SELECT count(*) FROM _sqlite_migrations WHERE migration_set = ?"
    (applied,) = db.execute(query, [MIGRATION_SET]).fetchone()
    if applied > len(MIGRATIONS):
        raise _too_new(path)


def migrate(db: sqlite3.Connection, connect: Callable[[], sqlite3.Connection]) -> None:
    """Apply the migrations that are missing.  One process at a time.

    db: used for a database that is empty.
    connect: gives the connection for one that is not; it is closed.
    """
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        _create(db)
        return
    from sqlite_utils import Database

    with closing(Database(connect(), execute_plugins=False)) as database:
        database.enable_wal()
        _migrations().apply(database)


def migrated_copy(db: sqlite3.Connection) -> sqlite3.Connection:
    """A copy in memory with every migration; ``db`` is closed."""
    from sqlite_utils import Database

    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    db.close()
    _migrations().apply(Database(copy, execute_plugins=False))
    return copy


def _create(db: sqlite3.Connection) -> None:
    """Every migration, in a database that has nothing."""
    db.execute("PRAGMA journal_mode = WAL")
    with committing(db):
        for statement in BOOKKEEPING:
            db.execute(statement)
        for name, statements in MIGRATIONS:
            for statement in statements:
                db.execute(statement)
            db.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
                [MIGRATION_SET, name, str(datetime.now(UTC))],
            )


def _migrations() -> "Migrations":
    # Imported here: it takes longer than all that a store does at start-up, and most runs need no migration.
    from sqlite_utils import Migrations

    migrations = Migrations(MIGRATION_SET)
    for name, statements in MIGRATIONS:
        migrations(name=name)(_runner(statements))
    return migrations


def _runner(statements: tuple[str, ...]) -> "Callable[[Database], None]":
    def migration(db: "Database") -> None:
        for statement in statements:
            db.execute(statement)

    return migration


def _too_new(path: Path) -> StateTooNew:
    return StateTooNew(
        f"{path} was written by a newer version of partway; update partway, or name another folder with --state-dir"
    )
