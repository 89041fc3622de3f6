"""Maintenance of the store's SQLite file; connection, transactions and the translation of errors are the store's."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from ..files import file_lock
from .database import StoreDatabase
from .rows import batches, marks

_MAX_TEXT = 200  # characters


class SqliteMaintenance:
    """The maintenance of one SqliteStore.

    Args:
        path: The database file.
        reading, writing: Blocks that translate errors; the latter is one transaction.
    """

    def __init__(
        self,
        path: Path,
        database: StoreDatabase,
        reading: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._path = path
        self._db = database
        self._reading = reading
        self._writing = writing

    def size(self) -> int:
        files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        with self._reading():
            return sum(file.stat().st_size for file in files if file.exists())

    def check_integrity(self) -> str | None:
        with self._reading():
            found = [str(row["integrity_check"]) for row in self._db.query("PRAGMA integrity_check(1)")]
        return None if found == ["ok"] else " ".join(" ".join(found).split())[:_MAX_TEXT]

    def delete(self, uploads: Iterable[str], jobs: Iterable[str]) -> None:
        with self._writing():
            for name, ids in (("uploads", uploads), ("jobs", jobs)):
                table = self._db.existing_table(name)
                for batch in batches(ids):
                    table.delete_where(f"id IN ({marks(batch)})", batch)

    def vacuum(self) -> None:
        with self._reading():
            self._db.vacuum()
            # Move the log's content to the database and give the log's space back to the disk.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def remove_stale_files(self) -> int:
        folder = self._path.parent
        locks, running = _files(folder / "locks"), _files(folder / "running")
        with self._reading():
            # The IDs are read last: a run is stored before it publishes a snapshot.
            known = {row["id"] for name in ("uploads", "jobs") for row in self._ids(name)}
            unused = [*locks, *(path for path in running if path.name not in known)]
            return sum(map(file_lock.remove_if_free, unused))

    def _ids(self, name: str) -> Iterable[dict[str, str]]:
        return self._db.existing_table(name).rows_where(select="id")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
