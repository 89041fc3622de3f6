"""Between a write and the look at it, somebody else may write: the write's answer counts only for its own object."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import ProofFailed
from partway.engine.events.upload import FileDone
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from tests.support.engine.job_case import Job
from tests.support.engine.strangers import stranger_writes
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

SIZES = [2 * PART + 10, 1000]


@pytest.fixture(params=SIZES, ids=["parts", "one object"])
def uploading(request: pytest.FixtureRequest, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts, or one that goes as one object."""
    return Uploading(path=make_file(request.param), backend=backend, endpoint=backend.endpoint)


def another(uploading: Uploading) -> bytes:
    """Other bytes, as many as the file has."""
    return Random(9).randbytes(uploading.path.stat().st_size)


def test_a_strangers_object_is_not_verified(strict: StrictS3, uploading: Uploading) -> None:
    """HEAD shows another ETag and no checksum that could be compared: only the sizes are equal, and that is said."""
    stranger_writes(strict, another(uploading), before="HeadObject")

    done = uploading.run()

    assert done.proof == "size"


def test_on_aws_a_strangers_object_is_an_error(strict: StrictS3, uploading: Uploading) -> None:
    """There HEAD gives the ETag that the write was answered with, so another one is another object."""
    uploading.endpoint = ""
    stranger_writes(strict, another(uploading), before="HeadObject")

    with pytest.raises(ProofFailed, match="it was replaced"):
        uploading.run()


def test_with_versions_the_one_that_was_written_is_compared(strict: StrictS3, uploading: Uploading) -> None:
    """The stranger's is the current one; the one that the write named is the file."""
    strict.model.keeps_versions = True
    stranger_writes(strict, another(uploading), before="HeadObject")

    done = uploading.run()

    looks = [call for call in strict.calls if call.operation == "HeadObject"]
    assert done.proof == "crc64nvme"
    assert ["versionId" in call.query for call in looks] == [False, True]


def test_a_version_that_nobody_may_look_at_is_not_verified(strict: StrictS3, uploading: Uploading) -> None:
    """s3:GetObjectVersion is missing: the current version is a stranger's, and nothing ties it to the write."""
    strict.model.keeps_versions = True
    stranger_writes(strict, another(uploading), before="HeadObject")
    no = access_denied()
    for skip in (1, 2):
        strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=no, skip=skip))

    done = uploading.run()

    assert done.proof == "size"


def test_a_second_look_that_is_refused_proves_nothing(strict: StrictS3, uploading: Uploading) -> None:
    """The first showed another object; that nobody may look now does not make it ours."""
    stranger_writes(strict, another(uploading), before="HeadObject")
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=access_denied(), skip=1))

    done = uploading.run()

    assert done.proof == "size"


def test_where_every_object_is_the_latest_version_one_look_is_enough(strict: StrictS3, uploading: Uploading) -> None:
    """The version that HEAD shows is the one that the write named."""
    strict.model.keeps_versions = True

    assert uploading.run().proof == "crc64nvme"
    assert strict.counts["HeadObject"] == 1


@pytest.mark.parametrize("quirks", [Quirks(empty_complete_etag=True), Quirks(head_etag_differs=True)])
def test_without_a_common_etag_the_objects_own_checksum_decides(
    strict: StrictS3, uploading: Uploading, quirks: Quirks
) -> None:
    """Services whose HEAD gives another ETag than the write are no failures."""
    strict.model.quirks = quirks

    assert uploading.run().proof == "crc64nvme"


def test_an_object_without_checksums_is_proven_by_its_own_etag(strict: StrictS3, uploading: Uploading) -> None:
    """Nothing ties HEAD to the answer of Complete, but the ETag that it shows is that of the file's bytes."""
    strict.model.quirks = Quirks(empty_complete_etag=True, checksum_missing_on_head=True)

    assert uploading.run().proof in ("etag", "crc64nvme")


def test_the_composite_of_another_object_is_not_taken_over(strict: StrictS3, uploading: Uploading) -> None:
    """The same with a checksum that the user chose."""
    content = another(uploading)
    stranger_writes(strict, content, before="HeadObject")

    done = uploading.run(algorithm=ChecksumAlgorithm.CRC32C)

    assert done.proof == "size"


def test_a_strangers_object_is_not_verified_in_a_job(strict: StrictS3, backend: S3Backend, tmp_path: Path) -> None:
    """Small files of a job are compared in the same way."""
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "a").write_bytes(b"a" * 100)
    spec = JobSpec(
        sources=(str(tmp_path / "many"),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART
    )
    job = Job(spec=spec, backend=backend)
    stranger_writes(strict, b"b" * 100, before="HeadObject", key="p/a")

    job.run()

    assert [event.proof for event in job.of(FileDone)] == ["size"]
