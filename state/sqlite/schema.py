"""Bring a database to the schema of this version, and refuse one of a newer version."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

from ..errors import StateTooNew
from .connection import copy_to_memory
from .database import StoreDatabase
from .migrations import MIGRATION_SET, MIGRATIONS
from .rows import BadRow

if TYPE_CHECKING:
    from sqlite_utils import Database


def is_current(database: StoreDatabase, path: Path) -> bool:
    """False when a migration is missing.

    Raises:
        StateTooNew: there is one that this version does not know.
        BadRow: the table of the migrations has other columns.
    """
    try:
        applied = {migration.name for migration in _migrations().applied(database)}
    except KeyError as error:
        raise BadRow(f"no such column: {error}") from error
    known = {name for name, _ in MIGRATIONS}
    if applied - known:
        raise _too_new(path)
    return applied == known


def check_version(database: StoreDatabase, path: Path) -> None:
    """Refuse to write to a database that a newer version has migrated since it was opened.

    Raises:
        StateTooNew
    """
    table = database.existing_table(Migrations.migrations_table)
    if table.count_where("migration_set = ?", [MIGRATION_SET]) > len(MIGRATIONS):
        raise _too_new(path)


def migrate(database: StoreDatabase) -> None:
    """Switch to WAL mode and apply the migrations that are missing: all of them or none.

    SQLite does not wait for others when it changes the journal mode, so callers hold a lock.
    """
    database.enable_wal()
    with database.immediate():
        _migrations().apply(database)


def migrated_copy(database: StoreDatabase) -> StoreDatabase:
    """A copy in memory with every migration; ``database`` is closed."""
    with closing(database):
        copy = copy_to_memory(database.conn)
    _migrations().apply(copy)
    return copy


def _migrations() -> Migrations:
    migrations = Migrations(MIGRATION_SET)
    for name, statements in MIGRATIONS:
        migrations(name=name)(_runner(statements))
    return migrations


def _runner(statements: tuple[str, ...]) -> "Callable[[Database], None]":
    def migration(database: "Database") -> None:
        for statement in statements:
            database.execute(statement)

    return migration


def _too_new(path: Path) -> StateTooNew:
    return StateTooNew(
        f"{path} was written by a newer version of partway; update partway, or choose another "
        "directory with --state-dir"
    )
