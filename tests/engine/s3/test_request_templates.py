"""Calls after the first of a kind: made without botocore's model, and the same on the wire."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import ObjectMissing, Refused
from partway.engine.s3.backend import S3Backend
from partway.engine.s3.client import client_for
from partway.engine.source.part_reader import PartReader
from partway.engine.source.plan import PartSpec
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, CallFunction, Fault, Stage
from tests.support.s3_faults.responses import permanent_redirect
from tests.support.s3_server.request_log import Call
from tests.support.s3_server.server import StrictS3

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
    moved = threading.Event()

    def move() -> None:
        strict.region = "eu-west-1"
        moved.set()

    wait = CallFunction(function=lambda: moved.wait(20))
    redirect = permanent_redirect("eu-west-1")
    for part, actions in ((3, (CallFunction(function=move),)), (3, (redirect,)), (4, (wait, redirect))):
        strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=actions, part_number=part))

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


# --- whole objects ---

KEYS = ["first", "a b/ü+%25~", "?partNumber=7&uploadId=x", "a//b/../c", "/", "ends in/"]
RICH = ObjectOptions(
    content_type="text/plain",
    cache_control="no-cache",
    metadata=(("who", "me"),),
    tagging="a=1",
    storage_class="STANDARD_IA",
)


def put(backend: S3Backend, path: Path, key: str, options: ObjectOptions, size: int = PART) -> None:
    spec = PartSpec(number=1, offset=0, size=size)
    with PartReader(str(path), spec, algorithm=ChecksumAlgorithm.CRC64NVME) as body:
        backend.put_object(Target(bucket="bucket", key=key, options=options), body)


def calls(strict: StrictS3, operation: str) -> list[Call]:
    return [call for call in strict.journal.calls if call.operation == operation]


@pytest.mark.parametrize("options", [ObjectOptions(), RICH], ids=["plain", "rich"])
def test_later_objects_say_what_the_first_said(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], options: ObjectOptions
) -> None:
    """Under every key, and with the content type of each file."""
    path = make_file(PART)
    for key in KEYS:
        put(backend, path, key, replace(options, content_type=f"text/x-{len(key)}"))
    first, *later = calls(strict, "PutObject")

    assert [call.key for call in later] == KEYS[1:]
    assert "expect" in first.headers
    for call in later:
        assert "expect" not in call.headers
        assert call.headers["content-type"] == f"text/x-{len(call.key)}"
        same = {"amz-sdk-request": "", "content-type": ""}
        assert common(call) | same == common(first) | same
        stored = strict.model.get_object("bucket", call.key)
        assert stored.body == path.read_bytes()
        assert stored.options.metadata == strict.model.get_object("bucket", "first").options.metadata


@pytest.mark.parametrize("first", [0, 10], ids=["empty first", "empty later"])
def test_empty_and_other_objects_in_turn(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], first: int
) -> None:
    """An empty body is another kind of body for HTTP clients."""
    sizes = [first, 10 - first, first]
    for number, size in enumerate(sizes):
        put(backend, make_file(size, name=f"f{number}"), str(number), ObjectOptions(), size)

    assert [len(strict.model.get_object("bucket", str(number)).body) for number in range(3)] == sizes
    assert [call.headers["content-length"] for call in calls(strict, "PutObject")] == [str(size) for size in sizes]


def test_later_looks_say_what_the_first_said(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]
) -> None:
    """The same facts of each object."""
    path = make_file(PART)
    for key in KEYS:
        put(backend, path, key, RICH)
    facts = [backend.head_object(Target(bucket="bucket", key=key), ChecksumAlgorithm.CRC64NVME) for key in KEYS]
    first, *later = calls(strict, "HeadObject")

    assert facts == facts[:1] * len(KEYS)
    assert facts[0].size == PART
    assert facts[0].checksum
    assert [call.key for call in later] == KEYS[1:]
    for call in later:
        assert "amz-sdk-request" not in call.headers
        assert common(call) | {"amz-sdk-request": ""} == common(first) | {"amz-sdk-request": ""}


def test_what_is_not_there_is_no_trouble(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> None:
    """A look at what is missing says so, and the next is as short; a refusal is one, and the next is botocore's."""
    put(backend, make_file(PART), "there", ObjectOptions())

    def look(key: str) -> None:
        backend.head_object(Target(bucket="bucket", key=key), ChecksumAlgorithm.CRC64NVME)

    look("there")
    for _ in range(2):
        with pytest.raises(ObjectMissing):
            look("missing")
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=Answer(status=403, code="")))
    with pytest.raises(Refused):
        look("there")
    look("there")

    assert ["amz-sdk-request" in call.headers for call in calls(strict, "HeadObject")] == [
        True, False, False, False, True
    ]  # fmt: skip


def test_a_look_in_another_region_is_followed(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]
) -> None:
    """Of HEAD only the status comes: 400 where the signature names another region."""
    put(backend, make_file(PART), "there", ObjectOptions())
    target = Target(bucket="bucket", key="there")
    before = backend.head_object(target, ChecksumAlgorithm.CRC64NVME)
    strict.region = "eu-west-1"
    moved = Answer(status=400, headers={"x-amz-bucket-region": "eu-west-1"})
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.BEFORE_READ, action=moved, times=2))

    assert backend.head_object(target, ChecksumAlgorithm.CRC64NVME) == before


def test_uploads_of_a_folder_do_not_share_options(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]
) -> None:
    """What differs in more than key and content type is another kind."""
    path = make_file(PART)
    for number, options in enumerate((ObjectOptions(), RICH, ObjectOptions(), RICH)):
        put(backend, path, str(number), options)

    stored = [dict(strict.model.get_object("bucket", str(number)).options.metadata) for number in range(4)]
    assert stored == [{}, {"who": "me"}] * 2
