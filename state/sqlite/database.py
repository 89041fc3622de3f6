"""The store's database: a ``sqlite_utils.Database`` that treats a missing table as damage."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlite_utils.db import Database, NoTable, Table


class StoreDatabase(Database):
    """``sqlite_utils.Database`` over a connection that starts no transaction by itself.

    Args:
        connection: Made with ``isolation_level=None``.  Plugins of the sqlite-utils command line are not loaded.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, recursive_triggers=False, execute_plugins=False)

    @property
    def supports_on_conflict(self) -> bool:
        """True for every SQLite since 3.24 (2018).

        sqlite-utils finds out by creating a table, within the caller's transaction: a full disk would pass for a "no",
        and every process would read the schema again.
        """
        return True

    @contextmanager
    def immediate(self) -> Iterator[None]:
        """One transaction with the right to write from its start; ``atomic()`` inside it becomes a savepoint.

        A transaction that reads first and then writes, as ``atomic()`` alone makes it, fails at once when another
        process wrote in between.  This one waits for its turn.
        """
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def existing_table(self, name: str) -> Table:
        """The table with this name.  sqlite-utils itself reads a missing table as empty, and creates it on insert.

        Raises:
            NoTable: it is missing.
        """
        table = Table(self, name)
        if not table.exists():
            raise NoTable(f"no such table: {name}")
        return table
