"""What every S3 must do for the engine, shown on four: the strict one of the tests, moto, rclone, SeaweedFS."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from partway.engine.backend.responses import PartReceipt
from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm, checksum, combine, etag_of
from partway.engine.errors import ObjectMissing, PartsRefused, Refused, UploadVanished
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.client import client_for
from partway.engine.source.part_reader import PartReader
from partway.engine.source.plan import PartSpec
from tests.support.s3_server.server import StrictS3

KIB = 1024
PART = 64 * KIB
LEAST_PART = {"seaweed": 5 * 1024 * KIB}  # of parts that are not the last; the other servers take PART
SHOWS_OLD_RECEIPTS = ("seaweed",)  # beside the new one; the engine keeps neither then (see test_reconcile)
MD5 = ChecksumAlgorithm.MD5


@pytest.fixture(params=["strict", "moto", "rclone", "seaweed"])
def s3(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Backend]:
    """A backend on each server in turn."""
    if request.param == "strict":
        server: StrictS3 = request.getfixturevalue("strict")
        url = server.url
    else:
        url = request.getfixturevalue(f"{request.param}_url")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    backend = S3Backend(S3Config(endpoint_url=url))
    yield backend
    backend.close()


@pytest.fixture
def name(s3: S3Backend, request: pytest.FixtureRequest) -> str:
    """Which server it is."""
    return str(request.node.callspec.params["s3"])


@pytest.fixture
def part_size(name: str) -> int:
    """Bytes of a part that is not the last."""
    return LEAST_PART.get(name, PART)


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Target:
    """A key of this test's own: the servers of others live as long as the session."""
    return Target(bucket="bucket", key=f"contract/{request.node.name}")


def body(path: Path, number: int, part_size: int = PART) -> PartReader:
    """The part of this number of the file, proven by MD5, which all of them know."""
    offset = (number - 1) * part_size
    size = min(part_size, path.stat().st_size - offset)
    return PartReader(str(path), PartSpec(number=number, offset=offset, size=size), algorithm=MD5)


def send(s3: S3Backend, target: Target, upload_id: str, path: Path, number: int, part_size: int = PART) -> PartReceipt:
    """One part, with the checksum of what was sent."""
    with body(path, number, part_size) as part:
        receipt = s3.upload_part(target, upload_id, part)
        return PartReceipt(number=number, size=receipt.size, etag=receipt.etag, checksum=part.checksum)


def test_parts_become_the_object(s3: S3Backend, target: Target, make_file: Callable[..., Path], part_size: int) -> None:
    """Parts sent in any order and completed in ascending order are an object of the same size."""
    path = make_file(2 * part_size + 100)
    upload = s3.create_upload(target, MD5)
    sent = [send(s3, target, upload.upload_id, path, number, part_size) for number in (3, 1, 2)]
    parts = sorted(sent, key=lambda part: part.number)
    whole = combine(MD5, [(part.checksum or "", part.size) for part in parts])

    s3.complete_upload(target, upload.upload_id, parts, algorithm=MD5, checksum=whole, size=path.stat().st_size)

    assert s3.head_object(target, MD5).size == 2 * part_size + 100


def test_a_part_answers_with_the_md5_of_its_bytes(
    s3: S3Backend, target: Target, make_file: Callable[..., Path]
) -> None:
    """All servers give a part's MD5 as its ETag; the fallback rests on that."""
    path = make_file(PART)
    upload = s3.create_upload(target, MD5)

    receipt = send(s3, target, upload.upload_id, path, 1)

    assert receipt.etag == etag_of(checksum(MD5, path.read_bytes()))


def test_finished_parts_are_listed(s3: S3Backend, target: Target, make_file: Callable[..., Path]) -> None:
    """ListParts shows number, size and ETag of every finished part, and no other."""
    path = make_file(3 * PART)
    upload = s3.create_upload(target, MD5)
    sent = [send(s3, target, upload.upload_id, path, number) for number in (1, 3)]

    listed = s3.list_parts(target, upload.upload_id, MD5)

    assert listed is not None
    assert sorted((row.number, row.size, row.etag) for row in listed) == [
        (part.number, part.size, part.etag) for part in sent
    ]


def test_a_part_sent_again_with_other_bytes_replaces_the_first_or_is_refused(
    s3: S3Backend, target: Target, make_file: Callable[..., Path], name: str
) -> None:
    """ListParts shows one receipt: the second; or the first, when the server refused the second (rclone does)."""
    upload = s3.create_upload(target, MD5)
    first = valid = send(s3, target, upload.upload_id, make_file(PART, seed=1), 1)

    with suppress(Refused):
        valid = send(s3, target, upload.upload_id, make_file(PART, seed=2), 1)

    listed = s3.list_parts(target, upload.upload_id, MD5) or []
    old = {first.etag} if name in SHOWS_OLD_RECEIPTS else set()
    assert {row.etag for row in listed} == {valid.etag, *old}


def test_a_wrong_part_is_refused_at_complete(
    s3: S3Backend, target: Target, make_file: Callable[..., Path], part_size: int
) -> None:
    """A part that was never sent cannot be named."""
    path = make_file(2 * part_size)
    upload = s3.create_upload(target, MD5)
    first = send(s3, target, upload.upload_id, path, 1, part_size)
    never = PartReceipt(number=2, size=part_size, etag="0" * 32, checksum=first.checksum)

    with pytest.raises(PartsRefused):
        s3.complete_upload(target, upload.upload_id, [first, never], algorithm=MD5, checksum="", size=2 * part_size)


def test_an_aborted_upload_is_gone(s3: S3Backend, target: Target, make_file: Callable[..., Path]) -> None:
    """After an abort its parts cannot be listed."""
    path = make_file(PART)
    upload = s3.create_upload(target, MD5)
    send(s3, target, upload.upload_id, path, 1)

    s3.abort_upload(target, upload.upload_id)

    with pytest.raises(UploadVanished):
        s3.list_parts(target, upload.upload_id, MD5)


def test_a_completed_upload_is_gone(s3: S3Backend, target: Target, make_file: Callable[..., Path]) -> None:
    """After Complete, ListParts answers that there is no such upload."""
    path = make_file(PART)
    upload = s3.create_upload(target, MD5)
    part = send(s3, target, upload.upload_id, path, 1)
    s3.complete_upload(target, upload.upload_id, [part], algorithm=MD5, checksum="", size=PART)

    with pytest.raises(UploadVanished):
        s3.list_parts(target, upload.upload_id, MD5)


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_small_file_is_one_put(s3: S3Backend, target: Target, make_file: Callable[..., Path], size: int) -> None:
    """PutObject takes any small size, the empty one too, and answers with the MD5 as ETag."""
    path = make_file(size)
    with body(path, 1) as whole:
        answer = s3.put_object(target, whole)

    facts = s3.head_object(target, MD5)
    assert (answer.etag, facts.etag, facts.size) == (*[etag_of(checksum(MD5, path.read_bytes()))] * 2, size)


def test_no_object_is_said_so(s3: S3Backend, target: Target) -> None:
    """HEAD of a key that does not exist is ObjectMissing, not some refusal."""
    with pytest.raises(ObjectMissing):
        s3.head_object(target, MD5)


def test_no_bucket_is_a_refusal_with_advice(s3: S3Backend, target: Target) -> None:
    """A bucket that does not exist is named in the error, with what to do."""
    elsewhere = Target(bucket="nobody-has-this-bucket", key="key")

    with pytest.raises(Refused, match=r"NoSuchBucket.*; create it, or check its name"):
        s3.create_upload(elsewhere, MD5)


def test_options_arrive(s3: S3Backend, target: Target, make_file: Callable[..., Path]) -> None:
    """Metadata and content type given at the start are the object's at the end."""
    options = ObjectOptions(content_type="text/x-test", metadata=(("origin", "here"),))
    with_options = Target(bucket=target.bucket, key=target.key, options=options)
    path = make_file(PART)
    upload = s3.create_upload(with_options, MD5)
    part = send(s3, with_options, upload.upload_id, path, 1)
    s3.complete_upload(with_options, upload.upload_id, [part], algorithm=MD5, checksum="", size=PART)

    facts = client_for(s3.config).head_object(Bucket=target.bucket, Key=target.key)
    metadata = {name.lower(): value for name, value in facts["Metadata"].items()}
    assert (facts["ContentType"], metadata) == ("text/x-test", {"origin": "here"})
