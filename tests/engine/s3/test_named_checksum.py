"""A checksum goes along with its algorithm's name (x-amz-sdk-checksum-algorithm), as every SDK sends it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.client import client_for
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_server.server import StrictS3

NAME = "x-amz-sdk-checksum-algorithm"


@pytest.fixture
def moto(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Backend]:
    """A backend on moto, which answers with a checksum only when the request names its algorithm."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    backend = S3Backend(S3Config(endpoint_url=moto_url))
    yield backend
    backend.close()


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
@pytest.mark.parametrize("size", [100, 3 * PART])
def test_every_body_names_its_algorithm(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], algorithm: ChecksumAlgorithm, size: int
) -> None:
    """Parts and whole objects, the first and the later ones; Content-MD5 has no algorithm to name."""
    Uploading(path=make_file(size), backend=backend, endpoint=backend.endpoint).run(algorithm=algorithm)

    bodies = [call for call in strict.calls if call.operation in ("PutObject", "UploadPart")]
    expected = None if algorithm is ChecksumAlgorithm.MD5 else algorithm.value
    assert {call.headers.get(NAME) for call in bodies} == {expected}


@pytest.mark.parametrize("size", [0, 100, 3 * PART])
def test_moto_proves_the_object_by_its_checksum(moto: S3Backend, make_file: Callable[..., Path], size: int) -> None:
    """The demo's server answers with checksums, so nothing falls back and nothing goes twice."""
    uploading = Uploading(path=make_file(size), backend=moto, endpoint=moto.endpoint)

    done = uploading.run()

    assert (done.proof, done.sent_bytes, done.retries) == ("crc64nvme", size, 0)


def test_an_object_can_be_locked(moto: S3Backend, make_file: Callable[..., Path]) -> None:
    """Services refuse a lock without a named checksum: the retention date is stored."""
    client = client_for(moto.config)
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    until = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    options = ObjectOptions(object_lock_mode="GOVERNANCE", object_lock_retain_until_date=until.isoformat())
    uploading = Uploading(path=make_file(100), backend=moto, endpoint=moto.endpoint, options=options, bucket="locked")

    uploading.run()

    facts = client.head_object(Bucket="locked", Key="key")
    assert (facts["ObjectLockMode"], facts["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
