"""Refusals that are about an option of the upload: named with its flag, and not taken for others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.errors import AccessRefused, OptionRefused, Refused
from partway.engine.events.upload import ChecksumFellBack, FileDone
from partway.engine.run.record import default_algorithm
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from tests.support.engine.job_case import Job
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.quirks import Quirks, RefuseChecksums
from tests.support.s3_server.server import StrictS3

UNNAMED = "A header you provided implies functionality that is not implemented"
LOCK = ObjectOptions(object_lock_mode="GOVERNANCE", object_lock_retain_until_date="2099-01-01T00:00:00+00:00")
# What a service answers, what was asked for, and what the sentence has to say.
REFUSALS = {
    "tags not implemented": (
        Answer(status=501, code="NotImplemented", message="x-amz-tagging is not implemented"),
        ObjectOptions(tagging="a=b", acl="private"),
        "the service does not accept --tagging as given; omit it",
    ),
    "a header in its own element": (
        Answer(status=501, code="NotImplemented", message=UNNAMED, details={"Header": "x-amz-acl"}),
        ObjectOptions(tagging="a=b", acl="private"),
        "the service does not accept --acl as given; omit it",
    ),
    "an ACL that is no method": (
        Answer(status=405, code="MethodNotAllowed", message="ACLs are not allowed against this resource"),
        ObjectOptions(acl="private"),
        "the service does not accept --acl as given; omit it",
    ),
    "a bucket without ACLs": (
        Answer(status=400, code="AccessControlListNotSupported", message="The bucket does not allow ACLs"),
        ObjectOptions(acl="public-read"),
        "this bucket has no ACLs: omit --acl, and use a bucket policy",
    ),
    "a bucket without ACLs, and grants": (
        Answer(status=400, code="AccessControlListNotSupported", message="The bucket does not allow ACLs"),
        ObjectOptions(grants=(("GrantRead", 'id="x"'),)),
        "this bucket has no ACLs: omit --grants, and use a bucket policy",
    ),
    "a bucket without object lock": (
        Answer(status=400, code="InvalidRequest", message="Bucket is missing Object Lock Configuration"),
        LOCK,
        "does not accept --object-lock-mode and --object-lock-retain-until-date as given",
    ),
    "a storage class": (
        Answer(status=400, code="InvalidStorageClass", message="The storage class you specified is not valid"),
        ObjectOptions(storage_class="DEEP_ARCHIVE", tagging="a=b"),
        "the service does not accept --storage-class as given",
    ),
    "an argument by its name": (
        Answer(
            status=400,
            code="InvalidArgument",
            message="Invalid value",
            details={"ArgumentName": "x-amz-server-side-encryption"},
        ),
        ObjectOptions(sse="aws:kms"),
        "the service does not accept --sse as given",
    ),
    "a KMS key": (
        Answer(status=400, code="KMS.NotFoundException", message="Invalid keyId"),
        ObjectOptions(sse="aws:kms", sse_kms_key_id="nobody"),
        "does not accept --sse and --sse-kms-key-id as given",
    ),
}


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts."""
    return Uploading(path=make_file(3 * PART), backend=backend, endpoint=backend.endpoint)


def refuse(strict: StrictS3, answer: Answer) -> None:
    """Answer so to every call that begins an object."""
    for operation in ("PutObject", "CreateMultipartUpload"):
        strict.faults.add(Fault(operation=operation, stage=Stage.AFTER_BODY, action=answer, times=None))


def learned(uploading: Uploading) -> str:
    """The checksum that the next upload to the endpoint begins with."""
    return default_algorithm(uploading.store, uploading.endpoint, 0.0).value


@pytest.mark.parametrize("size", [100, 3 * PART])
@pytest.mark.parametrize("name", REFUSALS)
def test_the_option_is_named(strict: StrictS3, uploading: Uploading, name: str, size: int) -> None:
    """With its flag, after one request; the checksum is not blamed, and nothing stays to be resumed."""
    answer, uploading.options, words = REFUSALS[name]
    uploading.path.write_bytes(b"x" * size)
    refuse(strict, answer)

    with pytest.raises(OptionRefused, match=words):
        uploading.run()

    assert strict.counts["PutObject"] + strict.counts["CreateMultipartUpload"] == 1
    assert uploading.of(ChecksumFellBack) == []
    assert (learned(uploading), uploading.store.uploads()) == ("CRC64NVME", [])


@pytest.mark.parametrize("size", [100, 3 * PART])
def test_what_is_not_named_is_tried_without_the_checksum(strict: StrictS3, uploading: Uploading, size: int) -> None:
    """It fails in the same way, so it was the option; the endpoint is not remembered as one without checksums."""
    uploading.options = ObjectOptions(tagging="a=b", content_type="text/plain")
    uploading.path.write_bytes(b"x" * size)
    refuse(strict, Answer(status=501, code="NotImplemented", message=UNNAMED))

    with pytest.raises(OptionRefused, match="perhaps the service does not support --tagging; omit it"):
        uploading.run()

    assert learned(uploading) == "CRC64NVME"


@pytest.mark.parametrize("refuse_checksums", RefuseChecksums)
@pytest.mark.parametrize("size", [100, 3 * PART])
def test_a_checksum_that_was_the_reason_is_remembered(
    strict: StrictS3, uploading: Uploading, size: int, refuse_checksums: RefuseChecksums
) -> None:
    """Without it the same options pass."""
    uploading.options = ObjectOptions(tagging="a=b")
    uploading.path.write_bytes(b"x" * size)
    strict.model.quirks = Quirks(refuse_checksums=refuse_checksums)

    done = uploading.run()

    assert (done.proof, learned(uploading)) == ("etag", "MD5")


def test_a_condition_that_complete_does_not_know_is_named(strict: StrictS3, uploading: Uploading) -> None:
    """The parts went with their checksums, so those are known; nothing is sent again."""
    uploading.options = ObjectOptions(no_overwrite=True)
    refused = Answer(status=501, code="NotImplemented", message=UNNAMED)
    strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=refused))

    with pytest.raises(OptionRefused, match="--no-overwrite"):
        uploading.run()

    assert strict.counts["UploadPart"] == 3
    assert len(uploading.store.parts(uploading.store.uploads()[0].id)) == 3


DENIED = {
    "by name": (
        "User: me is not authorized to perform: s3:PutObjectTagging",
        ObjectOptions(tagging="a=b", acl="private"),
        "check that these credentials may use --tagging, or omit it",
    ),
    "without a name": (
        "Access Denied",
        ObjectOptions(tagging="a=b", acl="private", storage_class="GLACIER"),
        "may write there; the options also require s3:PutObjectAcl and s3:PutObjectTagging",
    ),
    "without options": ("Access Denied", ObjectOptions(), "check that these credentials may write there$"),
}


@pytest.mark.parametrize("name", DENIED)
def test_a_missing_permission_is_named(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """403 says what else the options take than the permission to write."""
    message, uploading.options, words = DENIED[name]
    refuse(strict, Answer(status=403, code="AccessDenied", message=message))

    with pytest.raises(AccessRefused, match=words):
        uploading.run()


def test_an_option_that_was_not_given_is_not_named(strict: StrictS3, uploading: Uploading) -> None:
    """The bucket's own rules may speak of what the user never asked for."""
    refuse(strict, Answer(status=400, code="InvalidRequest", message="object lock and tagging and ACL"))

    with pytest.raises(Refused, match=r"ACL\)$") as refused:
        uploading.run()

    assert not isinstance(refused.value, OptionRefused)


def test_names_of_buckets_and_keys_name_no_option(strict: StrictS3, uploading: Uploading) -> None:
    """Nor a checksum: what the answer says of the resource is no reason."""
    uploading.options = ObjectOptions(tagging="a=b", sse="AES256")
    resource = {"Resource": "/bucket/checksum-tagging", "Key": "tagging", "BucketName": "x-amz-checksum"}
    message = "no such rule for arn:aws:s3:::kms-bucket/encryption"
    refuse(strict, Answer(status=400, code="InvalidRequest", message=message, details=resource))

    with pytest.raises(Refused) as refused:
        uploading.run()

    assert (type(refused.value), uploading.of(ChecksumFellBack)) == (Refused, [])


def test_a_job_stops_at_an_option_that_no_file_can_have(strict: StrictS3, backend: S3Backend, tmp_path: Path) -> None:
    """The others would fail in the same way."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(20):
        (folder / str(number)).write_bytes(b"x")
    spec = JobSpec(sources=(str(folder),), bucket="bucket", prefix="p/", endpoint=backend.endpoint)
    job = Job(spec=replace(spec, options=ObjectOptions(acl="public-read")), backend=backend)
    refuse(strict, Answer(status=400, code="AccessControlListNotSupported"))

    with pytest.raises(OptionRefused, match="omit --acl"):
        job.run()

    assert job.of(FileDone) == []
    assert strict.counts["PutObject"] < 20
