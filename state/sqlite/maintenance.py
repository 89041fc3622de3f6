"""Care for the store's SQLite file: the statements; connection, transactions and errors are the store's."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..files import file_lock

_MOST_TOLD = 200  # characters


class SqliteUpkeep:
    """The upkeep of one SqliteStore.

    Args:
        path: The database.
        execute, execute_many: of the connection.
        reading, writing: blocks that translate errors; the latter is one transaction.
    """

    def __init__(
        self,
        path: Path,
        execute: Callable[..., Any],
        execute_many: Callable[..., Any],
        reading: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._path = path
        self._execute = execute
        self._execute_many = execute_many
        self._reading = reading
        self._writing = writing

    def size(self) -> int:
        files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        with self._reading():
            return sum(file.stat().st_size for file in files if file.exists())

    def problem(self) -> str | None:
        with self._reading():
            found = [str(row[0]) for row in self._execute("PRAGMA integrity_check(1)")]
        return None if found == ["ok"] else " ".join(" ".join(found).split())[:_MOST_TOLD]

    def forget(self, uploads: Iterable[str], jobs: Iterable[str]) -> None:
        with self._writing():
            self._execute_many("DELETE FROM uploads WHERE id = ?", [(id,) for id in uploads])
            self._execute_many("DELETE FROM jobs WHERE id = ?", [(id,) for id in jobs])

    def shrink(self) -> None:
        with self._reading():
            self._execute("VACUUM")
            # What the log holds goes into the database, and the log's space back to the disk.
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def sweep(self) -> int:
        folder = self._path.parent
        locks, running = _files(folder / "locks"), _files(folder / "running")
        with self._reading():
            # In this order: a run is stored before it has a live record.
            known = {id for (id,) in self._execute("SELECT id FROM uploads UNION ALL SELECT id FROM jobs")}
            unused = [*locks, *(path for path in running if path.name not in known)]
            return sum(map(file_lock.remove_if_free, unused))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
