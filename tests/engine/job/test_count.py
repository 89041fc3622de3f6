"""The total files and bytes of a job, while it is sent."""

from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.events import Event
from partway.engine.events.upload import FileDone, FileFailed, FileSkipped, JobCounted, JobStarted
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.filters import Filter
from partway.engine.walk.spec import JobSpec
from tests.support.engine.job_case import Job
from tests.support.s3_faults.faults import Answer, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3

COUNT = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty files of ten bytes."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(COUNT):
        (root / f"{number:02}.txt").write_bytes(b"0123456789")
    return root


@pytest.fixture
def job(folder: Path, strict: StrictS3, backend: S3Backend) -> Job:
    """A job that sends all of them below p/."""
    return Job(spec=JobSpec(sources=(str(folder),), bucket="bucket", prefix="p/"), backend=backend)


def counted(files: int, *, counting: bool = False) -> JobCounted:
    return JobCounted(job="", total_files=files, total_bytes=files * 10, counting=counting)


def counts(job: Job) -> list[JobCounted]:
    """Without the job's ID."""
    return [replace(each, job="") for each in job.of(JobCounted)]


def test_a_few_files_are_counted_before_the_first_is_sent(job: Job) -> None:
    """The count is complete by then; files that filters exclude do not count."""
    job.spec = replace(job.spec, filters=(Filter(include=False, pattern="0*"),))
    job.run()

    assert counts(job) == [counted(10)]
    assert [type(each) for each in job.events][:3] == [JobStarted, JobCounted, FileDone]


def test_many_files_are_counted_while_the_first_are_sent(
    job: Job, strict: StrictS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk that sends them waits for slots."""
    monkeypatch.setattr("partway.engine.job.sending._WINDOW", 2)
    hang = Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(seconds=0.3), times=2)
    strict.faults.add(hang)
    job.run()

    first_done = next(number for number, each in enumerate(job.events) if isinstance(each, FileDone))
    assert counts(job) == [counted(COUNT)]
    assert any(isinstance(each, JobCounted) for each in job.events[:first_done])


def test_files_that_appear_while_the_others_are_sent_count(
    job: Job, folder: Path, strict: StrictS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count of the walk that sends is final."""
    monkeypatch.setattr("partway.engine.job.sending._WINDOW", 2)
    (folder / "below").mkdir()

    def add(event: Event) -> None:
        if isinstance(event, JobCounted):
            (folder / "below" / "new").write_bytes(b"0123456789")

    hang = Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(seconds=0.3), times=2)
    strict.faults.add(hang)
    job.on_event = add
    done = job.run()

    assert counts(job)[-1] == counted(done.done)


def test_files_of_several_sources_are_counted_when_their_keys_are_compared(
    job: Job, folder: Path, tmp_path: Path
) -> None:
    """They are walked for that anyway, and a file that is listed twice counts once."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one").write_bytes(b"0123456789")
    job.spec = replace(job.spec, sources=(str(folder), str(tmp_path / "more"), str(folder / "00.txt")))
    job.run()

    assert counts(job) == [counted(COUNT + 1)]
    assert [type(each) for each in job.events][:3] == [JobStarted, JobCounted, FileDone]


def test_what_is_done_or_skipped_or_failed_has_its_size(job: Job, folder: Path, strict: StrictS3) -> None:
    """So that consumers of the events know what remains."""
    denied = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=denied, times=1))
    job.run()
    (folder / "new").write_bytes(b"0123456789")
    strict.model.put_object("bucket", "p/new", b"0123456789")
    failed, job.events = job.of(FileFailed), []
    job.spec = replace(job.spec, skip_same=True)
    job.run()

    (started,) = job.of(JobStarted)
    assert [each.bytes for each in failed] == [10]
    assert (started.done_files, started.done_bytes) == (COUNT - 1, (COUNT - 1) * 10)
    assert [each.bytes for each in job.of(FileSkipped)] == [10]
