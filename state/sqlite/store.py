"""The store in a SQLite file: WAL mode, each write durable before the call returns, readable by its owner only."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from ..errors import StateError, StateLocked
from ..files import file_lock, locks
from ..files.live import LiveFiles
from ..files.private import make_private
from ..jobs import JobStore
from ..maintenance import StoreMaintenance
from ..uploads import UNFINISHED, PartRecord, UploadRecord, UploadStatus
from .connection import BUSY_SECONDS, connect, connect_read_only
from .database import StoreDatabase
from .errors import busy, translated
from .file import NAME, create, unusable
from .jobs import SqliteJobs
from .maintenance import SqliteMaintenance
from .rows import PART_COLUMNS, UPLOAD_COLUMNS, marks, part_from_row, part_rows, to_sql, upload_from_row, upload_row
from .schema import check_version, is_current, migrate, migrated_copy

_PROBE_SECONDS = 0.1  # `clean` takes a lock for microseconds, to see whether it is free


class SqliteStore:
    """Stores uploads in ``folder/partway.db``, locks in ``folder/locks``, and snapshots in ``folder/running``.

    A missing directory is created with mode 0700, the database with 0600; wider modes are corrected.  Several processes
    may use one directory at the same time; an instance belongs to one thread.

    Args:
        folder: The state directory.
        read_only: True changes nothing and works in a directory that cannot be written; the database must exist.  One
            of an older version is read from a copy in memory, which does not see later changes.

    Attributes:
        exposed: A sentence for each file that other users can read and whose mode cannot be corrected.

    Raises (at construction too):
        LocksUnsupported: the directory is on a filesystem without file locks.
        StateTooNew: the file was written by a newer version.
        StateDamaged: the file is not a database, or a damaged one.
        StateFull: the disk, a quota or a file size limit is full.
        StateError: it cannot be opened, read or written (permissions, read-only directory, broken disk).
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.path = folder / NAME
        self.exposed: tuple[str, ...] = ()
        self._db = self._open_read_only() if read_only else self._open()
        self.jobs: JobStore = SqliteJobs(self._db, self._translated, self._writing)
        self.maintenance: StoreMaintenance = SqliteMaintenance(self.path, self._db, self._translated, self._writing)
        self.live = LiveFiles(folder / "running")

    def _open(self) -> StoreDatabase:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            create(self.path)
        except OSError as error:
            raise unusable(self.folder, error) from error
        self.exposed = make_private(self.folder)
        if not file_lock.has_record_locks(self.folder):
            raise file_lock.locks_unsupported(self.folder)
        with self._translated(), ExitStack() as stack:
            db = stack.enter_context(closing(connect(self.path)))
            if not is_current(db, self.path) or db.journal_mode != "wal":
                self._migrate(db)
            stack.pop_all()
        return db

    def _open_read_only(self) -> StoreDatabase:
        with self._translated(), ExitStack() as stack:
            db = stack.enter_context(closing(connect_read_only(self.path)))
            current = is_current(db, self.path)
            stack.pop_all()
            db = db if current else migrated_copy(db)
            db.execute("PRAGMA query_only = ON")
            return db

    def _migrate(self, db: StoreDatabase) -> None:
        # One process at a time: SQLite does not wait for others when it changes the journal mode.
        try:
            with file_lock.acquire(self.folder / "schema.lock", wait=BUSY_SECONDS):
                migrate(db)
        except StateLocked:
            raise busy(self.path) from None

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self.path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction that may write from its start, in a database of this version."""
        with self._translated(), self._db.immediate():
            check_version(self._db, self.path)
            yield

    def lock(self, source: str, endpoint: str, bucket: str, key: str) -> AbstractContextManager[None]:
        return locks.acquire(locks.lock_path(self.folder / "locks", source, endpoint, bucket, key), wait=_PROBE_SECONDS)

    def save_upload(self, record: UploadRecord) -> None:
        with self._writing():
            self._db.existing_table("uploads").upsert(upload_row(record))

    def upload(self, id: str) -> UploadRecord | None:
        return next(iter(self._select("id = ?", [id])), None)

    def uploads(self, prefix: str = "", *, statuses: Iterable[UploadStatus] | None = None) -> list[UploadRecord]:
        wanted = sorted(UploadStatus if statuses is None else statuses)
        return self._select(f"substr(id, 1, ?) = ? AND status IN ({marks(wanted)})", [len(prefix), prefix, *wanted])

    def uploads_in(
        self,
        endpoint: str,
        bucket: str,
        *,
        statuses: Iterable[UploadStatus],
        job: str | None = None,
        created_after: float | None = None,
    ) -> list[UploadRecord]:
        wanted = sorted(statuses)
        where = f"bucket = ? AND endpoint = ? AND status IN ({marks(wanted)})"
        values: list[Any] = [bucket, endpoint, *wanted]
        if job is not None:
            where += " AND job = ?"
            values.append(job)
        if created_after is not None:
            where += " AND created_at > ?"
            values.append(created_after)
        return self._select(where, values)

    def uploads_to(self, bucket: str, key: str) -> list[UploadRecord]:
        return self._select("bucket = ? AND key = ?", [bucket, to_sql(key)])

    def unfinished(self, source: str, endpoint: str, bucket: str, key: str) -> UploadRecord | None:
        found = [record for record in self.unfinished_to(endpoint, bucket, key) if record.source == source]
        return found[0] if found else None

    def unfinished_to(self, endpoint: str, bucket: str, key: str) -> list[UploadRecord]:
        return self._select(
            f"bucket = ? AND key = ? AND endpoint = ? AND status IN ({marks(UNFINISHED)})",
            [bucket, to_sql(key), endpoint, *sorted(UNFINISHED)],
        )[::-1]

    def delete_upload(self, id: str) -> None:
        with self._writing():
            self._db.existing_table("uploads").delete_where("id = ?", [id])
        self.live.remove(id)

    def save_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        rows = part_rows(id, parts)
        with self._writing():
            self._save_parts(id, rows)

    def replace_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        rows = part_rows(id, parts)
        with self._writing():
            self._db.existing_table("parts").delete_where("upload = ?", [id])
            self._save_parts(id, rows)

    def _save_parts(self, id: str, rows: list[dict[str, Any]]) -> None:
        if rows and not self._db.existing_table("uploads").count_where("id = ?", [id]):
            raise StateError(f"cannot save parts: there is no upload {id}")
        self._db.existing_table("parts").insert_all(rows, replace=True)

    def parts(self, id: str) -> list[PartRecord]:
        with self._translated():
            rows = self._db.existing_table("parts").rows_where(
                "upload = ?", [id], order_by="number", select=", ".join(PART_COLUMNS)
            )
            return [part_from_row(row) for row in rows]

    def part_totals(self, id: str) -> tuple[int, int]:
        with self._translated():
            (totals,) = self._db.existing_table("parts").rows_where(
                "upload = ?", [id], select="count(*) AS count, coalesce(sum(size), 0) AS size"
            )
            return totals["count"], totals["size"]

    def all_part_totals(self, *, statuses: Iterable[UploadStatus] | None = None) -> dict[str, tuple[int, int]]:
        wanted = sorted(UploadStatus if statuses is None else statuses)
        # SQL, because sqlite-utils has no GROUP BY.
        query = (
            "SELECT upload, count(*) AS count, sum(size) AS size FROM parts WHERE upload IN "
            f"(SELECT id FROM uploads WHERE status IN ({marks(wanted)})) GROUP BY upload"
        )
        with self._translated():
            return {row["upload"]: (row["count"], row["size"]) for row in self._db.query(query, wanted)}

    def save_endpoint_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        with self._writing():
            self._db.existing_table("endpoints").upsert(
                {"endpoint": endpoint, "checksum_algorithm": algorithm, "learned_at": at}
            )

    def get_endpoint_algorithm(self, endpoint: str, *, since: float) -> str | None:
        with self._translated():
            rows = self._db.existing_table("endpoints").rows_where(
                "endpoint = ? AND learned_at >= ?", [endpoint, since], select="checksum_algorithm"
            )
            return next((str(row["checksum_algorithm"]) for row in rows), None)

    def close(self) -> None:
        self.live.close()
        with self._translated():
            self._db.close()

    def _select(self, where: str, values: list[Any]) -> list[UploadRecord]:
        with self._translated():
            rows = self._db.existing_table("uploads").rows_where(
                where, values, order_by="created_at, id", select=", ".join(UPLOAD_COLUMNS)
            )
            return [upload_from_row(row) for row in rows]
