"""The store in a SQLite file: WAL, every write durable before the call returns, readable by its owner only."""

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import StateError, StateLocked, state_error
from ..files import file_lock, locks
from ..files.live import LiveFiles
from ..files.private import make_private
from ..jobs import JobStore
from ..maintenance import Upkeep
from ..uploads import UNFINISHED, PartRecord, UploadRecord, UploadStatus
from .connection import BUSY_SECONDS, committing, connect, connect_read_only
from .errors import busy, translated
from .jobs import SqliteJobs
from .maintenance import SqliteUpkeep
from .rows import PART_COLUMNS, UPLOAD_COLUMNS, part_from_sql, part_rows, text_or_null, to_sql, upload_from_sql
from .schema import check_version, has_every_migration, migrate, migrated_copy

NAME = "partway.db"  # in the state folder
_PROBE_SECONDS = 0.1  # `clean` holds a claim for microseconds, to see whether anybody else does


class SqliteStore:
    """Keeps uploads in ``folder/partway.db``, their claims in ``folder/locks``, what they say in ``folder/running``.

    The folder is made with mode 0700 when it is missing, the database with 0600; wider modes are corrected.  Several
    processes may use one folder at the same time; one object of this class belongs to one thread.

    Args:
        read_only: Only look, in a folder that need not be writable: the database must be there, and nothing is
            changed.  One of an older version is read from a copy in memory, which does not see later changes.

    exposed: A sentence for each file that other users can read, and whose mode cannot be corrected.

    Raises (at construction too):
        LocksUnsupported: the folder is on a filesystem without file locks.
        StateTooNew: the file was written by a newer version.
        StateDamaged: the file is no database, or a broken one.
        StateError: it cannot be opened, read or written (permissions, read-only folder, full disk).
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.path = folder / NAME
        self.exposed: tuple[str, ...] = ()
        self._db = self._open_read_only() if read_only else self._open()
        calls = (self._db.execute, self._db.executemany, self._translated, self._writing)
        self.jobs: JobStore = SqliteJobs(*calls)
        self.upkeep: Upkeep = SqliteUpkeep(self.path, *calls)
        self.live = LiveFiles(folder / "running")

    def _open(self) -> sqlite3.Connection:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_file(self.path)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        self.exposed = make_private(self.folder)
        if not file_lock.has_record_locks(self.folder):
            raise file_lock.locks_unsupported(self.folder)
        with self._translated(), ExitStack() as stack:
            db = stack.enter_context(closing(self._connect()))
            is_current = has_every_migration(db, self.path)
            if not is_current or db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                self._migrate(db)
            stack.pop_all()
        return db

    def _open_read_only(self) -> sqlite3.Connection:
        with self._translated(), ExitStack() as stack:
            db = stack.enter_context(closing(connect_read_only(self.path)))
            is_current = has_every_migration(db, self.path)
            stack.pop_all()
            db = db if is_current else migrated_copy(db)
            db.execute("PRAGMA query_only = ON")
            return db

    def _connect(self) -> sqlite3.Connection:
        return connect(self.path)

    def _migrate(self, db: sqlite3.Connection) -> None:
        # One process at a time: SQLite does not wait for others when it changes the journal mode.
        try:
            with file_lock.hold(self.folder / "schema.lock", wait=BUSY_SECONDS):
                migrate(db, self._connect)
        except StateLocked:
            raise busy(self.path) from None

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self.path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction that has the right to write from its start.

        A transaction that begins by reading and then writes is refused at once when another process wrote meanwhile;
        this one waits for its turn.
        """
        with self._translated(), committing(self._db):
            check_version(self._db, self.path)
            yield

    def claim(self, source: str, endpoint: str, bucket: str, key: str) -> AbstractContextManager[None]:
        return locks.hold(locks.lock_path(self.folder / "locks", source, endpoint, bucket, key), wait=_PROBE_SECONDS)

    def save_upload(self, record: UploadRecord) -> None:
        row = asdict(record) | {
            "source": to_sql(record.source),
            "key": to_sql(record.key),
            "mtime_ns": str(record.mtime_ns),
            "inode": str(record.inode),
            "device": str(record.device),
            "ctime_ns": text_or_null(record.ctime_ns),
        }
        columns = ", ".join(UPLOAD_COLUMNS)
        values = ", ".join(f":{name}" for name in UPLOAD_COLUMNS)
        # Not INSERT OR REPLACE: that deletes the row first, and its parts with it.
        updates = ", ".join(f"{name} = excluded.{name}" for name in UPLOAD_COLUMNS)
        with self._writing():
            self._db.execute(
                f"INSERT INTO uploads ({columns}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {updates}", row
            )

    def upload(self, id: str) -> UploadRecord | None:
        return next(iter(self._select("id = ?", [id])), None)

    def uploads(self, prefix: str = "", *, statuses: Iterable[UploadStatus] | None = None) -> list[UploadRecord]:
        wanted = sorted(UploadStatus if statuses is None else statuses)
        marks = ", ".join("?" * len(wanted))
        return self._select(f"substr(id, 1, ?) = ? AND status IN ({marks})", [len(prefix), prefix, *wanted])

    def uploads_to(self, bucket: str, key: str) -> list[UploadRecord]:
        return self._select("bucket = ? AND key = ?", [bucket, to_sql(key)])

    def unfinished(self, source: str, endpoint: str, bucket: str, key: str) -> UploadRecord | None:
        found = [record for record in self.unfinished_to(endpoint, bucket, key) if record.source == source]
        return found[0] if found else None

    def unfinished_to(self, endpoint: str, bucket: str, key: str) -> list[UploadRecord]:
        marks = ", ".join("?" * len(UNFINISHED))
        return self._select(
            f"bucket = ? AND key = ? AND endpoint = ? AND status IN ({marks})",
            [bucket, to_sql(key), endpoint, *sorted(UNFINISHED)],
        )[::-1]

    def remove_upload(self, id: str) -> None:
        with self._writing():
            self._db.execute("DELETE FROM uploads WHERE id = ?", [id])
        self.live.end(id)

    def save_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        rows = part_rows(id, parts)
        with self._writing():
            self._insert_parts(id, rows)

    def replace_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        rows = part_rows(id, parts)
        with self._writing():
            self._db.execute("DELETE FROM parts WHERE upload = ?", [id])
            self._insert_parts(id, rows)

    def _insert_parts(self, id: str, rows: list[tuple[Any, ...]]) -> None:
        if rows and self._db.execute("SELECT 1 FROM uploads WHERE id = ?", [id]).fetchone() is None:
            raise StateError(f"there is no upload {id} to remember parts of")
        self._db.executemany(
            "INSERT OR REPLACE INTO parts (upload, number, size, etag, checksum, run) VALUES (?, ?, ?, ?, ?, ?)", rows
        )

    def parts(self, id: str) -> list[PartRecord]:
        query = f"SELECT {', '.join(PART_COLUMNS)} FROM parts WHERE upload = ? ORDER BY number"
        with self._translated():
            rows = self._db.execute(query, [id]).fetchall()
            return [part_from_sql(row) for row in rows]

    def part_totals(self, id: str) -> tuple[int, int]:
        query = "SELECT count(*), coalesce(sum(size), 0) FROM parts WHERE upload = ?"
        with self._translated():
            count, size = self._db.execute(query, [id]).fetchone()
            return count, size

    def all_part_totals(self, *, statuses: Iterable[UploadStatus] | None = None) -> dict[str, tuple[int, int]]:
        wanted = sorted(UploadStatus if statuses is None else statuses)
        query = (
            "SELECT upload, count(*), sum(size) FROM parts WHERE upload IN "
            f"(SELECT id FROM uploads WHERE status IN ({', '.join('?' * len(wanted))})) GROUP BY upload"
        )
        with self._translated():
            return {id: (count, size) for id, count, size in self._db.execute(query, wanted)}

    def save_endpoint_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO endpoints VALUES (?, ?, ?)", [endpoint, algorithm, at])

    def get_endpoint_algorithm(self, endpoint: str, *, since: float) -> str | None:
        query = "SELECT checksum_algorithm FROM endpoints WHERE endpoint = ? AND learned_at >= ?"
        with self._translated():
            row = self._db.execute(query, [endpoint, since]).fetchone()
            return None if row is None else str(row[0])

    def close(self) -> None:
        self.live.close()
        with self._translated():
            self._db.close()

    def _select(self, where: str, values: list[Any]) -> list[UploadRecord]:
        query = f"SELECT {', '.join(UPLOAD_COLUMNS)} FROM uploads WHERE {where} ORDER BY created_at, id"
        with self._translated():
            return [upload_from_sql(row) for row in self._db.execute(query, values).fetchall()]


def exists(folder: Path) -> bool:
    """Whether the folder has a database.

    Raises:
        StateError: nobody can tell, because the folder may not be entered.
    """
    try:
        (folder / NAME).stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(folder, error) from error
    return True


def is_writable(folder: Path) -> bool:
    """Whether the folder's database can be written: the file, and others beside it."""
    return os.access(folder, os.W_OK | os.X_OK) and os.access(folder / NAME, os.R_OK | os.W_OK)


def _unusable(folder: Path, error: OSError) -> StateError:
    advice = "name another with --state-dir or PARTWAY_STATE_DIR"
    return state_error(f"cannot use the state folder {folder}", error, advice)


def _make_file(path: Path) -> None:
    """Create the database when it is missing, before SQLite would: then it is never readable by others.

    SQLite gives the -wal and -shm files the mode of the database.  One that exists is not opened: to close any
    descriptor of it drops the locks that other connections of this process have on it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        if not os.access(path, os.R_OK | os.W_OK):
            is_read_only = os.statvfs(path).f_flag & os.ST_RDONLY
            reason = errno.EROFS if is_read_only else errno.EACCES
            raise PermissionError(reason, os.strerror(reason)) from None
