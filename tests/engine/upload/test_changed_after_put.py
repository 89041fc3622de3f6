"""A file that changes once its object was made: what is said is what is there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.errors import ProofFailed, SourceChanged, UploadFailed
from partway.engine.events.upload import FileFailed, UploadStarted
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from tests.support.engine.job_case import Job
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file that goes as one object."""
    return Uploading(path=make_file(1000), backend=backend, endpoint=backend.endpoint)


def change_after_put(strict: StrictS3, path: Path, content: bytes) -> None:
    """Write the file when the service has made the object, and not answered yet."""
    change = CallFunction(function=lambda: path.write_bytes(content))
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_EFFECT, action=change))


@pytest.mark.parametrize("content", [b"other" * 200, b"longer" * 200, b"short"], ids=["same size", "longer", "shorter"])
def test_the_object_that_was_replaced_is_named(strict: StrictS3, uploading: Uploading, content: bytes) -> None:
    """The old object is gone; the next run puts the file there as it is now."""
    strict.model.put_object("bucket", "key", b"older")
    before = uploading.path.read_bytes()
    change_after_put(strict, uploading.path, content)

    with pytest.raises(
        SourceChanged, match=r"^s3://bucket/key was created from the content that had been read, but .*run again"
    ):
        uploading.run()
    assert strict.model.get_object("bucket", "key").body == before
    uploading.run()

    assert strict.model.get_object("bucket", "key").body == content


def test_with_no_overwrite_it_stays_and_is_never_called_a_strangers(strict: StrictS3, uploading: Uploading) -> None:
    """The first run says what to do; every later one says so again, and none ends well."""
    uploading.options = ObjectOptions(no_overwrite=True)
    change_after_put(strict, uploading.path, b"other" * 200)

    with pytest.raises(UploadFailed, match="--no-overwrite keeps that object: remove it") as failure:
        uploading.run()
    with pytest.raises(ProofFailed, match=r"has the content that an earlier run read .*--no-overwrite keeps that"):
        uploading.run()
    strict.model.delete_object("bucket", "key")
    uploading.run()

    assert not failure.value.resumable
    assert strict.model.get_object("bucket", "key").body == b"other" * 200


@pytest.mark.parametrize("no_overwrite", [True, False])
def test_a_job_names_it(strict: StrictS3, backend: S3Backend, tmp_path: Path, no_overwrite: bool) -> None:
    """So it is with a small file of many; running again helps only where it may be replaced."""
    path = tmp_path / "many" / "a"
    path.parent.mkdir()
    path.write_bytes(b"a" * 100)
    spec = JobSpec(
        sources=(str(path.parent),),
        bucket="bucket",
        prefix="p/",
        endpoint=backend.endpoint,
        part_size=PART,
        options=ObjectOptions(no_overwrite=no_overwrite),
    )
    job = Job(spec=spec, backend=backend)
    change_after_put(strict, path, b"b" * 100)

    job.run()

    (failed,) = job.of(FileFailed)
    assert failed.error.startswith("s3://bucket/p/a was created from the content that had been read, but ")
    assert failed.resumable is not no_overwrite


def test_what_was_put_is_no_part_of_an_upload(strict: StrictS3, uploading: Uploading) -> None:
    """A file that grew into several parts is sent from the start, also where no list shows which parts there are."""
    strict.model.quirks = Quirks(no_checksums=True, list_parts_unsupported=True)
    grown = bytes(2 * PART + 1)
    change_after_put(strict, uploading.path, grown)

    with pytest.raises(SourceChanged):
        uploading.run()
    uploading.events.clear()
    uploading.run()

    started = uploading.of(UploadStarted)
    assert [event.resumed_parts for event in started] == [0] * len(started)
    assert strict.counts["UploadPart"] == 3
    assert strict.model.get_object("bucket", "key").body == grown
