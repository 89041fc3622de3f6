"""Files with the same key: no run of a job overwrites one with the other, or skips one silently."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.errors import KeyCollision
from partway.engine.events.upload import FileFailed
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from partway.state.jobs import JobStatus
from tests.support.engine.job_case import Job, objects
from tests.support.engine.upload_case import PART
from tests.support.s3_server.server import StrictS3


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two directories, each with a small and a large file."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / f"only-{name}").write_bytes(name.encode())
    (tmp_path / "a" / "f1").write_bytes(b"of a")
    (tmp_path / "a" / "large").write_bytes(os.urandom(3 * PART))
    return tmp_path / "a", tmp_path / "b"


@pytest.fixture
def job(folders: tuple[Path, Path], strict: StrictS3, backend: S3Backend) -> Job:
    """An open job of both directories, in which every readable file is done."""
    sources = tuple(map(str, folders))
    spec = JobSpec(sources=sources, bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)
    job = Job(spec=spec, backend=backend)
    (folders[1] / "unreadable").symlink_to("nowhere")
    assert job.run().failed == 1
    (folders[1] / "unreadable").unlink()
    job.events.clear()
    return job


@pytest.mark.parametrize("name", ["f1", "large"])
def test_a_second_file_of_a_key_that_is_done_is_refused(
    job: Job, strict: StrictS3, folders: tuple[Path, Path], name: str
) -> None:
    """In every later run, before anything is sent."""
    (folders[1] / name).write_bytes(b"of b")
    (folders[1] / "new").write_bytes(b"new")
    before, calls = objects(strict), len(strict.journal.calls)

    for run in (job.run, job.run, job.plan):
        with pytest.raises(KeyCollision, match="1 key would be written") as refused:
            run()
        assert refused.value.lines == (f"s3://bucket/p/{name}: {folders[0] / name}, {folders[1] / name}",)

    assert objects(strict) == before
    assert len(strict.journal.calls) == calls
    assert job.store.jobs.all()[0].status is JobStatus.OPEN


@pytest.mark.parametrize("name", ["f1", "large"])
def test_an_object_of_a_file_that_is_gone_is_not_overwritten_by_another(
    job: Job, strict: StrictS3, folders: tuple[Path, Path], name: str
) -> None:
    """Until --prune accepts that the first file is gone."""
    (folders[0] / name).unlink()
    (folders[1] / name).write_bytes(b"of b")
    before = objects(strict)

    with pytest.raises(KeyCollision) as refused:
        job.run()

    (line,) = refused.value.lines
    assert line.startswith(f"s3://bucket/p/{name}: {folders[0] / name} (sent by an earlier run; --prune")
    assert line.endswith(f", {folders[1] / name}")
    assert objects(strict) == before
    job.run(prune=True)
    assert objects(strict) == before | {f"p/{name}": b"of b"}
    assert job.store.jobs.all()[0].status is JobStatus.COMPLETED


def test_a_completed_upload_that_the_job_did_not_hear_of_is_not_overwritten_either(
    job: Job, strict: StrictS3, folders: tuple[Path, Path]
) -> None:
    """The process was killed between the two steps."""
    job.store.jobs.delete_files(job.store.jobs.all()[0].id, ["p/large"])
    (folders[0] / "large").unlink()
    (folders[1] / "large").write_bytes(b"of b")

    with pytest.raises(KeyCollision, match="sent by an earlier run"):
        job.run()


def test_a_file_that_moved_is_the_one_that_was_sent(job: Job, strict: StrictS3, folders: tuple[Path, Path]) -> None:
    before = objects(strict)
    (folders[0] / "f1").rename(folders[1] / "f1")

    done = job.run()

    assert (done.done, done.resumed, done.failed, done.missing) == (0, 4, 0, 0)
    assert objects(strict) == before


@pytest.mark.parametrize("window", [1, 1000])
def test_a_file_that_appears_after_the_comparison_fails_alone(
    job: Job, strict: StrictS3, folders: tuple[Path, Path], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file created after the keys were compared, also in another window."""
    monkeypatch.setattr("partway.engine.job.sending._WINDOW", window)
    job.spec = replace(job.spec, prefix="q/")
    walks: list[int] = []

    def sources() -> Iterator[tuple[str, str | None]]:
        walks.append(1)
        yield str(folders[0]), None
        if len(walks) == 2:
            (folders[1] / "f1").write_bytes(b"of b")
        yield str(folders[1]), None

    job.sources = sources  # type: ignore[method-assign]
    done = job.run()

    (failed,) = job.of(FileFailed)
    assert (failed.source, failed.target) == (str(folders[1] / "f1"), "s3://bucket/q/f1")
    assert str(folders[0] / "f1") in failed.error
    assert (done.done, done.failed) == (4, 1)
    assert objects(strict)["q/f1"] == b"of a"


def test_an_object_of_an_earlier_run_is_not_overwritten_by_a_file_that_appears_late(
    job: Job, strict: StrictS3, folders: tuple[Path, Path]
) -> None:
    """The file that was sent vanished between the two walks."""
    walks: list[int] = []

    def sources() -> Iterator[tuple[str, str | None]]:
        walks.append(1)
        if len(walks) == 2:
            (folders[0] / "f1").rename(folders[0].parent / "f1")
            (folders[1] / "f1").write_bytes(b"of b")
        yield from ((str(folder), None) for folder in folders)

    job.sources = sources  # type: ignore[method-assign]

    assert (job.run().failed, objects(strict)["p/f1"]) == (1, b"of a")


def test_a_job_that_starts_over_knows_no_earlier_files(job: Job, strict: StrictS3, folders: tuple[Path, Path]) -> None:
    (folders[0] / "f1").unlink()
    (folders[1] / "f1").write_bytes(b"of b")

    assert job.plan(restart=True).failed == 0
    assert job.run(restart=True).failed == 0
    assert objects(strict)["p/f1"] == b"of b"


def test_many_collisions_are_counted_and_a_few_named(
    job: Job, strict: StrictS3, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the files are in different windows."""
    monkeypatch.setattr("partway.engine.walk.key_collisions._WINDOW", 3)
    for number in range(15):
        for folder in folders:
            (folder / f"x{number}").write_bytes(b"%d" % number)

    with pytest.raises(KeyCollision, match="15 keys would be written by several files; nothing was sent") as refused:
        job.run()

    assert len(refused.value.lines) == 11
    assert refused.value.lines[-1] == "and 5 more"
