"""The contract of every store for jobs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from partway.state.errors import StateError
from partway.state.jobs import FileRecord, FileStatus, FileTotals, JobRecord, JobStatus
from partway.state.memory.store import MemoryStore
from partway.state.sqlite.store import SqliteStore
from partway.state.store import StateStore

JOB = JobRecord(
    id="0a1b2c3d",
    status=JobStatus.OPEN,
    spec='{"a": 1}',
    target="s3://bucket/p/",
    endpoint="",
    region=None,
    profile="p",
    created_at=1.0,
    updated_at=2.0,
)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateStore]:
    made: StateStore = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path)
    yield made
    made.close()


def test_paths_of_files(store: StateStore) -> None:
    """None if the key implies it; a name that is not UTF-8 is kept."""
    store.jobs.save(JOB)
    rows = [replace(file("a"), path="/x/a"), replace(file("b"), path="/x/b\udcff"), file("c")]
    store.jobs.save_files(JOB.id, rows)

    assert list(store.jobs.files(JOB.id, ["a", "b", "c"]).values()) == rows


def file(key: str, status: FileStatus = FileStatus.DONE, size: int = 10) -> FileRecord:
    return FileRecord(
        key=key, size=size, mtime_ns=2**63 + 5, status=status, note="crc64nvme", inode=2**63 + 6, ctime_ns=2**63 + 7
    )


def test_a_job_is_kept_and_replaced(store: StateStore) -> None:
    store.jobs.save(JOB)
    store.jobs.save_files(JOB.id, [file("a")])
    changed = replace(JOB, status=JobStatus.COMPLETED, done=7, holder="me")
    store.jobs.save(changed)

    assert store.jobs.get(JOB.id) == changed
    assert store.jobs.get("0a1b") is None
    assert store.jobs.all("0a1b") == [changed]
    assert store.jobs.all(open_only=True) == []
    assert set(store.jobs.files(JOB.id, ["a"])) == {"a"}


def test_files_are_found_by_key(store: StateStore) -> None:
    store.jobs.save(JOB)
    keys = [f"k{number}" for number in range(1200)]
    store.jobs.save_files(JOB.id, [file(key) for key in keys])
    store.jobs.save_files(JOB.id, [file("k3", FileStatus.FAILED, 5), file("ü", FileStatus.SKIPPED)])

    assert store.jobs.files(JOB.id, [*keys[:1100], "unknown"]).keys() == set(keys[:1100])
    assert store.jobs.files(JOB.id, ["k3"])["k3"] == file("k3", FileStatus.FAILED, 5)
    assert store.jobs.files("ffffffff", ["k3"]) == {}
    assert store.jobs.totals(JOB.id) == FileTotals(done=1199, skipped=1, failed=1, bytes=12000)


def test_totals_of_all_jobs_come_at_once(store: StateStore) -> None:
    """By ID; jobs without files are omitted, and finished ones if only open ones are requested."""
    for id, status in (("a", JobStatus.OPEN), ("b", JobStatus.COMPLETED), ("c", JobStatus.OPEN)):
        store.jobs.save(replace(JOB, id=id, status=status))
    store.jobs.save_files("a", [file("a"), file("b", FileStatus.FAILED)])
    store.jobs.save_files("b", [file("a", FileStatus.SKIPPED)])

    assert store.jobs.all_totals() == {
        "a": FileTotals(done=1, failed=1, bytes=10),
        "b": FileTotals(skipped=1, bytes=10),
    }
    assert store.jobs.all_totals(open_only=True).keys() == {"a"}


def test_failures(store: StateStore) -> None:
    """The files that failed and why, by key."""
    store.jobs.save(JOB)
    failed = [replace(file(key, FileStatus.FAILED), note=f"why {key}") for key in ("c", "a", "ü")]
    store.jobs.save_files(JOB.id, [*failed, file("b")])

    assert store.jobs.failures(JOB.id, 10) == [failed[1], failed[0], failed[2]]
    assert store.jobs.failures(JOB.id, 1) == [failed[1]]
    assert store.jobs.failures("ffffffff", 10) == []


def test_what_a_walk_did_not_meet(store: StateStore) -> None:
    """By key, in every status; a new walk starts empty, and a file may be found again."""
    store.jobs.save(JOB)
    left = [file("b"), file("c", FileStatus.FAILED), file("ü", FileStatus.SKIPPED)]
    store.jobs.save_files(JOB.id, [file("a"), *left])
    store.jobs.begin_walk()
    store.jobs.record_walked(dict.fromkeys(("b", "c", "ü"), ""))
    store.jobs.begin_walk()
    store.jobs.record_walked({"a": "/a", "z": "/z"})
    store.jobs.record_walked({"a": "/a"})

    assert store.jobs.count_missing(JOB.id) == 3
    assert store.jobs.missing(JOB.id, 10) == left
    assert store.jobs.missing(JOB.id, 2) == left[:2]
    assert store.jobs.count_missing("ffffffff") == 0
    store.jobs.delete_missing(JOB.id)
    assert store.jobs.count_missing(JOB.id) == 0
    assert store.jobs.totals(JOB.id) == FileTotals(done=1, bytes=10)


def test_files_need_a_job(store: StateStore) -> None:
    with pytest.raises(StateError, match="no job"):
        store.jobs.save_files("ffffffff", [file("a")])


def test_what_a_walk_meets_twice(store: StateStore) -> None:
    """The first path is returned each time, also a name that is not UTF-8."""
    store.jobs.begin_walk()
    many = {f"k{number}": f"/{number}" for number in range(1200)}

    assert store.jobs.record_walked({"a": "/1/a", "b": "/b\udcff"}) == {}
    assert store.jobs.record_walked({"a": "/2/a", "b": "/b", "c": "/c"}) == {"a": "/1/a", "b": "/b\udcff"}
    assert store.jobs.record_walked({"a": "/3/a"}) == {"a": "/1/a"}
    assert store.jobs.record_walked(many) == {}
    assert store.jobs.record_walked(many | {"k1": "/other"}) == many
    store.jobs.begin_walk()
    assert store.jobs.record_walked({"a": "/3/a"}) == {}


def test_forgetting(store: StateStore) -> None:
    """Files without the job, some or all, and the job with its files."""
    store.jobs.save(JOB)
    store.jobs.save_files(JOB.id, [file("a"), file("b"), file("c")])
    store.jobs.delete_files(JOB.id, ["a", "c", "z"])
    assert set(store.jobs.files(JOB.id, ["a", "b", "c"])) == {"b"}
    store.jobs.delete_files(JOB.id)
    assert store.jobs.totals(JOB.id) == FileTotals()
    assert store.jobs.get(JOB.id) == JOB
    store.jobs.save_files(JOB.id, [file("a")])
    store.jobs.delete(JOB.id)
    store.jobs.delete(JOB.id)

    assert store.jobs.all() == []
    assert store.jobs.files(JOB.id, ["a"]) == {}


def test_what_was_written_survives(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path)
    first.jobs.save(JOB)
    first.jobs.save_files(JOB.id, [file("a")])
    first.close()
    second = SqliteStore(tmp_path)

    assert second.jobs.get(JOB.id) == JOB
    assert second.jobs.files(JOB.id, ["a"]) == {"a": file("a")}
    second.close()
