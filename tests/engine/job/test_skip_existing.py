"""``--skip-existing`` recognizes equal objects by any checksum that the service reports, like ``verify``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from partway.engine.events.upload import ComparisonFailed, FileSkipped
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from tests.support.engine.job_case import Job, objects
from tests.support.s3_access.boto_client import boto_client
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

MIB = 1024 * 1024
SMALL = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small file, and one that boto3 uploads in parts."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "small").write_bytes(b"small")
    (folder / "large").write_bytes(b"0123456789abcdef" * (6 * MIB // 16))
    return folder


@pytest.fixture
def job(folder: Path, backend: S3Backend) -> Job:
    """A context that skips existing objects, and sends large files in parts."""
    spec = JobSpec(
        sources=(str(folder),), bucket="bucket", prefix="", endpoint=backend.endpoint, part_size=5 * MIB, skip_same=True
    )
    return Job(spec=spec, backend=backend)


def upload_by_boto3(strict: StrictS3, folder: Path, **config: Any) -> None:
    """A bucket as the AWS CLI or boto3 leaves it."""
    client = boto_client(strict, **config)
    for path in folder.iterdir():
        client.upload_file(str(path), "bucket", path.name, Config=SMALL)


def sent(strict: StrictS3, call: Callable[[], object]) -> list[str]:
    """The keys of the objects that a call sends."""
    before = len(strict.calls)
    call()
    return [each.key for each in strict.calls[before:] if each.operation in ("PutObject", "CreateMultipartUpload")]


LEFT = {
    "composite CRC32": ({"request_checksum_calculation": "when_supported"}, Quirks()),
    "CRC32 without a type": ({"request_checksum_calculation": "when_supported"}, Quirks(checksum_type_missing=True)),
    "ETags alone": ({}, Quirks(checksum_missing_on_head=True)),
    "ETags, and nothing about parts": ({}, Quirks(checksum_missing_on_head=True, part_numbers_ignored=True)),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_boto3_left_is_not_sent_again(strict: StrictS3, job: Job, folder: Path, name: str) -> None:
    """Neither multipart nor small; a file of the same size with other bytes is sent."""
    config, quirks = LEFT[name]
    upload_by_boto3(strict, folder, **config)
    strict.model.quirks = quirks

    assert sent(strict, job.run) == []
    assert len(job.of(FileSkipped)) == 2
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert sorted(sent(strict, job.run)) == ["large", "small"]
    assert objects(strict) == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_may_not_be_looked_at_is_sent_and_said_once(strict: StrictS3, job: Job, folder: Path) -> None:
    """403: reported once per job, not once per file."""
    upload_by_boto3(strict, folder)
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=no, times=None))

    assert sorted(sent(strict, job.run)) == ["large", "small"]
    (failed,) = job.of(ComparisonFailed)
    assert failed.reason == "these credentials do not permit reading it (s3:GetObject)"


def test_what_nobody_can_compare_is_sent_and_said_once(strict: StrictS3, job: Job, folder: Path) -> None:
    """Without checksums, and with ETags that are not MD5s, only the size can be compared."""
    strict.model.quirks = Quirks(no_checksums=True, opaque_etags=True)
    upload_by_boto3(strict, folder)
    (folder / "small").unlink()

    assert sent(strict, job.run) == ["large"]
    assert [failed.reason for failed in job.of(ComparisonFailed)] == ["the service reports only its size"]


def test_an_object_of_another_size_needs_no_second_question(strict: StrictS3, job: Job, folder: Path) -> None:
    """Nor does an object with a CRC64NVME: a directory of thousands costs one request per file."""
    job.run()
    before = strict.counts["HeadObject"]
    (folder / "small").write_bytes(b"longer than before")

    assert sent(strict, job.run) == ["small"]
    # One look at each, and the proof of the one that was sent.
    assert strict.counts["HeadObject"] == before + 3
