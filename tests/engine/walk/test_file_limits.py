"""Files by size and age: which belong to a job, and that a resume keeps the limits."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.errors import UploadFailed
from partway.engine.walk.file_limits import FileLimits
from partway.engine.walk.order import Order, OrderBy
from partway.engine.walk.parse_selection import parse_age
from partway.engine.walk.spec import JobSpec
from partway.engine.walk.walk import FileEntry
from tests.support.engine.job_case import Job
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3

NOW = 1_000_000_000.0


def entry(*, size: int = 5, age: float = 10.0) -> FileEntry:
    return FileEntry(path="/f", name="f", size=size, mtime_ns=int((NOW - age) * 1e9), ctime_ns=0, inode=1)


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        (FileLimits(), True),
        (FileLimits(min_size=5, max_size=5), True),
        (FileLimits(min_size=6), False),
        (FileLimits(max_size=4), False),
        (FileLimits(max_size=0), False),
        (FileLimits(max_age=10, min_age=10), True),
        (FileLimits(max_age=9), False),
        (FileLimits(min_age=11), False),
        (FileLimits(after=NOW - 11, before=NOW - 9), True),
        (FileLimits(after=NOW - 9), False),
        (FileLimits(before=NOW - 11), False),
    ],
)
def test_a_file_of_5_bytes_and_10_seconds(limits: FileLimits, allowed: bool) -> None:
    """Every limit is inclusive, as rclone's are."""
    assert limits.since(NOW).allow(entry()) is allowed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("36h", 129_600),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("6M", 15_552_000),
        ("1h30m", 5400),
        ("5ms", 0.005),
    ],
)
def test_ages(text: str, seconds: float) -> None:
    """In rclone's units; a number alone is seconds."""
    assert parse_age(text) == (seconds, None)


def test_dates() -> None:
    """Of a place, or of this one."""
    assert parse_age("2001-09-09T01:46:40Z") == (None, NOW)
    assert parse_age("2001-09-09 01:46:40")[1] == pytest.approx(NOW, abs=86400)


@pytest.mark.parametrize("text", ["", "soon", "7x", "d", "1h30", "-5d", "5 d 3"])
def test_neither(text: str) -> None:
    """With both forms in the sentence."""
    with pytest.raises(ValueError, match="is neither an age nor a date; use 36h"):
        parse_age(text)


@pytest.fixture
def job(strict: StrictS3, backend: object, tmp_path: Path) -> Job:
    """Three files: of one, ten and a hundred bytes; the second is old."""
    for name, size in {"one": 1, "ten": 10, "hundred": 100}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    os.utime(tmp_path / "ten", (1, 1))
    spec = JobSpec(sources=(str(tmp_path),), bucket="bucket", prefix="")
    return Job(spec=spec, backend=backend)  # type: ignore[arg-type]


def limited(job: Job, limits: FileLimits) -> Job:
    """The job with these limits; its files are sent in the order of their names."""
    job.spec = replace(job.spec, limits=limits, order=Order(by=OrderBy.NAME))
    return job


def refuse_second(strict: StrictS3) -> None:
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied(), skip=1))


def test_only_files_within_the_limits_are_sent(job: Job, strict: StrictS3) -> None:
    """And a dry run reports the same."""
    limited(job, FileLimits(min_size=2, min_age=3600))

    assert (job.plan().files, job.plan().bytes) == (1, 10)
    assert job.run().done == 1
    assert [key for _, key in strict.model.objects] == ["ten"]


def test_a_file_that_left_the_limits_stays_in_its_job(job: Job, strict: StrictS3, tmp_path: Path) -> None:
    """It was sent, so it is not missing when it grows; one that was never sent stays out."""
    limited(job, FileLimits(max_size=10))
    refuse_second(strict)
    assert job.run(concurrency=1).failed == 1
    (tmp_path / "one").write_bytes(b"y" * 1000)

    assert job.plan().files == 2
    done = job.run()

    assert (done.failed, done.missing, done.done) == (0, 0, 2)
    assert sorted(key for _, key in strict.model.objects) == ["one", "ten"]


def test_ages_count_from_the_start_of_the_job(job: Job, strict: StrictS3, tmp_path: Path) -> None:
    """A resume days later sends the files that were new then."""
    limited(job, FileLimits(max_age=3600))
    refuse_second(strict)
    assert job.run(concurrency=1).failed == 1
    (record,) = job.store.jobs.all()
    days_ago = record.created_at - 3 * 86400
    job.store.jobs.save(replace(record, created_at=days_ago))
    os.utime(tmp_path / "one", (days_ago - 60, days_ago - 60))

    assert job.run().failed == 0
    assert sorted(key for _, key in strict.model.objects) == ["hundred", "one"]


def test_nothing_within_the_limits(job: Job) -> None:
    """An error only with --fail-if-empty."""
    limited(job, FileLimits(min_size=1000))

    assert job.run().done == 0
    with pytest.raises(UploadFailed, match="check the directory and the filters"):
        job.run(fail_if_empty=True)
