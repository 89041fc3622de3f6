"""Maintenance of the store's file, and deletion of old history."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.maintenance.history import expired_history
from partway.state.errors import StateLocked
from partway.state.jobs import JobRecord, JobStatus
from partway.state.live import ProgressSnapshot, RunOutcome
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import PartRecord, UploadStatus
from tests.support.engine.records import UPLOAD

DAY = 86400.0
NOW = 100 * DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty one."""
    with closing(SqliteStore(tmp_path / "state")) as store:
        yield store


def add(store: SqliteStore, id: str, status: UploadStatus, days: float, job: str | None = None) -> None:
    """An upload last updated this many days ago."""
    at = NOW - days * DAY
    store.save_upload(replace(UPLOAD, id=id, status=status, created_at=at, updated_at=at, job=job))


def add_job(store: SqliteStore, id: str, status: JobStatus, days: float) -> None:
    """A job last updated this many days ago."""
    at = NOW - days * DAY
    store.jobs.save(
        JobRecord(
            id=id,
            status=status,
            spec="{}",
            target="s3://b/",
            endpoint="",
            region=None,
            profile=None,
            created_at=at,
            updated_at=at,
        )
    )


def ids(store: SqliteStore, days: float) -> tuple[list[str], list[str]]:
    """Uploads and jobs that ended at least this many days ago."""
    history = expired_history(store, days * DAY, lambda: NOW)
    return [record.id for record in history.uploads], [job.id for job in history.jobs]


def test_history_is_what_is_over(store: SqliteStore) -> None:
    """Completed and cancelled uploads that are old enough; never unfinished ones, however old."""
    add(store, "old", UploadStatus.COMPLETED, 40)
    add(store, "given-up", UploadStatus.ABORTED, 31)
    add(store, "young", UploadStatus.COMPLETED, 29)
    add(store, "open", UploadStatus.OPEN, 90)
    add(store, "completing", UploadStatus.COMPLETING, 90)

    assert ids(store, 30) == (["old", "given-up"], [])


def test_what_an_open_job_did_is_no_history(store: SqliteStore) -> None:
    """Nor is a finished job with an unfinished upload."""
    add_job(store, "open", JobStatus.OPEN, 90)
    add_job(store, "over", JobStatus.COMPLETED, 40)
    add_job(store, "half", JobStatus.ABORTED, 40)
    add(store, "a", UploadStatus.COMPLETED, 40, job="open")
    add(store, "b", UploadStatus.COMPLETED, 40, job="over")
    add(store, "c", UploadStatus.OPEN, 40, job="half")

    assert ids(store, 30) == (["b"], ["over"])


def test_forgetting_takes_the_parts_too_and_the_file_shrinks(store: SqliteStore) -> None:
    """The space is returned to the disk."""
    add(store, "old", UploadStatus.COMPLETED, 40)
    add(store, "kept", UploadStatus.OPEN, 40)
    parts = [PartRecord(number=n, size=1, etag="e" * 32, checksum="c" * 12, run=1) for n in range(1, 10_001)]
    store.save_parts("old", parts)
    before = store.maintenance.size()

    store.maintenance.delete(["old"], [])
    store.maintenance.vacuum()

    assert store.maintenance.size() < before / 4
    assert [record.id for record in store.uploads()] == ["kept"]
    assert store.parts("old") == []


def test_a_store_that_another_process_writes_keeps_its_size(store: SqliteStore) -> None:
    """That is no damage."""
    store._db.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateLocked):
            store.maintenance.vacuum()


def test_a_whole_file_has_no_problem(store: SqliteStore) -> None:
    """It is not reported."""
    assert store.maintenance.check_integrity() is None


def test_a_page_that_was_overwritten_is_a_problem(tmp_path: Path) -> None:
    """Even one that was not read otherwise."""
    folder = tmp_path / "state"
    with closing(SqliteStore(folder)) as store:
        add(store, "id", UploadStatus.OPEN, 1)
        parts = [PartRecord(number=n, size=1, etag="e", checksum="c", run=1) for n in range(1, 5001)]
        store.save_parts("id", parts)
        store.maintenance.vacuum()
    with (folder / "partway.db").open("r+b") as file:
        file.seek(-3 * 4096, 2)
        file.write(b"\xff" * 4096)

    with closing(SqliteStore(folder)) as store:
        assert store.maintenance.check_integrity() is not None


def test_a_sweep_removes_what_no_process_holds(store: SqliteStore) -> None:
    """Lock files of older versions and killed processes are removed; running uploads and last snapshots stay."""
    add(store, "known", UploadStatus.OPEN, 1)
    for id in ("known", "forgotten"):
        store.live.publish(
            ProgressSnapshot(id=id, pid=7, host="h", began_at=1.0, updated_at=2.0, ended=RunOutcome.FAILED)
        )
    with store.lock("/a", "", "b", "held"):
        held = next((store.folder / "locks").iterdir())
        for index in range(20):
            (store.folder / "locks" / f"{index:032x}.lock").touch()
        swept = store.maintenance.remove_stale_files()

        assert list((store.folder / "locks").iterdir()) == [held]
    assert swept == 21
    assert [row.record.id for row in store.live.all()] == ["known"]


def test_a_sweep_of_a_new_folder_finds_nothing(store: SqliteStore) -> None:
    """Nothing was ever locked there."""
    assert store.maintenance.remove_stale_files() == 0
