"""A whole job, on the strict server."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.errors import (
    CredentialsExpired,
    PlanError,
    Refused,
    StateLocked,
    Transient,
    UploadCancelled,
    UploadFailed,
)
from partway.engine.events import Event
from partway.engine.events.upload import (
    ChecksumFellBack,
    FileDone,
    FileFailed,
    FileSkipped,
    JobStarted,
    NetworkLost,
    NetworkRestored,
)
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.file_list import listed_names
from partway.engine.walk.filters import Filter
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken
from partway.state.jobs import JobStatus
from partway.state.sqlite.store import SqliteStore
from tests.support.engine.job_case import Job, files, objects
from tests.support.engine.upload_case import PART, QUICK
from tests.support.s3_faults.faults import Answer, CallFunction, Fault, Stage
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

COUNT = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dozen small files and two multipart ones."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for number in range(COUNT - 2):
        (root / "sub" / f"{number}.txt").write_bytes(b"%d" % number * (number + 1))
    for number in (1, 2):
        (root / f"large{number}").write_bytes(os.urandom(3 * PART + number))
    return root


@pytest.fixture
def job(folder: Path, strict: StrictS3, backend: S3Backend) -> Job:
    spec = JobSpec(sources=(str(folder),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)
    return Job(spec=spec, backend=backend)


def operations(strict: StrictS3, *names: str) -> int:
    return sum(call.operation in names for call in strict.journal.calls)


def test_every_file_arrives(job: Job, strict: StrictS3, folder: Path) -> None:
    """Large files are sent in parts; each object is verified; the job's rows are deleted."""
    done = job.run()

    assert objects(strict) == files(folder)
    assert (done.done, done.failed, done.skipped, done.resumed) == (COUNT, 0, 0, 0)
    assert {event.proof for event in job.of(FileDone)} == {"crc64nvme"}
    assert strict.model.get_object("bucket", "p/sub/1.txt").options.content_type == "text/plain"
    (record,) = job.store.jobs.all()
    assert record.status is JobStatus.COMPLETED
    assert (record.done, record.bytes) == (COUNT, sum(map(len, files(folder).values())))
    assert job.store.jobs.totals(record.id).done == 0


def test_large_files_begin_first_and_the_largest_before_all(job: Job, strict: StrictS3) -> None:
    """One at a time, because the order of concurrent requests is undefined."""
    job.run(concurrency=1)

    begun = [call.key for call in strict.calls if call.operation in ("CreateMultipartUpload", "PutObject")]
    assert begun[:2] == ["p/large2", "p/large1"]


@pytest.mark.parametrize("after", [1, 2, 5, 8])
def test_a_stopped_job_goes_on_without_asking(
    job: Job, strict: StrictS3, folder: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished files are neither sent again nor checked on S3."""
    monkeypatch.setattr("partway.engine.job.results._FLUSH_FILES", 1)

    def stop(event: Event) -> None:
        if isinstance(event, FileDone) and len(job.of(FileDone)) == after:
            job.cancel.set()

    job.on_event = stop
    with pytest.raises(UploadCancelled):
        job.run()
    done_before = {event.target.removeprefix("s3://bucket/") for event in job.of(FileDone)}
    job.on_event = lambda event: None
    job.cancel = CancelToken()
    before = len(strict.journal.calls)

    done = job.run()

    assert objects(strict) == files(folder)
    assert done.resumed == len(done_before) >= after
    assert done.done == COUNT - done.resumed
    assert {call.key for call in strict.journal.calls[before:]}.isdisjoint(done_before)
    assert len({event.job for event in job.of(JobStarted)}) == 1


def test_what_is_done_is_told_while_another_file_waits(job: Job, strict: StrictS3, folder: Path) -> None:
    """Results are stored even while a request hangs."""
    told_while_waiting: list[int] = []

    def wait() -> None:
        end = time.monotonic() + 60
        while len(job.of(FileDone)) < COUNT - 1 and time.monotonic() < end:
            time.sleep(0.01)
        told_while_waiting.append(len(job.of(FileDone)))

    last = CallFunction(function=wait)
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=last, skip=COUNT - 3))
    job.run()

    assert told_while_waiting == [COUNT - 1]


def test_a_file_that_changed_since_is_sent_again(job: Job, strict: StrictS3, folder: Path) -> None:
    strict.faults.add(
        Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=Answer(status=403, code="AccessDenied"))
    )
    assert job.run().failed == 1
    changed = folder / "sub" / "3.txt"
    changed.write_bytes(b"another")
    os.utime(changed, ns=(1, 1))

    done = job.run()

    assert objects(strict) == files(folder)
    assert done.resumed >= COUNT - 2
    assert 1 <= done.done <= 2


def test_one_failure_does_not_stop_the_others(job: Job, strict: StrictS3, folder: Path) -> None:
    """It is reported, counted, and sent by the next run."""
    strict.faults.add(
        Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=Answer(status=403, code="AccessDenied"))
    )
    done = job.run()

    assert (done.done, done.failed, done.resumable) == (COUNT - 1, 1, False)
    (failed,) = job.of(FileFailed)
    assert "AccessDenied" in failed.error or "may" in failed.error
    assert job.run().done == 1
    assert objects(strict) == files(folder)


def test_fail_fast_ends_with_the_first(job: Job, strict: StrictS3) -> None:
    strict.faults.add(
        Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=Answer(status=403, code="AccessDenied"), times=None)
    )
    with pytest.raises(UploadFailed, match="stopped at"):
        job.run(fail_fast=True)

    assert len(job.of(FileFailed)) <= 2


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(404, "NoSuchBucket", Refused), (403, "InvalidAccessKeyId", Refused), (400, "ExpiredToken", CredentialsExpired)],
)
def test_what_would_fail_for_all_stops_the_job(
    job: Job, strict: StrictS3, status: int, code: str, error: type[Exception]
) -> None:
    """The job stops, instead of having a million files refused one by one."""
    strict.faults.add(
        Fault(operation=None, stage=Stage.BEFORE_READ, action=Answer(status=status, code=code), times=None)
    )
    with pytest.raises(error):
        job.run()

    assert len(job.of(FileFailed)) <= 2


def test_a_service_that_is_away_stops_the_job_resumably(job: Job, strict: StrictS3, folder: Path) -> None:
    strict.faults.add(
        Fault(operation=None, stage=Stage.BEFORE_READ, action=Answer(status=500, code="InternalError"), times=None)
    )
    with pytest.raises(UploadFailed) as failure:
        job.run()
    strict.faults.clear()

    assert failure.value.resumable
    job.run()
    assert objects(strict) == files(folder)


def test_a_network_that_is_away_is_told_of_small_files_too(job: Job, strict: StrictS3, folder: Path) -> None:
    """Emitted once, with the job's ID, and again when a call succeeds."""

    def come_back(event: Event) -> None:
        if isinstance(event, NetworkLost):
            strict.accept()

    for number in (1, 2):
        (folder / f"large{number}").unlink()
    job.on_event = come_back
    strict.faults.add(
        Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=CallFunction(function=strict.refuse), skip=3)
    )
    done = job.run(concurrency=1)

    (record,) = job.store.jobs.all()
    assert [event.upload for event in job.of(NetworkLost)] == [record.id]
    assert [event.upload for event in job.of(NetworkRestored)] == [record.id]
    assert (done.done, done.failed) == (COUNT - 2, 0)
    assert objects(strict) == files(folder)


def test_a_file_that_vanishes_is_told_and_no_more(job: Job, strict: StrictS3, folder: Path) -> None:
    """After the walk, and before it is sent."""
    vanish = CallFunction(function=(folder / "sub" / "9.txt").unlink)
    strict.faults.add(Fault(operation="CreateMultipartUpload", stage=Stage.BEFORE_READ, action=vanish))
    done = job.run(concurrency=1)

    assert (done.done, done.failed) == (COUNT - 1, 1)
    assert "9.txt" in job.of(FileFailed)[0].source


def test_a_file_that_changes_while_it_is_sent_fails_resumably(job: Job, strict: StrictS3, folder: Path) -> None:
    victim = folder / "sub" / "4.txt"

    def change() -> None:
        if not victim.read_bytes().endswith(b"more"):
            victim.write_bytes(b"4more")

    strict.faults.add(
        Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=CallFunction(function=change), times=None)
    )
    done = job.run()
    strict.faults.clear()

    assert done.failed <= 1
    job.run()
    assert objects(strict) == files(folder)


def test_what_the_service_has_is_not_sent(job: Job, strict: StrictS3, folder: Path) -> None:
    """By size and checksum: a file of the same size with other content is sent."""
    job.run()
    other = folder / "sub" / "5.txt"
    other.write_bytes(b"x" * other.stat().st_size)
    job.spec = replace(job.spec, skip_same=True)
    before = operations(strict, "PutObject", "CreateMultipartUpload")

    done = job.run()

    assert operations(strict, "PutObject", "CreateMultipartUpload") == before + 1
    assert (done.done, done.skipped) == (1, COUNT - 1)
    assert objects(strict) == files(folder)


def test_nothing_is_overwritten(job: Job, strict: StrictS3, folder: Path) -> None:
    job.run()
    before = objects(strict)
    (folder / "sub" / "5.txt").write_bytes(b"other")
    (folder / "new").write_bytes(b"new")
    job.spec = replace(job.spec, options=ObjectOptions(no_overwrite=True))

    done = job.run()

    assert objects(strict) == before | {"p/new": b"new"}
    assert done.failed == 0
    assert {event.reason for event in job.of(FileSkipped)} == {"the object already exists"}


def test_two_files_of_one_key_are_refused_before_the_first_byte(job: Job, strict: StrictS3, folder: Path) -> None:
    other = folder.parent / "other"
    (other / "sub").mkdir(parents=True)
    (other / "sub" / "3.txt").write_bytes(b"")
    job.spec = replace(job.spec, sources=(str(folder), str(other)))

    with pytest.raises(PlanError, match="1 key would be written by several files"):
        job.run()

    assert strict.journal.calls == []
    assert job.store.jobs.all() == []


def test_a_source_that_is_named_twice_does_not_collide_with_itself(job: Job, strict: StrictS3, folder: Path) -> None:
    job.spec = replace(job.spec, sources=(str(folder / "large1"), str(folder / "sub")))
    job.run()

    assert set(objects(strict)) == {"p/large1"} | {f"p/{number}.txt" for number in range(COUNT - 2)}


def test_a_filter_that_matches_nothing_is_an_error_for_who_wants_it(job: Job, strict: StrictS3) -> None:
    """In both cases, the job is deleted."""
    job.spec = replace(job.spec, filters=(Filter(include=False, pattern="*"),))

    with pytest.raises(UploadFailed, match="found no files to upload; check the directory and the filters"):
        job.run(fail_if_empty=True)
    assert job.store.jobs.all() == []
    assert (job.run().done, job.store.jobs.all()) == (0, [])


def test_a_signature_that_does_not_match_is_one_files_failure(job: Job, strict: StrictS3, folder: Path) -> None:
    """A service or proxy that decodes its key differently, also if that file is the first."""
    for number in (1, 2):
        (folder / f"large{number}").unlink()
    refusal = Answer(status=403, code="SignatureDoesNotMatch")
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=refusal))

    done = job.run(concurrency=1)

    assert (done.done, done.failed, done.resumable) == (COUNT - 3, 1, False)
    assert job.run().done == 1
    assert objects(strict) == files(folder)


def test_a_wrong_secret_key_stops_the_job(job: Job, strict: StrictS3, folder: Path) -> None:
    """After ten in a row, the job stops."""
    for number in range(30):
        (folder / f"more{number}").write_bytes(b"%d" % number)
    refusal = Answer(status=403, code="SignatureDoesNotMatch")
    strict.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=refusal, times=None))

    with pytest.raises(UploadFailed, match=r"the job stopped: .*SignatureDoesNotMatch") as failure:
        job.run()

    assert not failure.value.resumable
    assert 10 <= len(job.of(FileFailed)) <= 12


def test_keys_that_s3_refuses_fail_alone(job: Job, strict: StrictS3, folder: Path) -> None:
    deep = folder.joinpath(*["x" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"")
    (folder / os.fsdecode(b"bad\xff")).write_bytes(b"bad")
    done = job.run()

    assert (done.done, done.failed) == (COUNT, 2)
    job.spec = replace(job.spec, key_encoding="latin-1")
    job.run()
    assert objects(strict)["p/badÿ"] == b"bad"


def test_a_service_without_the_checksum_is_learned_of_once(job: Job, strict: StrictS3, folder: Path) -> None:
    """The first file of each kind falls back to MD5; every object is verified by its ETag."""
    strict.model.quirks = Quirks(no_checksums=True)
    done = job.run()

    assert objects(strict) == files(folder)
    assert (done.done, done.failed) == (COUNT, 0)
    assert {event.proof for event in job.of(FileDone)} == {"etag"}
    assert len(job.of(ChecksumFellBack)) <= 3


def test_a_job_that_reached_nobody_leaves_nothing(job: Job, strict: StrictS3) -> None:
    """A mistyped endpoint: S3 has nothing, so neither the job nor its uploads remain in the store."""
    strict.refuse()
    with pytest.raises(Transient):
        job.run(policy=replace(QUICK, first_contact=0.1))

    assert (job.store.jobs.all(), job.store.uploads()) == ([], [])
    strict.accept()
    assert job.run().done == COUNT


def test_a_job_of_an_earlier_run_is_kept_where_nobody_answers(job: Job, strict: StrictS3) -> None:
    """Its files are on S3."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=no))
    assert job.run().failed == 1
    strict.refuse()
    with pytest.raises(Transient):
        job.run(policy=replace(QUICK, first_contact=0.1))

    assert len(job.store.jobs.all(open_only=True)) == 1


def test_a_job_runs_once_at_a_time(job: Job, tmp_path: Path) -> None:
    locked: list[bool] = []

    def again(event: Event) -> None:
        if isinstance(event, JobStarted) and not locked:
            locked.append(True)
            with pytest.raises(StateLocked):
                job.run()

    job.store = SqliteStore(tmp_path / "state")
    job.on_event = again
    job.run()

    assert locked
    job.store.close()


def test_a_spec_is_the_same_after_the_store(job: Job) -> None:
    spec = replace(job.spec, filters=(Filter(include=False, pattern="*.a"),), options=ObjectOptions(acl="private"))

    assert JobSpec.from_json(spec.to_json()) == spec
    assert JobSpec.from_json(job.spec.to_json()) == job.spec


def test_a_spec_says_only_what_is_unusual(job: Job) -> None:
    """Otherwise a version with a new option would not find the jobs of the previous one."""
    plain = replace(job.spec, part_size=None, endpoint="")

    assert set(json.loads(plain.to_json())) == {"sources", "bucket", "prefix"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"a\nb c\n\nd", ["a", "b c", "d"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\nb\0c\0", ["a\nb", "c"]),
        (b"", []),
        (b"\xff\n", ["\udcff"]),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_lists(text: bytes, names: list[str], size: int) -> None:
    """Lines, or names that end in NUL, in chunks of any size."""
    assert list(listed_names(iter([text[i : i + size] for i in range(0, len(text), size)]), "/none")) == names
