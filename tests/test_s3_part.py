"""Parts after the first: sent without botocore's model, and the same on the wire."""

from collections.abc import Callable
from pathlib import Path

import pytest

from partway.engine.backend import Target
from partway.engine.checksum import ChecksumAlgorithm
from partway.engine.plan import PartSpec
from partway.engine.s3 import S3Backend
from partway.engine.s3_client import client_for
from partway.engine.source import PartReader
from tests.support.fault_answers import permanent_redirect
from tests.support.faults import Answer, CallFunction, Fault, Stage
from tests.support.journal import Call
from tests.support.strict_s3 import StrictS3
from tests.support.uploading import PART, Uploading

OWN = {"authorization", "content-length", "content-md5", "expect", "x-amz-date", "amz-sdk-invocation-id"}


@pytest.fixture
def uploading(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """Six parts."""
    return Uploading(path=make_file(5 * PART + 10), backend=backend, endpoint=backend.endpoint)


def parts_of(strict: StrictS3) -> list[Call]:
    return [call for call in strict.journal.calls if call.operation == "UploadPart"]


def common(call: Call) -> dict[str, str]:
    """What is of no single part or request."""
    kept = {name: value for name, value in call.headers.items() if name not in OWN}
    return {name: "" if name.startswith("x-amz-checksum-") else value for name, value in kept.items()}


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
def test_later_parts_say_what_the_first_said(
    strict: StrictS3, uploading: Uploading, algorithm: ChecksumAlgorithm
) -> None:
    """All but the question whether the body is wanted; the server checks each signature and checksum."""
    uploading.run(concurrency=1, algorithm=algorithm)
    first, *later = parts_of(strict)

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert [call.part_number for call in later] == [2, 3, 4, 5, 6]
    assert "expect" in first.headers
    assert {"authorization", "x-amz-date"} <= set(later[0].headers)
    for call in later:
        assert "expect" not in call.headers
        assert common(call) | {"amz-sdk-request": ""} == common(first) | {"amz-sdk-request": ""}
        assert call.query.keys() == first.query.keys()


def test_after_trouble_the_next_call_is_the_long_way(strict: StrictS3, uploading: Uploading) -> None:
    """It asks before it sends the body; once it goes well, parts are short again."""
    refusal = Answer(status=503, code="SlowDown")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=refusal, part_number=3))

    uploading.run(concurrency=1)

    asked = [(call.part_number, "expect" in call.headers) for call in parts_of(strict)]
    assert asked == [(1, True), (2, False), (3, False), (3, True), (4, False), (5, False), (6, False)]


def test_a_redirect_in_mid_upload_is_followed(strict: StrictS3, uploading: Uploading) -> None:
    """Also when later parts are short calls, of which two were on their way."""
    move = CallFunction(function=lambda: setattr(strict, "region", "eu-west-1"))
    for part, action in ((3, move), (3, permanent_redirect("eu-west-1")), (4, permanent_redirect("eu-west-1"))):
        strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=action, part_number=part))

    done = uploading.run(concurrency=2)

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.retries == 0


@pytest.mark.parametrize("key", ["a b/ü+%25", "?partNumber=7&uploadId=x", "film&partNumber=1.mkv", "a//b/../c"])
def test_odd_keys_stay_what_they_are(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], key: str
) -> None:
    """The part's number is changed in the address, and nothing that looks like it in the key."""
    path = str(make_file(3 * PART))
    target = Target(bucket="bucket", key=key)
    crc = ChecksumAlgorithm.CRC64NVME
    upload_id = backend.create_upload(target, crc).upload_id
    for number in (1, 2, 3):
        spec = PartSpec(number=number, offset=(number - 1) * PART, size=PART)
        with PartReader(path, spec, algorithm=crc) as body:
            assert backend.upload_part(target, upload_id, body).checksum == body.checksum

    assert [row.number for row in backend.list_parts(target, upload_id, crc) or ()] == [1, 2, 3]


def test_bodies_that_are_signed_are_left_to_botocore(
    strict: StrictS3, backend: S3Backend, uploading: Uploading
) -> None:
    """Over plain http to another machine the signature is the body's only protection."""
    client_for(backend.config).meta.config.s3 = {"payload_signing_enabled": True}

    uploading.run(concurrency=1)

    assert all("expect" in call.headers for call in parts_of(strict))
    assert len({call.headers["x-amz-content-sha256"] for call in parts_of(strict)}) == 6


def test_uploads_do_not_share_what_they_learned(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]
) -> None:
    """Parts of two uploads in turn each go to their own."""
    crc = ChecksumAlgorithm.CRC64NVME
    targets = [Target(bucket="bucket", key=name) for name in ("one", "two")]
    ids = [backend.create_upload(target, crc).upload_id for target in targets]
    path = str(make_file(3 * PART))
    for number in (1, 2, 3):
        for target, upload_id in zip(targets, ids, strict=True):
            with PartReader(path, PartSpec(number=number, offset=0, size=PART), algorithm=crc) as body:
                backend.upload_part(target, upload_id, body)

    for target, upload_id in zip(targets, ids, strict=True):
        assert [row.number for row in backend.list_parts(target, upload_id, crc) or ()] == [1, 2, 3]
