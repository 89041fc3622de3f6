"""An object that was there before the upload began is not the upload's, although its bytes are the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from partway.engine.backend.responses import ObjectFacts
from partway.engine.backend.target import ObjectOptions
from partway.engine.errors import AccessRefused
from partway.engine.events.upload import FileDone, FileSkipped, UploadRenewed, UploadSkipped
from partway.engine.proof.proof import is_older, is_older_than
from partway.engine.s3.backend import S3Backend
from partway.engine.upload.overwrite import SAME_BYTES
from partway.engine.walk.spec import JobSpec
from partway.state.uploads import UploadStatus
from tests.support.engine.job_case import Job
from tests.support.engine.strangers import was_there_before
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, ResetConnection, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

SIZE = 2 * PART + 10


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts."""
    return Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)


def stop_before_complete(strict: StrictS3, uploading: Uploading) -> None:
    """A run that noted COMPLETING, and whose Complete never took effect."""
    refused = Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=access_denied())
    strict.faults.add(refused)
    with pytest.raises(AccessRefused):
        uploading.run()
    assert [record.status for record in uploading.store.uploads()] == [UploadStatus.COMPLETING]


def test_an_equal_object_from_before_does_not_end_an_upload_that_vanished(
    strict: StrictS3, uploading: Uploading
) -> None:
    """A lifecycle rule removed the parts: they are sent again, and the object gets what it was to have."""
    was_there_before(strict, uploading.path.read_bytes())
    stop_before_complete(strict, uploading)
    strict.model.expire_upload(strict.model.open_uploads[0].upload_id)

    done = uploading.run()

    assert len(uploading.of(UploadRenewed)) == 1
    assert done.sent_bytes == SIZE
    assert strict.model.get_object("bucket", "key").options.content_type == "text/plain"


def test_an_equal_object_from_before_does_not_end_an_upload_that_is_there(
    strict: StrictS3, uploading: Uploading
) -> None:
    """The list lacks a part, which raises the question whether Complete took effect; it did not."""
    was_there_before(strict, uploading.path.read_bytes())
    stop_before_complete(strict, uploading)
    strict.model.quirks = Quirks(list_drops=frozenset({2}))

    uploading.run()

    assert strict.counts["CompleteMultipartUpload"] == 2
    assert strict.model.get_object("bucket", "key").options.content_type == "text/plain"


def test_an_object_that_this_upload_made_is_known_again(strict: StrictS3, uploading: Uploading) -> None:
    """Complete took effect, its answer was lost, and the process died: nothing is sent again."""
    was_there_before(strict, uploading.path.read_bytes())
    strict.faults.add(
        Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=ResetConnection()),
        Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=access_denied(), skip=1),
    )
    with pytest.raises(AccessRefused):
        uploading.run()

    done = uploading.run()

    assert (done.sent_bytes, done.proof) == (0, "crc64nvme")
    assert strict.counts["CreateMultipartUpload"] == 1


def test_the_services_clock_is_noted_at_create(strict: StrictS3, uploading: Uploading) -> None:
    """Not this machine's, which may be wrong; a little early rather than late."""
    strict.clock = lambda: 1_700_000_000.5

    stop_before_complete(strict, uploading)

    (record,) = uploading.store.uploads()
    assert record.remote_created_at is not None
    assert 1_699_999_990 < record.remote_created_at <= 1_700_000_000


def test_an_equal_object_from_before_is_not_what_put_object_made(strict: StrictS3, uploading: Uploading) -> None:
    """The look did not show it, the first try reached nobody, the second heard of it."""
    uploading.path.write_bytes(b"small")
    uploading.options = ObjectOptions(no_overwrite=True)
    was_there_before(strict, b"small")
    strict.faults.add(
        Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=Answer(status=404), times=3),
        Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=ResetConnection()),
    )

    skipped = uploading.end()

    assert isinstance(skipped, UploadSkipped)
    assert skipped.reason == SAME_BYTES


@pytest.fixture
def job(backend: S3Backend, tmp_path: Path) -> Job:
    """One small file, that must not overwrite anything."""
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "a").write_bytes(b"a" * 100)
    spec = JobSpec(
        sources=(str(tmp_path / "many"),),
        bucket="bucket",
        prefix="p/",
        endpoint=backend.endpoint,
        part_size=PART,
        options=ObjectOptions(no_overwrite=True),
    )
    return Job(spec=spec, backend=backend)


def test_an_equal_object_from_before_was_not_sent_by_the_job(strict: StrictS3, job: Job) -> None:
    """It is skipped, as every object that exists."""
    was_there_before(strict, b"a" * 100, key="p/a")

    done = job.run()

    assert (done.done, done.skipped, len(job.of(FileSkipped))) == (0, 1, 1)


def test_an_object_of_the_job_whose_answer_was_lost_is_known_again(strict: StrictS3, job: Job) -> None:
    """The second try hears that the object exists: it is the one that the first made."""
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_EFFECT, action=ResetConnection()))

    job.run()

    assert [event.proof for event in job.of(FileDone)] == ["crc64nvme"]


def facts(modified: float | None, told_at: float | None = None) -> ObjectFacts:
    return ObjectFacts(size=1, etag="e", modified=modified, told_at=told_at)


@pytest.mark.parametrize(
    ("modified", "created_at", "older"),
    [
        (99.0, 100.0, True),
        (100.0, 100.0, False),
        (100.0, 100.9, False),
        (100.0, 101.0, True),
        (101.0, 100.0, False),
        (None, 100.0, False),
        (0.0, None, False),
    ],
)
def test_only_what_was_made_in_an_earlier_second_is_older(
    modified: float | None, created_at: float | None, older: bool
) -> None:
    """S3 tells whole seconds, and of a multipart object the second of its creation."""
    assert is_older(facts(modified), created_at) is older


@pytest.mark.parametrize(
    ("modified", "told_at", "older"),
    [(100.0, 112.0, False), (100.0, 113.0, True), (100.0, 100.0, False), (None, 113.0, False), (100.0, None, False)],
)
def test_an_age_is_compared_with_some_room(modified: float | None, told_at: float | None, older: bool) -> None:
    """Both times were cut to whole seconds; where one is missing, nothing is known to be older."""
    assert is_older_than(facts(modified, told_at), 10.0) is older
