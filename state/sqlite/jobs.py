"""Jobs in the store's SQLite file: the statements; connection, transactions and errors are the store's."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from typing import Any

from ..errors import StateError
from ..jobs import FileRecord, FileStatus, FileTotals, JobRecord, JobStatus
from .rows import from_sql, optional_int, text_or_null, to_sql

_JOB_COLUMNS = tuple(field.name for field in fields(JobRecord))
_FILE_COLUMNS = "key, size, mtime_ns, status, note, inode, ctime_ns, path"
_UNMET = "job = ? AND key NOT IN (SELECT key FROM temp.met)"
_AT_ONCE = 500  # SQLite takes at least 999 variables in a statement


class SqliteJobs:
    """The jobs of one SqliteStore.

    Args:
        execute, execute_many: of the connection.
        reading, writing: blocks that translate errors; the latter is one transaction.
    """

    def __init__(
        self,
        execute: Callable[..., Any],
        execute_many: Callable[..., Any],
        reading: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._execute = execute
        self._execute_many = execute_many
        self._reading = reading
        self._writing = writing

    def save(self, record: JobRecord) -> None:
        columns = ", ".join(_JOB_COLUMNS)
        values = ", ".join(f":{name}" for name in _JOB_COLUMNS)
        updates = ", ".join(f"{name} = excluded.{name}" for name in _JOB_COLUMNS)
        with self._writing():
            self._execute(
                f"INSERT INTO jobs ({columns}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {updates}",
                asdict(record),
            )

    def get(self, id: str) -> JobRecord | None:
        return next(iter(self._select("id = ?", [id])), None)

    def all(self, prefix: str = "", *, open_only: bool = False) -> list[JobRecord]:
        statuses = [JobStatus.OPEN] if open_only else list(JobStatus)
        marks = ", ".join("?" * len(statuses))
        return self._select(f"substr(id, 1, ?) = ? AND status IN ({marks})", [len(prefix), prefix, *statuses])

    def save_files(self, job: str, files: Iterable[FileRecord]) -> None:
        rows = [_file_row(job, file) for file in files]
        with self._writing():
            if self._execute("SELECT 1 FROM jobs WHERE id = ?", [job]).fetchone() is None:
                raise StateError(f"there is no job {job} to remember files of")
            self._execute_many(
                f"INSERT OR REPLACE INTO job_files (job, {_FILE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def files(self, job: str, keys: Collection[str]) -> dict[str, FileRecord]:
        found = {}
        with self._reading():
            for some in _batches(keys):
                query = f"SELECT {_FILE_COLUMNS} FROM job_files WHERE job = ? AND key IN ({', '.join('?' * len(some))})"
                for row in self._execute(query, [job, *some]):
                    if (file := _file_from_sql(row)) is not None:
                        found[file.key] = file
        return found

    def totals(self, job: str) -> FileTotals:
        return self._totals("job = ?", [job]).get(job, FileTotals())

    def all_totals(self, *, open_only: bool = False) -> dict[str, FileTotals]:
        if not open_only:
            return self._totals("1", [])
        return self._totals("job IN (SELECT id FROM jobs WHERE status = ?)", [JobStatus.OPEN])

    def _totals(self, where: str, values: list[Any]) -> dict[str, FileTotals]:
        query = f"SELECT job, status, count(*), sum(size) FROM job_files WHERE {where} GROUP BY job, status"
        found: dict[str, dict[str, tuple[int, int]]] = {}
        with self._reading():
            for job, status, count, size in self._execute(query, values):
                found.setdefault(job, {})[status] = (count, size)
        return {job: _totals_from_sql(statuses) for job, statuses in found.items()}

    def failures(self, job: str, most: int) -> list[FileRecord]:
        query = f"SELECT {_FILE_COLUMNS} FROM job_files WHERE job = ? AND status = ? ORDER BY key LIMIT ?"
        with self._reading():
            rows = self._execute(query, [job, FileStatus.FAILED, most]).fetchall()
        return [file for row in rows if (file := _file_from_sql(row)) is not None]

    def begin_walk(self) -> None:
        with self._reading():
            # A temporary table is a file of this connection alone: a million keys take no memory, and nobody waits.
            self._execute("CREATE TEMP TABLE IF NOT EXISTS met (key TEXT PRIMARY KEY, path) WITHOUT ROWID")
            self._execute("DELETE FROM temp.met")

    def meet(self, paths: Mapping[str, str]) -> dict[str, str]:
        before: dict[str, str] = {}
        with self._reading():
            for some in _batches(paths):
                query = f"SELECT key, path FROM temp.met WHERE key IN ({', '.join('?' * len(some))})"
                before |= {key: from_sql(path) for key, path in self._execute(query, some)}
            rows = [(key, to_sql(path)) for key, path in paths.items()]
            self._execute_many("INSERT OR IGNORE INTO temp.met VALUES (?, ?)", rows)
        return before

    def count_unmet(self, job: str) -> int:
        with self._reading():
            (count,) = self._execute(f"SELECT count(*) FROM job_files WHERE {_UNMET}", [job]).fetchone()
            return int(count)

    def unmet(self, job: str, most: int) -> list[FileRecord]:
        query = f"SELECT {_FILE_COLUMNS} FROM job_files WHERE {_UNMET} ORDER BY key LIMIT ?"
        with self._reading():
            rows = self._execute(query, [job, most]).fetchall()
        return [file for row in rows if (file := _file_from_sql(row)) is not None]

    def forget_unmet(self, job: str) -> None:
        with self._writing():
            self._execute(f"DELETE FROM job_files WHERE {_UNMET}", [job])

    def forget_files(self, job: str, keys: Collection[str] | None = None) -> None:
        with self._writing():
            if keys is None:
                self._execute("DELETE FROM job_files WHERE job = ?", [job])
            else:
                self._execute_many("DELETE FROM job_files WHERE job = ? AND key = ?", [(job, key) for key in keys])

    def remove(self, id: str) -> None:
        with self._writing():
            self._execute("DELETE FROM jobs WHERE id = ?", [id])

    def _select(self, where: str, values: list[Any]) -> list[JobRecord]:
        query = f"SELECT {', '.join(_JOB_COLUMNS)} FROM jobs WHERE {where} ORDER BY created_at, id"
        with self._reading():
            rows = self._execute(query, values).fetchall()
        return [record for row in rows if (record := _job_from_sql(row)) is not None]


def _batches(keys: Collection[str]) -> Iterator[list[str]]:
    """The keys, as many at once as a statement takes."""
    wanted = list(keys)
    for start in range(0, len(wanted), _AT_ONCE):
        yield wanted[start : start + _AT_ONCE]


def _job_from_sql(row: tuple[Any, ...]) -> JobRecord | None:
    """The record; None for a row that this program never writes: a job is found again by its command."""
    values: dict[str, Any] = dict(zip(_JOB_COLUMNS, row, strict=True))
    texts = ("id", "status", "spec", "target", "endpoint")
    if not all(isinstance(values[name], str) for name in texts) or values["status"] not in set(JobStatus):
        return None
    values["status"] = JobStatus(values["status"])
    return JobRecord(**values)


def _file_row(job: str, file: FileRecord) -> tuple[Any, ...]:
    """The row of a file: ``job``, then _FILE_COLUMNS."""
    return (
        job,
        file.key,
        file.size,
        str(file.mtime_ns),
        file.status,
        file.note,
        text_or_null(file.inode),
        text_or_null(file.ctime_ns),
        None if file.path is None else to_sql(file.path),
    )


def _totals_from_sql(statuses: Mapping[str, tuple[int, int]]) -> FileTotals:
    """statuses: files and bytes of each."""
    done, skipped, failed = (statuses.get(status, (0, 0)) for status in FileStatus)
    return FileTotals(done=done[0], skipped=skipped[0], failed=failed[0], bytes=done[1] + skipped[1])


def _file_from_sql(row: tuple[Any, ...]) -> FileRecord | None:
    """The record; None for a row that this program never writes: such a file is sent again."""
    key, size, mtime_ns, status, note, inode, ctime_ns, path = row
    try:
        return FileRecord(
            key=key,
            size=int(size),
            mtime_ns=int(mtime_ns),
            status=FileStatus(status),
            note=str(note),
            inode=optional_int(inode),
            ctime_ns=optional_int(ctime_ns),
            path=None if path is None else from_sql(path),
        )
    except (ValueError, TypeError):
        return None
