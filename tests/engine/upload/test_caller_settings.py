"""Settings for callers that decide more than the command does: the kind of request, the proof, and whose options."""

from dataclasses import replace

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import UploadFailed
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3


def _interrupted(uploading: Uploading, strict: StrictS3, **settings: object) -> None:
    """An upload whose third part is refused."""
    refusal = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=refusal, part_number=3))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1, **settings)


def test_a_multipart_upload_of_one_part(uploading: Uploading, strict: StrictS3) -> None:
    """``multipart`` creates one also for a source that fits into one PutObject."""
    uploading.run(part_size=8 * PART, multipart=True)

    assert strict.counts["CreateMultipartUpload"] == strict.counts["UploadPart"] == 1
    assert not strict.counts["PutObject"]


@pytest.mark.parametrize("part_size", [PART, 8 * PART], ids=["parts", "whole"])
def test_no_head(uploading: Uploading, strict: StrictS3, part_size: int) -> None:
    """Without ``verify_object`` the response to the write is the proof."""
    done = uploading.run(part_size=part_size, verify_object=False)

    assert not strict.counts["HeadObject"]
    assert done.proof == "crc64nvme"


@pytest.mark.parametrize("part_size", [PART, 8 * PART], ids=["parts", "whole"])
def test_a_response_without_a_checksum(uploading: Uploading, strict: StrictS3, part_size: int) -> None:
    """Without ``require_checksum`` it is accepted, and nothing is sent again with an MD5."""
    strict.model.quirks = replace(strict.model.quirks, silent_checksums=True)

    done = uploading.run(
        part_size=part_size, verify_object=False, require_checksum=False, algorithm=ChecksumAlgorithm.CRC64NVME
    )

    assert strict.counts["UploadPart"] == (6 if part_size == PART else 0)
    assert not any("content-md5" in call.headers for call in strict.calls)
    assert done.proof == "size"


def test_options_of_an_earlier_upload_are_not_kept(uploading: Uploading, strict: StrictS3) -> None:
    """With ``same_options`` an upload without options does not resume one that has some: it starts over."""
    uploading.options = ObjectOptions(acl="public-read")
    _interrupted(uploading, strict, guess_content_type=False)
    uploading.options = ObjectOptions()

    done = uploading.run(guess_content_type=False, same_options=True)

    assert done.resumed_bytes == 0
    assert [call.headers.get("x-amz-acl") for call in strict.calls if call.operation == "CreateMultipartUpload"] == [
        "public-read",
        None,
    ]
    assert strict.counts["AbortMultipartUpload"]


def test_another_algorithm_starts_over(uploading: Uploading, strict: StrictS3) -> None:
    """With ``same_options`` it is no error."""
    _interrupted(uploading, strict, algorithm=ChecksumAlgorithm.SHA256)

    done = uploading.run(algorithm=ChecksumAlgorithm.CRC32, same_options=True, guess_content_type=False)

    assert (done.resumed_bytes, done.proof) == (0, "crc32")


def test_the_same_options_resume(uploading: Uploading, strict: StrictS3) -> None:
    """With ``same_options`` too."""
    uploading.options = ObjectOptions(acl="public-read")
    _interrupted(uploading, strict, guess_content_type=False)

    assert uploading.run(guess_content_type=False, same_options=True).resumed_bytes == 2 * PART


def test_a_composite_checksum(uploading: Uploading, strict: StrictS3) -> None:
    """``checksum_type`` is declared when the upload is created and when it is completed; no other checksum is sent."""
    uploading.options = ObjectOptions(checksum_type="COMPOSITE")

    done = uploading.run(algorithm=ChecksumAlgorithm.CRC32)

    created, completed = (
        next(call for call in strict.calls if call.operation == name)
        for name in ("CreateMultipartUpload", "CompleteMultipartUpload")
    )
    assert created.headers["x-amz-checksum-type"] == completed.headers["x-amz-checksum-type"] == "COMPOSITE"
    assert "x-amz-checksum-crc32" not in completed.headers
    assert done.proof == "crc32"


def test_the_context_of_a_kms_key(uploading: Uploading, strict: StrictS3) -> None:
    """It is sent when the object is created, and stored with the upload."""
    uploading.options = ObjectOptions(sse="aws:kms", sse_kms_context="eyJhIjoiYiJ9")

    done = uploading.run()

    record = uploading.store.upload(done.upload)
    assert record is not None and ObjectOptions.from_json(record.options).sse_kms_context == "eyJhIjoiYiJ9"
    (created,) = (call for call in strict.calls if call.operation == "CreateMultipartUpload")
    assert created.headers["x-amz-server-side-encryption-context"] == "eyJhIjoiYiJ9"
