"""--no-overwrite: an object that exists stays, also where the service does not see to that."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.errors import Refused, Transient, UploadFailed
from partway.engine.events.upload import (
    FileSkipped,
    OverwriteNotExcluded,
    PartDone,
    UploadDone,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.events.upload import UploadFailed as FailedEvent
from partway.engine.limits import honours_conditions
from partway.engine.s3.backend import S3Backend
from partway.engine.stream.finish import finish_stream
from partway.engine.walk.spec import JobSpec
from partway.state.uploads import UNFINISHED, UploadStatus
from tests.support.engine.job_case import Job
from tests.support.engine.strangers import stranger_writes
from tests.support.engine.stream_case import Streaming, pipe_of
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, ResetConnection, Stage
from tests.support.s3_faults.responses import access_denied, s3_error, slow_down
from tests.support.s3_model.quirks import ListAfterComplete, Quirks
from tests.support.s3_server.server import StrictS3

SIZES = {"parts": 2 * PART + 10, "one object": 1000}
WRITES = {"parts": "CompleteMultipartUpload", "one object": "PutObject"}
AWS = ""
ONLY_NEW = ObjectOptions(no_overwrite=True)


@pytest.fixture(params=SIZES)
def shape(request: pytest.FixtureRequest) -> str:
    """How the file goes."""
    return str(request.param)


@pytest.fixture
def uploading(shape: str, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts, or of one object, that must not replace anything."""
    return Uploading(path=make_file(SIZES[shape]), backend=backend, endpoint=backend.endpoint, options=ONLY_NEW)


def content(strict: StrictS3) -> bytes:
    """The object's bytes."""
    return strict.model.get_object("bucket", "key").body


def is_nothing_left(strict: StrictS3, uploading: Uploading) -> bool:
    """True when neither S3 nor the store has anything unfinished."""
    return not strict.model.open_uploads and not uploading.store.uploads(statuses=UNFINISHED)


def interrupt(strict: StrictS3, uploading: Uploading) -> str:
    """Have one run end with two of three parts sent; the upload's id."""
    no = Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=3)
    strict.faults.add(no)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    return uploading.store.uploads()[-1].id


@pytest.mark.parametrize("endpoint", [AWS, None], ids=["AWS", "another service"])
def test_whoever_wrote_first_wins(strict: StrictS3, uploading: Uploading, shape: str, endpoint: str | None) -> None:
    """S3 refuses the write: the upload ends as skipped, says why, and leaves nothing."""
    uploading.endpoint = uploading.endpoint if endpoint is None else endpoint
    stranger_writes(strict, b"a stranger's", before=WRITES[shape])

    skipped = uploading.end()

    assert isinstance(skipped, UploadSkipped)
    assert skipped.reason.startswith("someone else wrote the object; yours was not uploaded")
    assert ("3 parts that were sent are removed" in skipped.reason) == (shape == "parts")
    assert skipped.upload == uploading.of(UploadStarted)[0].upload
    assert content(strict) == b"a stranger's"
    assert is_nothing_left(strict, uploading)
    assert not uploading.of(FailedEvent)


@pytest.mark.parametrize("endpoint", [AWS, None], ids=["AWS", "another service"])
def test_the_same_bytes_by_somebody_else_are_not_ours(
    strict: StrictS3, uploading: Uploading, shape: str, endpoint: str | None
) -> None:
    """The object is equal, and still it is skipped: its metadata is not that of this upload."""
    uploading.endpoint = uploading.endpoint if endpoint is None else endpoint
    same = uploading.path.read_bytes()
    stranger_writes(strict, same, before=WRITES[shape])

    skipped = uploading.end()

    assert isinstance(skipped, UploadSkipped)
    assert is_nothing_left(strict, uploading)


@pytest.mark.parametrize("endpoint", [AWS, None], ids=["AWS", "another service"])
@pytest.mark.parametrize("quirks", [Quirks(), Quirks(list_after_complete=ListAfterComplete.ALL)], ids=["S3", "lists"])
def test_the_object_that_a_lost_answer_was_about_is_ours(
    strict: StrictS3, uploading: Uploading, shape: str, endpoint: str | None, quirks: Quirks
) -> None:
    """The second try finds the key taken, by what the first try made."""
    uploading.endpoint = uploading.endpoint if endpoint is None else endpoint
    strict.model.quirks = quirks
    strict.faults.add(Fault(operation=WRITES[shape], stage=Stage.AFTER_EFFECT, action=ResetConnection()))

    done = uploading.end()

    assert isinstance(done, UploadDone)
    assert done.proof == "crc64nvme"
    assert content(strict) == uploading.path.read_bytes()


def test_a_service_that_ignores_the_condition_overwrites_nothing(strict: StrictS3, uploading: Uploading) -> None:
    """The key is looked at right before the write, by when a stranger has written it."""
    strict.model.quirks = Quirks(preconditions_ignored=True)
    stranger_writes(strict, b"a stranger's", before="HeadObject", skip=1)

    skipped = uploading.end()

    assert isinstance(skipped, UploadSkipped)
    assert content(strict) == b"a stranger's"
    assert is_nothing_left(strict, uploading)


def test_every_try_looks_first(strict: StrictS3, uploading: Uploading, shape: str) -> None:
    """Between a try that was refused and the next one there is time for a stranger."""
    strict.model.quirks = Quirks(preconditions_ignored=True)
    strict.faults.add(Fault(operation=WRITES[shape], stage=Stage.AFTER_BODY, action=slow_down()))
    stranger_writes(strict, b"a stranger's", before="HeadObject", skip=2)

    skipped = uploading.end()

    assert isinstance(skipped, UploadSkipped)
    assert content(strict) == b"a stranger's"


def test_what_remains_of_the_window_is_said_once(strict: StrictS3, uploading: Uploading) -> None:
    """Where the service is not known to refuse an overwrite itself; a second run says it again."""
    uploading.end()

    assert len(uploading.of(OverwriteNotExcluded)) == 1


def test_aws_decides_itself(strict: StrictS3, uploading: Uploading) -> None:
    """Nothing is said, and no request is spent: one look before the upload, one at the object."""
    uploading.endpoint = AWS

    uploading.end()

    assert not uploading.of(OverwriteNotExcluded)
    assert strict.counts["HeadObject"] == 2


@pytest.mark.parametrize(
    ("endpoint", "known"),
    [
        ("", True),
        ("https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com", True),
        ("https://abc.r2.cloudflarestorage.com", True),
        ("https://abc.eu.r2.cloudflarestorage.com", True),
        ("https://r2.cloudflarestorage.com.example.org", False),
        ("https://amazonaws.com.example.org", False),
        ("http://127.0.0.1:9000", False),
        ("https://s3.example.org", False),
    ],
)
def test_services_that_are_known_to_refuse(endpoint: str, known: bool) -> None:
    """By the host, and only where it is documented."""
    assert honours_conditions(endpoint) is known


def forbid_looks(strict: StrictS3) -> None:
    """Credentials that may write and not read."""
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=access_denied(), times=None))


def test_where_nobody_may_look_it_is_refused(strict: StrictS3, uploading: Uploading) -> None:
    """The service might overwrite, and nobody would know: nothing is sent, and the sentence says what helps."""
    strict.model.quirks = Quirks(preconditions_ignored=True)
    strict.model.put_object("bucket", "key", b"older")
    forbid_looks(strict)

    with pytest.raises(Refused, match=r"--no-overwrite cannot be guaranteed.*allow s3:GetObject.*omit --no-overwrite"):
        uploading.end()

    assert set(strict.counts) == {"HeadObject"}
    assert strict.model.objects["bucket", "key"].body == b"older"


@pytest.mark.parametrize("taken", [True, False])
def test_where_nobody_may_look_aws_decides(strict: StrictS3, uploading: Uploading, taken: bool) -> None:
    """Its condition holds without a look."""
    uploading.endpoint = AWS
    forbid_looks(strict)
    if taken:
        strict.model.put_object("bucket", "key", b"older")

    end = uploading.end()

    assert isinstance(end, UploadSkipped) == taken
    assert strict.model.objects["bucket", "key"].body == (b"older" if taken else uploading.path.read_bytes())


def test_a_refusal_that_shows_no_object_keeps_the_parts(strict: StrictS3, uploading: Uploading, shape: str) -> None:
    """The key is said to be taken, and there is nothing: whoever runs again gets it done."""
    uploading.endpoint = AWS
    taken = s3_error("PreconditionFailed", 412)
    strict.faults.add(Fault(operation=WRITES[shape], stage=Stage.AFTER_BODY, action=taken))

    with pytest.raises(Transient, match="does not show it"):
        uploading.end()
    parts = strict.counts["UploadPart"]
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()
    assert strict.counts["UploadPart"] == parts


def test_a_head_that_is_answered_with_412_shows_no_object(strict: StrictS3, uploading: Uploading) -> None:
    """Only a write has the condition: the upload is not skipped, and the next run finishes it."""
    uploading.options = ObjectOptions()
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=Answer(status=412)))

    with pytest.raises(Refused, match="HeadObject: 412"):
        uploading.end()
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()


@pytest.fixture
def parts(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts that must not replace anything."""
    return Uploading(path=make_file(SIZES["parts"]), backend=backend, endpoint=backend.endpoint, options=ONLY_NEW)


def test_an_equal_object_is_named_as_such(strict: StrictS3, parts: Uploading) -> None:
    """Nobody has to send it again."""
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=Answer(status=404)))
    strict.model.put_object("bucket", "key", parts.path.read_bytes())
    parts.endpoint = AWS

    skipped = parts.end()

    assert isinstance(skipped, UploadSkipped)
    assert skipped.reason.startswith("the object already exists, with the same bytes; the 3 parts")


def test_parts_that_cannot_be_removed_are_named(strict: StrictS3, parts: Uploading) -> None:
    """The upload stays in the list, and the reason has the command."""
    stranger_writes(strict, b"a stranger's", before="CompleteMultipartUpload")
    no = s3_error("MethodNotAllowed", 405)
    strict.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=no))

    skipped = parts.end()

    (record,) = parts.store.uploads(statuses=UNFINISHED)
    assert isinstance(skipped, UploadSkipped)
    assert f"its 3 parts stay on S3 until `partway cancel {record.id}`" in skipped.reason
    assert "MethodNotAllowed" in skipped.reason


def test_a_restart_looks_before_it_removes(strict: StrictS3, parts: Uploading) -> None:
    """The key is taken: nothing is aborted, and the old upload can still be finished elsewhere."""
    old = interrupt(strict, parts)
    strict.model.put_object("bucket", "key", b"a stranger's")

    skipped = parts.end(restart=True)

    assert isinstance(skipped, UploadSkipped)
    assert skipped.reason == f"the object already exists; the unfinished upload {old} stays as it is"
    assert strict.counts["AbortMultipartUpload"] == 0
    assert [record.id for record in parts.store.uploads(statuses=UNFINISHED)] == [old]


def test_a_restart_that_may_not_look_removes_nothing(strict: StrictS3, parts: Uploading) -> None:
    """The error names the old upload, which is as it was."""
    old = interrupt(strict, parts)
    forbid_looks(strict)

    with pytest.raises(Refused):
        parts.end(restart=True)

    assert strict.counts["AbortMultipartUpload"] == 0
    assert parts.of(FailedEvent)[-1].upload == old
    assert [record.id for record in parts.store.uploads(statuses=UNFINISHED)] == [old]


def test_a_resume_of_a_key_that_is_taken_by_now_sends_nothing(strict: StrictS3, parts: Uploading) -> None:
    """It could only end in the same way, with more parts sent."""
    interrupt(strict, parts)
    sent = strict.counts["UploadPart"]
    strict.model.put_object("bucket", "key", b"a stranger's")

    skipped = parts.end()

    assert isinstance(skipped, UploadSkipped)
    assert skipped.reason == "the object already exists; the 2 parts that were sent are removed from S3"
    assert strict.counts["UploadPart"] == sent
    assert is_nothing_left(strict, parts)


@pytest.fixture
def streaming(backend: S3Backend, tmp_path: Path) -> Streaming:
    """A stream that must not replace anything."""
    return Streaming(backend=backend, endpoint=backend.endpoint, folder=tmp_path, options=ONLY_NEW)


def test_the_parts_of_a_stream_stay(strict: StrictS3, streaming: Streaming) -> None:
    """Nobody may have its bytes any more: once the key is free, they become the object without the producer."""
    data = bytes(range(256)) * (PART // 100)
    stranger_writes(strict, b"a stranger's", before="CompleteMultipartUpload")
    with pipe_of(data) as descriptor:
        skipped = streaming.read(descriptor)

    (record,) = streaming.store.uploads(statuses=UNFINISHED)
    assert isinstance(skipped, UploadSkipped)
    assert f"stay on S3 until `partway resume {record.id}`" in skipped.reason
    assert record.status is UploadStatus.COMPLETING

    taken = finish_stream(record, streaming.context)
    strict.model.delete_object("bucket", "key")
    done = finish_stream(record, streaming.context)

    assert (type(taken), type(done)) == (UploadSkipped, UploadDone)
    assert content(strict) == data


@pytest.fixture
def job(backend: S3Backend, tmp_path: Path) -> Job:
    """Two small files and one of several parts, that must not replace anything."""
    (tmp_path / "many").mkdir()
    for name, size in {"a": 100, "b": 100, "large": 3 * PART}.items():
        (tmp_path / "many" / name).write_bytes(name[:1].encode() * size)
    spec = JobSpec(
        sources=(str(tmp_path / "many"),),
        bucket="bucket",
        prefix="p/",
        endpoint=backend.endpoint,
        part_size=PART,
        options=ONLY_NEW,
    )
    return Job(spec=spec, backend=backend)


def test_a_job_overwrites_nothing_where_the_condition_is_ignored(strict: StrictS3, job: Job) -> None:
    """Small files are looked at, too; the remaining window is named once for all."""
    strict.model.quirks = Quirks(preconditions_ignored=True)
    for name in ("a", "large"):
        strict.model.put_object("bucket", f"p/{name}", b"older")

    done = job.run()

    assert (done.done, done.skipped) == (1, 2)
    assert {event.reason for event in job.of(FileSkipped)} == {"the object already exists"}
    assert strict.model.objects["bucket", "p/a"].body == strict.model.objects["bucket", "p/large"].body == b"older"
    assert len(job.of(OverwriteNotExcluded)) == 1


def test_a_job_passes_over_a_file_that_a_stranger_wrote_meanwhile(strict: StrictS3, job: Job) -> None:
    """It is skipped with the reason, its parts are gone, and the job is done."""
    job.spec = replace(job.spec, endpoint=AWS)
    stranger_writes(strict, b"a stranger's", before="CompleteMultipartUpload", key="p/large")

    done = job.run()

    (skipped,) = job.of(FileSkipped)
    assert (done.done, done.skipped, done.failed) == (2, 1, 0)
    assert skipped.reason.startswith("someone else wrote the object")
    assert strict.model.open_uploads == ()
    assert job.store.uploads(statuses=UNFINISHED) == []


def test_an_interruption_keeps_what_is_there(strict: StrictS3, parts: Uploading) -> None:
    """The condition changes nothing of what an interruption keeps."""
    interrupt(strict, parts)

    done = parts.run()

    assert done.resumed_bytes == 2 * PART
    assert len(parts.of(PartDone)) == 3
