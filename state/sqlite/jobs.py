"""Jobs in the store's SQLite file; connection, transactions and the translation of errors are the store's."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from typing import Any

from ..errors import StateError
from ..jobs import FileRecord, FileStatus, FileTotals, JobRecord, JobStatus
from .database import StoreDatabase
from .rows import batches, from_sql, marks, optional_int, text_or_null, to_sql

_JOB_COLUMNS = tuple(field.name for field in fields(JobRecord))
_FILE_COLUMNS = "key, size, mtime_ns, status, note, inode, ctime_ns, path"
_MISSING = "job = ? AND key NOT IN (SELECT key FROM temp.walked)"


class SqliteJobs:
    """The jobs of one SqliteStore.

    Args:
        reading, writing: Blocks that translate errors; the latter is one transaction.
    """

    def __init__(
        self,
        database: StoreDatabase,
        reading: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db = database
        self._reading = reading
        self._writing = writing

    def save(self, record: JobRecord) -> None:
        with self._writing():
            self._db.existing_table("jobs").upsert(asdict(record))

    def get(self, id: str) -> JobRecord | None:
        return next(iter(self._select("id = ?", [id])), None)

    def all(self, prefix: str = "", *, open_only: bool = False) -> list[JobRecord]:
        statuses = [JobStatus.OPEN] if open_only else list(JobStatus)
        return self._select(f"substr(id, 1, ?) = ? AND status IN ({marks(statuses)})", [len(prefix), prefix, *statuses])

    def save_files(self, job: str, files: Iterable[FileRecord]) -> None:
        rows = [_file_row(job, file) for file in files]
        with self._writing():
            if not self._db.existing_table("jobs").count_where("id = ?", [job]):
                raise StateError(f"cannot save files: there is no job {job}")
            self._db.existing_table("job_files").insert_all(rows, replace=True)

    def files(self, job: str, keys: Collection[str]) -> dict[str, FileRecord]:
        found: dict[str, FileRecord] = {}
        for batch in batches(keys):
            files = self._select_files(f"job = ? AND key IN ({marks(batch)})", [job, *batch])
            found |= {file.key: file for file in files}
        return found

    def totals(self, job: str) -> FileTotals:
        return self._totals("job = ?", [job]).get(job, FileTotals())

    def all_totals(self, *, open_only: bool = False) -> dict[str, FileTotals]:
        if not open_only:
            return self._totals("1", [])
        return self._totals("job IN (SELECT id FROM jobs WHERE status = ?)", [JobStatus.OPEN])

    def _totals(self, where: str, values: list[Any]) -> dict[str, FileTotals]:
        # SQL, because sqlite-utils has no GROUP BY.
        query = (
            "SELECT job, status, count(*) AS count, sum(size) AS size "
            f"FROM job_files WHERE {where} GROUP BY job, status"
        )
        found: dict[str, dict[str, tuple[int, int]]] = {}
        with self._reading():
            for row in self._db.query(query, values):
                found.setdefault(row["job"], {})[row["status"]] = (row["count"], row["size"])
        return {job: _totals_from_rows(statuses) for job, statuses in found.items()}

    def failures(self, job: str, limit: int) -> list[FileRecord]:
        return self._select_files("job = ? AND status = ?", [job, FileStatus.FAILED], limit=limit)

    def begin_walk(self) -> None:
        with self._reading():
            # A temporary table is a file of this connection alone: a million keys take no memory and lock nothing.
            # sqlite-utils does not see temporary tables, hence SQL.
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS walked (key TEXT PRIMARY KEY, path) WITHOUT ROWID")
            self._db.execute("DELETE FROM temp.walked")

    def record_walked(self, paths: Mapping[str, str]) -> dict[str, str]:
        before: dict[str, str] = {}
        with self._reading():
            for batch in batches(paths):
                query = f"SELECT key, path FROM temp.walked WHERE key IN ({marks(batch)})"
                before |= {key: from_sql(path) for key, path in self._db.execute(query, batch)}
            rows = [(key, to_sql(path)) for key, path in paths.items()]
            self._db.conn.executemany("INSERT OR IGNORE INTO temp.walked VALUES (?, ?)", rows)
        return before

    def count_missing(self, job: str) -> int:
        with self._reading():
            return self._db.existing_table("job_files").count_where(_MISSING, [job])

    def missing(self, job: str, limit: int) -> list[FileRecord]:
        return self._select_files(_MISSING, [job], limit=limit)

    def delete_missing(self, job: str) -> None:
        with self._writing():
            self._db.existing_table("job_files").delete_where(_MISSING, [job])

    def delete_files(self, job: str, keys: Collection[str] | None = None) -> None:
        with self._writing():
            files = self._db.existing_table("job_files")
            if keys is None:
                files.delete_where("job = ?", [job])
                return
            for batch in batches(keys):
                files.delete_where(f"job = ? AND key IN ({marks(batch)})", [job, *batch])

    def delete(self, id: str) -> None:
        with self._writing():
            self._db.existing_table("jobs").delete_where("id = ?", [id])

    def _select(self, where: str, values: list[Any]) -> list[JobRecord]:
        with self._reading():
            rows = self._db.existing_table("jobs").rows_where(
                where, values, order_by="created_at, id", select=", ".join(_JOB_COLUMNS)
            )
            return [record for row in rows if (record := _job_from_row(row)) is not None]

    def _select_files(self, where: str, values: list[Any], limit: int | None = None) -> list[FileRecord]:
        with self._reading():
            rows = self._db.existing_table("job_files").rows_where(
                where, values, order_by="key", select=_FILE_COLUMNS, limit=limit
            )
            return [file for row in rows if (file := _file_from_row(row)) is not None]


def _job_from_row(row: dict[str, Any]) -> JobRecord | None:
    """The record; None for a row that this program never writes: a job is found again by its command."""
    texts = ("id", "status", "spec", "target", "endpoint")
    if not all(isinstance(row[name], str) for name in texts) or row["status"] not in set(JobStatus):
        return None
    values: dict[str, Any] = {**row, "status": JobStatus(row["status"])}
    return JobRecord(**values)


def _file_row(job: str, file: FileRecord) -> dict[str, Any]:
    """The row of a file, by column."""
    return {
        "job": job,
        "key": file.key,
        "size": file.size,
        "mtime_ns": str(file.mtime_ns),
        "status": file.status,
        "note": file.note,
        "inode": text_or_null(file.inode),
        "ctime_ns": text_or_null(file.ctime_ns),
        "path": None if file.path is None else to_sql(file.path),
    }


def _totals_from_rows(statuses: Mapping[str, tuple[int, int]]) -> FileTotals:
    """statuses: files and bytes of each."""
    done, skipped, failed = (statuses.get(status, (0, 0)) for status in FileStatus)
    return FileTotals(done=done[0], skipped=skipped[0], failed=failed[0], bytes=done[1] + skipped[1])


def _file_from_row(row: dict[str, Any]) -> FileRecord | None:
    """The record; None for a row that this program never writes: such a file is sent again."""
    try:
        return FileRecord(
            key=row["key"],
            size=int(row["size"]),
            mtime_ns=int(row["mtime_ns"]),
            status=FileStatus(row["status"]),
            note=str(row["note"]),
            inode=optional_int(row["inode"]),
            ctime_ns=optional_int(row["ctime_ns"]),
            path=None if row["path"] is None else from_sql(row["path"]),
        )
    except (ValueError, TypeError):
        return None
