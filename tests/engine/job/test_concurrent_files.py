"""The files of a job share the workers: several large files at a time, and no more parts in flight than the limit."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.errors import UploadCancelled, UploadFailed
from partway.engine.events import Event
from partway.engine.events.upload import ChecksumFellBack, FileDone, FileFailed, PartDone, UploadDone, UploadStarted
from partway.engine.run import run
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken, WorkerContext
from partway.engine.workers.part_tasks import HashTask, PartHash, hash_part
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import UNFINISHED, UploadStatus
from tests.support.engine.job_case import Job, files, objects
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import CallFunction, Fault, Hang, Stage
from tests.support.s3_faults.responses import access_denied, internal_error
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

LONG = 60.0  # seconds that a test waits for what should happen at once
LARGE = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Large files of two parts, and small files."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(LARGE):
        (root / f"large{number}").write_bytes(os.urandom(PART + 100 + number))
    for number in range(4):
        (root / f"small{number}").write_bytes(os.urandom(100 + number))
    return root


@pytest.fixture
def job(folder: Path, backend: S3Backend, tmp_path: Path) -> Iterator[Job]:
    """A context whose store records the threads that use it."""
    spec = JobSpec(sources=(str(folder),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)
    with closing(SqliteStore(tmp_path / "state")) as store:
        yield Job(spec=spec, backend=backend, store=store)


def before_part(number: int, action: CallFunction | Hang, times: int | None = None) -> Fault:
    return Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=number, action=action, times=times)


class InFlight:
    """Counts the bodies that the server receives at the same time."""

    def __init__(self, strict: StrictS3, operation: str) -> None:
        self.most = self.now = 0
        self._lock = threading.Lock()
        for stage, change in ((Stage.BEFORE_READ, 1), (Stage.AFTER_EFFECT, -1)):
            count = CallFunction(function=lambda change=change: self._count(change))  # type: ignore[misc]
            strict.faults.add(Fault(operation=operation, stage=stage, action=count, times=None))

    def _count(self, change: int) -> None:
        with self._lock:
            self.now += change
            self.most = max(self.most, self.now)


def test_files_of_a_few_parts_go_at_the_same_time(job: Job, strict: StrictS3, folder: Path) -> None:
    """Their first parts wait for one another, which would deadlock if the files were sent one after the other."""
    together = threading.Barrier(LARGE)
    strict.faults.add(before_part(1, CallFunction(function=lambda: together.wait(LONG)), times=LARGE))
    done = job.run(concurrency=2 * LARGE)

    assert objects(strict) == files(folder)
    assert done.done == len(files(folder))


def test_no_more_files_are_begun_than_have_a_place(job: Job, strict: StrictS3, folder: Path) -> None:
    """Two files of two parts fill three slots; a third would only be one more unfinished file after a kill."""
    together, seen = threading.Barrier(2), set[int]()

    def look() -> None:
        together.wait(LONG)
        time.sleep(0.3)  # others would come in it
        seen.add(sum(call.operation == "CreateMultipartUpload" for call in strict.calls))
        together.wait(LONG)

    action = CallFunction(function=look)
    strict.faults.add(Fault(operation="CreateMultipartUpload", stage=Stage.BEFORE_READ, action=action, times=2))
    job.run(concurrency=3)

    assert seen == {2}


def test_small_files_go_while_a_large_one_waits(job: Job, strict: StrictS3, folder: Path) -> None:
    """With free slots, the small files of a window do not wait for its large ones."""
    all_small = threading.Event()

    def see(event: Event) -> None:
        if len([each for each in job.of(FileDone) if "small" in each.source]) == 4:
            all_small.set()

    job.on_event = see
    strict.faults.add(before_part(2, CallFunction(function=lambda: all_small.wait(LONG)), times=LARGE))
    job.run(concurrency=2 * LARGE + 1)

    assert all_small.is_set()
    assert objects(strict) == files(folder)


def test_files_go_while_a_large_one_is_compared(
    job: Job, strict: StrictS3, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may equal the object and need no slots, so slots are not reserved for all of its parts."""
    for number in range(1, LARGE):
        (folder / f"large{number}").unlink()
    all_small = threading.Event()
    in_time: list[bool] = []

    def see(event: Event) -> None:
        if len(job.of(FileDone)) == 4:
            all_small.set()

    def slow(*_: object) -> None:
        in_time.append(all_small.wait(LONG / 4))

    monkeypatch.setattr("partway.engine.job.uploads.same_file", slow)
    job.on_event = see
    job.spec = replace(job.spec, skip_same=True)
    job.run(concurrency=2)

    assert in_time == [True]
    assert objects(strict) == files(folder)


def test_files_go_while_parts_are_checked(
    job: Job, strict: StrictS3, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose mtime changed is compared before anything is sent."""
    for path in folder.iterdir():
        path.unlink()
    (folder / "large").write_bytes(os.urandom(4 * PART))
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=access_denied(), part_number=4),
    )
    job.run(concurrency=1)
    (folder / "large").touch()
    (folder / "small").write_bytes(b"new")
    sent = threading.Event()
    in_time: list[bool] = []

    def see(event: Event) -> None:
        if isinstance(event, FileDone):
            sent.set()

    def slow(task: HashTask, worker: WorkerContext) -> PartHash:
        in_time.append(task.spec.number == 1 or sent.wait(LONG / 4))
        return hash_part(task, worker)

    monkeypatch.setattr(run, "hash_part", slow)
    job.on_event = see
    job.run(concurrency=2)

    assert in_time == [True] * 3
    assert objects(strict) == files(folder)


@pytest.mark.parametrize("number", [1, 3])
def test_a_number_holds_for_all_files_together(job: Job, strict: StrictS3, folder: Path, number: int) -> None:
    """Parts of large files as well as small files."""
    parts, small = InFlight(strict, "UploadPart"), InFlight(strict, "PutObject")
    job.run(concurrency=number)

    assert objects(strict) == files(folder)
    assert 1 <= parts.most <= number
    assert 1 <= small.most <= number


def test_without_a_number_small_files_go_side_by_side(job: Job, strict: StrictS3, folder: Path) -> None:
    """They are so small that a kill costs no more than with one part."""
    for number in range(12):
        (folder / f"tiny{number}").write_bytes(b"%d" % number)
    together = threading.Barrier(12)
    strict.faults.add(
        Fault(
            operation="PutObject",
            stage=Stage.BEFORE_READ,
            action=CallFunction(function=lambda: together.wait(LONG)),
            times=12,
        )
    )
    job.run(concurrency=None)

    assert objects(strict) == files(folder)


def test_files_of_almost_a_part_count_as_parts(job: Job, strict: StrictS3, folder: Path) -> None:
    """Before the rate is measured, a kill costs two of them, not sixteen."""
    for path in folder.iterdir():
        path.unlink()
    for number in range(6):
        (folder / str(number)).write_bytes(os.urandom(PART - 1))
    together, seen = threading.Barrier(2), set[int]()

    def look() -> None:
        together.wait(LONG)
        time.sleep(0.3)  # a third one would come in it
        seen.add(len([call for call in strict.calls if call.operation == "PutObject"]))
        together.wait(LONG)

    action = CallFunction(function=look)
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=action, times=2))
    job.run(concurrency=None)

    assert objects(strict) == files(folder)
    assert seen == {2}


def test_several_that_were_stopped_go_on_where_they_were(job: Job, strict: StrictS3, folder: Path) -> None:
    """Each keeps its finished parts, and none of them is sent again."""

    def stop(event: Event) -> None:
        if len(job.of(PartDone)) == LARGE:
            job.cancel.set()

    job.on_event = stop
    strict.faults.add(before_part(2, Hang()))
    began = time.monotonic()
    with pytest.raises(UploadCancelled):
        job.run(concurrency=2 * LARGE)
    took = time.monotonic() - began
    (record,) = job.store.jobs.all()
    unfinished = [upload for upload in job.store.uploads() if upload.job == record.id]
    strict.faults.clear()
    job.on_event, job.cancel, job.events = lambda event: None, CancelToken(), []
    job.run(concurrency=2 * LARGE)

    assert took < LONG / 2
    assert [upload.status for upload in unfinished] == [UploadStatus.OPEN] * LARGE
    assert [event.resumed_parts for event in job.of(UploadStarted) if event.part_count == 2] == [1] * LARGE
    assert objects(strict) == files(folder)
    sent = Counter((call.key, call.part_number) for call in strict.calls if call.operation == "UploadPart")
    assert {number: count for (_, number), count in sent.items() if number == 1} == {1: 1}


def test_a_cancel_does_not_wait_for_calls_without_an_answer(job: Job, strict: StrictS3) -> None:
    """No part is in flight yet, and every upload waits for CreateMultipartUpload."""
    hanging = threading.Barrier(2, action=job.cancel.set)
    meet = CallFunction(function=lambda: hanging.wait(LONG))
    strict.faults.add(
        Fault(operation="CreateMultipartUpload", stage=Stage.BEFORE_READ, action=meet, times=2),
        Fault(operation="CreateMultipartUpload", stage=Stage.BEFORE_READ, action=Hang(), times=None),
    )
    began = time.monotonic()
    with pytest.raises(UploadCancelled):
        job.run(concurrency=2 * LARGE)

    assert time.monotonic() - began < LONG / 2


def test_a_cancel_of_the_last_file_is_no_end(job: Job, strict: StrictS3, folder: Path) -> None:
    """The upload notices the cancel first and ends before the job checks: the job stays open for the next run."""
    for path in folder.iterdir():
        if path.name != "large0":
            path.unlink()

    def stop(event: Event) -> None:
        if isinstance(event, UploadStarted):
            job.cancel.set()

    job.on_event = stop
    with pytest.raises(UploadCancelled):
        job.run()
    job.on_event, job.cancel = lambda event: None, CancelToken()
    done = job.run()

    assert (done.done, objects(strict)) == (1, files(folder))
    assert len(job.store.jobs.all()) == 1


def test_a_cancel_of_the_last_small_file_is_no_end(job: Job, strict: StrictS3, folder: Path) -> None:
    """As for a large one."""
    for path in folder.iterdir():
        if path.name != "small1":
            path.unlink()
    strict.faults.add(
        Fault(
            operation="PutObject",
            stage=Stage.BEFORE_READ,
            action=(CallFunction(function=job.cancel.set), internal_error()),
        )
    )
    with pytest.raises(UploadCancelled):
        job.run()

    assert objects(strict) == {}


def test_an_upload_of_a_file_that_became_small_is_brought_to_its_end(job: Job, strict: StrictS3, folder: Path) -> None:
    """Sent with PutObject, it would leave parts on S3 and an unfinished upload in the store."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=access_denied(), times=None))
    job.run()
    strict.faults.clear()
    (folder / "large0").write_bytes(b"small now")
    done = job.run()

    assert (done.failed, objects(strict)) == (0, files(folder))
    assert strict.model.open_uploads == ()
    assert job.store.uploads(statuses=UNFINISHED) == []


def test_what_the_service_has_because_of_an_upload_ends_it(job: Job, strict: StrictS3, folder: Path) -> None:
    """CompleteMultipartUpload took effect and its response was lost: the next run also finishes the upload."""
    for path in folder.iterdir():
        if path.name != "large0":
            path.unlink()
    job.spec = replace(job.spec, skip_same=True)
    strict.faults.add(
        Fault(
            operation="CompleteMultipartUpload",
            stage=Stage.AFTER_EFFECT,
            action=(CallFunction(function=job.cancel.set), Hang(seconds=LONG)),
        )
    )
    with pytest.raises(UploadCancelled):
        job.run(concurrency=2 * LARGE)
    job.cancel = CancelToken()
    job.run()

    assert objects(strict) == files(folder)
    assert strict.counts["UploadPart"] == 2
    assert job.store.uploads(statuses=UNFINISHED) == []


def test_a_file_is_done_when_its_upload_is(job: Job, strict: StrictS3, folder: Path) -> None:
    """The process was killed before the job recorded it: the next run does not send the file again."""

    def fail(event: Event) -> None:
        if isinstance(event, UploadDone):
            raise LookupError("sink")

    job.on_event = fail
    with pytest.raises(LookupError):
        job.run(concurrency=1)
    # A small one may have arrived meanwhile.
    (sent,) = (event.target.removeprefix("s3://bucket/") for event in job.of(UploadDone))
    job.on_event, job.events = lambda event: None, []
    done = job.run()

    assert (done.done, done.resumed) == (2 * LARGE - 1, 1)
    assert sum(call.operation == "UploadPart" and call.key == sent for call in strict.calls) == 2
    assert objects(strict) == files(folder)
    assert job.store.live.all() == []


def test_the_first_failure_stops_the_others_at_once(job: Job, strict: StrictS3) -> None:
    """With ``fail_fast``; the next run resumes them, and they are not failures."""
    hanging = threading.Barrier(LARGE)
    strict.faults.add(
        before_part(1, CallFunction(function=lambda: hanging.wait(LONG)), times=LARGE),
        Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=access_denied(), times=1),
        before_part(1, Hang()),
    )
    began = time.monotonic()
    with pytest.raises(UploadFailed, match=r"the job stopped at .*large"):
        job.run(concurrency=LARGE, fail_fast=True)
    took = time.monotonic() - began
    failures = len(job.of(FileFailed))
    strict.faults.clear()
    job.events = []
    done = job.run()

    assert took < LONG / 2
    assert failures == 1
    assert done.failed == 0 and done.done + done.resumed == LARGE + 4


def test_what_was_begun_goes_on_during_a_long_walk(
    job: Job, strict: StrictS3, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a long walk over finished files, a running upload continues."""
    monkeypatch.setattr("partway.engine.job.sending._WINDOW", 1)

    def walk() -> Iterator[tuple[str, None]]:
        yield str(folder / "large0"), None
        end = time.monotonic() + LONG
        while not job.of(FileDone) and time.monotonic() < end:
            time.sleep(0.001)
            yield str(folder / "empty"), None
        assert job.of(FileDone)

    (folder / "empty").mkdir()
    job.sources = walk  # type: ignore[method-assign]
    assert job.run().done == 1


def test_an_error_of_the_sink_leaves_nothing_claimed(job: Job, strict: StrictS3, folder: Path) -> None:
    """The sink fails: every upload ends, and the next run in the same process can resume them."""

    def fail(event: Event) -> None:
        if isinstance(event, PartDone):
            raise LookupError("sink")

    job.on_event = fail
    with pytest.raises(LookupError, match="sink"):
        job.run(concurrency=2 * LARGE)
    job.on_event = lambda event: None
    done = job.run()

    assert (done.failed, objects(strict)) == (0, files(folder))


def test_the_bandwidth_is_shared(job: Job, strict: StrictS3, folder: Path) -> None:
    """A limit that allows the data in four seconds takes at least three, whatever runs concurrently."""
    size = sum(map(len, files(folder).values()))
    began = time.monotonic()
    job.run(concurrency=8, bandwidth=size // 2)

    assert time.monotonic() - began >= 1.2
    assert objects(strict) == files(folder)


def test_what_a_service_needs_is_learned_by_the_first(job: Job, strict: StrictS3, folder: Path) -> None:
    """Small files after the first one use the supported checksum at once."""
    strict.model.quirks = Quirks(no_checksums=True)
    for number in range(20):
        (folder / f"tiny{number:02d}").write_bytes(b"%d" % number)
    for number in range(LARGE):
        (folder / f"large{number}").unlink()
    job.run(concurrency=1)

    assert objects(strict) == files(folder)
    assert len(job.of(ChecksumFellBack)) == 1
    assert sum(call.operation == "PutObject" for call in strict.calls) <= 24 + 6
