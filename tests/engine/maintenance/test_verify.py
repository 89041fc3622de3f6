"""``partway verify`` compares the checksums of an object with the bytes of a file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.maintenance.verify import compare
from partway.engine.proof.compare import Verdict
from partway.engine.s3.backend import S3Backend
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_access.boto_client import boto_client
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

MIB = 1024 * 1024
TARGET = Target(bucket="bucket", key="key")


def last_byte_changed(path: Path) -> Path:
    """Another file of the same size."""
    data = path.read_bytes()
    other = path.with_name("other.bin")
    other.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    return other


def uploaded_in_parts(strict: StrictS3, path: Path, sizes: Sequence[int], **create: Any) -> None:
    """An object from another program with other part sizes; ``create`` are arguments of CreateMultipartUpload."""
    client, data, parts = boto_client(strict), path.read_bytes(), []
    upload = client.create_multipart_upload(Bucket="bucket", Key="key", **create)["UploadId"]
    declared = {name: value for name, value in create.items() if name == "ChecksumAlgorithm"}
    for number, size in enumerate(sizes, start=1):
        answer = client.upload_part(
            Bucket="bucket", Key="key", UploadId=upload, PartNumber=number, Body=data[:size], **declared
        )
        named = {name: value for name, value in answer.items() if name == "ETag" or name.startswith("Checksum")}
        parts.append({"PartNumber": number} | named)
        data = data[size:]
    assert not data
    client.complete_multipart_upload(Bucket="bucket", Key="key", UploadId=upload, MultipartUpload={"Parts": parts})


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(checksum_type_missing=True)], ids=["typed", "untyped"])
def test_what_boto3_uploads_by_its_defaults(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], quirks: Quirks
) -> None:
    """A composite CRC32: equal for equal bytes, different for others, also where the service names no type."""
    path = make_file(12 * MIB)
    client = boto_client(strict, request_checksum_calculation="when_supported")
    client.upload_file(str(path), "bucket", "key", Config=TransferConfig(multipart_threshold=5 * MIB))
    strict.model.quirks = quirks

    same, other = compare(str(path), TARGET, backend), compare(str(last_byte_changed(path)), TARGET, backend)

    assert strict.counts["UploadPart"] == 2
    assert (same.verdict, same.by) == (Verdict.EQUAL, "crc32 of 2 parts")
    assert other.verdict is Verdict.DIFFERENT


UNEVEN = (PART, 3 * PART, 2 * PART, 7)


@pytest.mark.parametrize(
    "quirks",
    [Quirks(), Quirks(attributes_ignored=True), Quirks(part_numbers_ignored=True)],
    ids=["listed", "each part asked", "listed only"],
)
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA256", "SHA512", "XXHASH128"])
def test_an_object_of_parts_of_any_size(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], algorithm: str, quirks: Quirks
) -> None:
    """The service reports its part sizes, in a paged list or part by part; nothing is downloaded."""
    path = make_file(sum(UNEVEN))
    strict.model = S3Model(min_part_size=PART, page_size=2)
    uploaded_in_parts(strict, path, UNEVEN, ChecksumAlgorithm=algorithm)
    strict.model.quirks = quirks

    same, other = compare(str(path), TARGET, backend), compare(str(last_byte_changed(path)), TARGET, backend)

    assert (same.verdict, same.by) == (Verdict.EQUAL, f"{algorithm.lower()} of 4 parts")
    assert other.verdict is Verdict.DIFFERENT
    assert not strict.counts["GetObject"]


def test_a_service_that_does_not_say_how_it_was_cut(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]
) -> None:
    """Common part sizes are tried: equal objects are found, and others are reported as unknown, not as different."""
    path = make_file(12 * MIB)
    uploaded_in_parts(strict, path, (5 * MIB, 5 * MIB, 2 * MIB), ChecksumAlgorithm="SHA256")
    strict.model.quirks = Quirks(attributes_ignored=True, part_numbers_ignored=True)

    same, other = compare(str(path), TARGET, backend), compare(str(last_byte_changed(path)), TARGET, backend)

    assert (same.verdict, other.verdict) == (Verdict.EQUAL, Verdict.UNKNOWN)


def test_an_etag_of_parts_of_any_size(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> None:
    """Without a checksum, the ETag is computed from the part sizes that the service reports."""
    path = make_file(sum(UNEVEN))
    uploaded_in_parts(strict, path, UNEVEN)
    strict.model.quirks = Quirks(checksum_missing_on_head=True)

    found = compare(str(path), TARGET, backend)

    assert (found.verdict, found.by) == (Verdict.EQUAL, "etag of 4 parts")


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
@pytest.mark.parametrize("size", [0, 10, 3 * PART + 1])
def test_what_was_uploaded_is_equal(
    backend: S3Backend, make_file: Callable[..., Path], algorithm: ChecksumAlgorithm, size: int
) -> None:
    """And no longer equal once a byte of the file has changed."""
    path = make_file(size)
    Uploading(path=path, backend=backend, endpoint=backend.endpoint).run(algorithm=algorithm)

    same = compare(str(path), TARGET, backend)

    assert same.verdict is Verdict.EQUAL
    # Of an upload without a declared checksum S3 has a CRC64NVME.
    assert same.by.startswith("crc64nvme" if algorithm is ChecksumAlgorithm.MD5 else algorithm.lower())
    if size:
        assert compare(str(last_byte_changed(path)), TARGET, backend).verdict is Verdict.DIFFERENT


def test_the_command_says_it(shell: Shell, server: StrictS3) -> None:
    """A line and exit code 0 for equal ones; the verdict as JSON and 1 for others."""
    path = shell.folder / "file"
    path.write_bytes(b"x" * 11 * MIB)
    assert shell.run("upload", "file", "s3://bucket/key", "-p", "5MiB", "--checksum-algorithm", "SHA256").code == 0

    same = shell.run("verify", "file", "s3://bucket/key")
    path.write_bytes(b"x" * (11 * MIB - 1) + b"y")
    other = shell.run("verify", "file", "s3://bucket/key", "--json")

    assert (same.code, same.out.split(":")[0]) == (0, "equal"), same.err
    assert "sha256 of 3 parts" in same.out
    assert (other.code, other.events[0]["verdict"]) == (1, "different")


def test_many_files_and_what_is_missing(shell: Shell, server: StrictS3) -> None:
    """Each is printed; one that differs determines the exit code."""
    for name in ("a", "b"):
        (shell.folder / name).write_bytes(name.encode())
    assert shell.run("upload", "a", "s3://bucket/x/").code == 0

    result = shell.run("verify", "a", "b", "gone", "s3://bucket/x/")

    assert result.code == 1
    assert result.out.count("equal: ") == 1
    assert "MISSING: " in result.err
    assert "there is no file" in result.err
    assert server.journal.calls[-1].operation == "HeadObject"


def test_quiet_says_only_what_is_wrong(shell: Shell, server: StrictS3) -> None:
    (shell.folder / "a").write_bytes(b"a")
    assert shell.run("upload", "a", "s3://bucket/a").code == 0
    result = shell.run("verify", "a", "s3://bucket/a", "--quiet")

    assert (result.code, result.out, result.err) == (0, "", "")
