"""The requests are boto3's: which there are, and what they carry."""

import datetime
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from boto3.session import Session
from botocore import UNSIGNED
from botocore.exceptions import BotoCoreError, ParamValidationError

from tests.support.s3_server.request_log import Call
from tests.support.s3_server.server import StrictS3

from .conftest import MIB, body, client_of

PARTS = TransferConfig(multipart_chunksize=5 * MIB, max_concurrency=1)
KEY = "k" * 32
WRITES = ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")


def calls_of(server: StrictS3, *operations: str) -> list[Call]:
    """The requests of these operations."""
    return [call for call in server.calls if call.operation in operations]


def crc32(data: bytes) -> str:
    return b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_a_small_file_is_one_put(s3: Any, server: StrictS3, small: Path) -> None:
    """And nothing else: no HEAD, as with boto3."""
    assert s3.upload_file(str(small), "bucket", "key") is None

    assert [call.operation for call in server.calls] == ["PutObject"]
    assert body(server) == small.read_bytes()
    assert server.calls[0].headers["x-amz-checksum-crc32"] == crc32(small.read_bytes())
    assert "content-type" not in server.calls[0].headers


def test_a_large_file_is_parts(s3: Any, server: StrictS3, big: Path) -> None:
    """Create, the parts, Complete, and nothing else."""
    s3.upload_file(str(big), "bucket", "key", Config=PARTS)

    assert server.counts == {"CreateMultipartUpload": 1, "UploadPart": 3, "CompleteMultipartUpload": 1}
    assert body(server) == big.read_bytes()
    first = calls_of(server, "UploadPart")[0]
    assert first.headers["x-amz-checksum-crc32"] == crc32(big.read_bytes()[: 5 * MIB])


OPTIONS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"ACL": "public-read"}, {"x-amz-acl": "public-read"}),
    ({"GrantRead": 'id="abc"'}, {"x-amz-grant-read": 'id="abc"'}),
    (
        {"ContentType": "text/x-y", "CacheControl": "no-cache"},
        {"content-type": "text/x-y", "cache-control": "no-cache"},
    ),
    (
        {"Expires": datetime.datetime(2031, 1, 1, 10, tzinfo=datetime.UTC)},
        {"expires": "Wed, 01 Jan 2031 10:00:00 GMT"},
    ),
    ({"Metadata": {"a": "1", "b-c": "2 3"}}, {"x-amz-meta-a": "1", "x-amz-meta-b-c": "2 3"}),
    ({"StorageClass": "STANDARD_IA"}, {"x-amz-storage-class": "STANDARD_IA"}),
    ({"Tagging": "a=b&c=d"}, {"x-amz-tagging": "a=b&c=d"}),
    (
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "x", "SSEKMSEncryptionContext": "e30="},
        {"x-amz-server-side-encryption-aws-kms-key-id": "x", "x-amz-server-side-encryption-context": "e30="},
    ),
]


@pytest.mark.parametrize(("extra", "headers"), OPTIONS, ids=[next(iter(extra)) for extra, _ in OPTIONS])
@pytest.mark.parametrize("threshold", [1, 8 * MIB], ids=["parts", "whole"])
def test_extra_args(
    s3: Any, server: StrictS3, small: Path, threshold: int, extra: dict[str, Any], headers: Mapping[str, str]
) -> None:
    """The request that creates the object carries them; the caller's dictionary stays as it was."""
    given = dict(extra)
    s3.upload_file(str(small), "bucket", "key", ExtraArgs=given, Config=TransferConfig(multipart_threshold=threshold))

    (created,) = calls_of(server, "PutObject", "CreateMultipartUpload")
    assert headers.items() <= created.headers.items()
    assert given == extra


@pytest.mark.parametrize("extra", [{"RequestPayer": "requester"}, {"ExpectedBucketOwner": "123456789012"}])
def test_arguments_of_every_call(s3: Any, server: StrictS3, small: Path, extra: dict[str, str]) -> None:
    """Who pays and who owns the bucket is said with every request."""
    s3.upload_file(str(small), "bucket", "key", ExtraArgs=extra, Config=TransferConfig(multipart_threshold=1))

    (value,) = extra.values()
    assert all(value in call.headers.values() for call in server.calls)


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME", "SHA1", "sha256", "SHA512", "XXHASH3"])
@pytest.mark.parametrize("threshold", [1, 8 * MIB], ids=["parts", "whole"])
def test_a_checksum_algorithm(s3: Any, server: StrictS3, small: Path, threshold: int, algorithm: str) -> None:
    """Its checksum goes with every body, and S3 compares it."""
    config = TransferConfig(multipart_threshold=threshold)
    s3.upload_file(str(small), "bucket", "key", ExtraArgs={"ChecksumAlgorithm": algorithm}, Config=config)

    bodies = calls_of(server, "PutObject", "UploadPart")
    assert all(f"x-amz-checksum-{algorithm.lower()}" in call.headers for call in bodies)
    assert {call.status for call in server.calls} == {200}


def test_a_computed_checksum(s3: Any, server: StrictS3, small: Path) -> None:
    """It is sent as it is: S3 decides about it."""
    s3.upload_file(str(small), "bucket", "key", ExtraArgs={"ChecksumCRC32": crc32(small.read_bytes())})
    with pytest.raises(Exception, match="BadDigest"):
        s3.upload_file(str(small), "bucket", "key", ExtraArgs={"ChecksumCRC32": crc32(b"")})


def test_an_impossible_algorithm(s3: Any, server: StrictS3, small: Path) -> None:
    """Botocore refuses it, and nothing is sent."""
    with pytest.raises(BotoCoreError, match="nsupported checksum algorithm"):
        s3.upload_file(str(small), "bucket", "key", ExtraArgs={"ChecksumAlgorithm": "MD5"})

    assert not server.calls


@pytest.mark.parametrize("name", ["Foo", "Bucket", "IfNoneMatch", "BucketKeyEnabled"])
def test_what_boto3_does_not_allow(s3: Any, server: StrictS3, small: Path, name: str) -> None:
    """A ValueError in boto3's words."""
    with pytest.raises(ValueError, match=f"Invalid extra_args key '{name}'"):
        s3.upload_file(str(small), "bucket", "key", ExtraArgs={name: "x"})

    assert not server.calls


def test_an_invalid_value(s3: Any, small: Path) -> None:
    """Botocore's ParamValidationError."""
    with pytest.raises(ParamValidationError):
        s3.upload_file(str(small), "bucket", "key", ExtraArgs={"ACL": 5})


def test_a_client_without_checksums(make_client: Callable[..., Any], s3: Any, server: StrictS3, small: Path) -> None:
    """``request_checksum_calculation`` is heeded: then a Content-MD5 protects the bodies."""
    client = make_client(request_checksum_calculation="when_required")
    client.upload_file(str(small), "bucket", "key", Config=TransferConfig(multipart_threshold=1))

    bodies = calls_of(server, "UploadPart")
    assert all("content-md5" in call.headers for call in bodies)
    assert not any(name.startswith("x-amz-checksum-") for call in server.calls for name in call.headers)


def test_an_anonymous_client(make_client: Callable[..., Any], s3: Any, server: StrictS3, small: Path) -> None:
    """It sends no signature."""
    client = make_client(signature_version=UNSIGNED)
    with pytest.raises(Exception, match="AccessDenied"):
        client.upload_file(str(small), "bucket", "key")

    assert "authorization" not in server.calls[0].headers


def test_handlers_of_the_client(s3: Any, server: StrictS3, small: Path) -> None:
    """Those that see and change the parameters, and those that sign."""
    seen = []

    def change(params: dict[str, Any], **_: Any) -> None:
        seen.append(sorted(params))
        params["ContentLanguage"] = "fr"

    s3.meta.events.register("before-parameter-build.s3.PutObject", change)
    s3.meta.events.register("before-sign.s3", lambda request, **_: request.headers.add_header("x-mine", "1"))
    s3.upload_file(str(small), "bucket", "key")

    (call,) = server.calls
    assert (call.headers["content-language"], call.headers["x-mine"]) == ("fr", "1")
    assert seen == [["Body", "Bucket", "ChecksumAlgorithm", "Key"]]


def test_over_tls(s3: Any, big: Path, session: Session) -> None:
    """The checksum is a header, and the signature does not say that it is in the body."""
    with StrictS3(tls=True) as server:
        client = client_of(server, session)
        client.upload_file(str(big), "bucket", "key")
        client.upload_file(str(big), "bucket", "whole", Config=TransferConfig(multipart_threshold=100 * MIB))

        assert body(server) == body(server, "whole") == big.read_bytes()
        sent = calls_of(server, "UploadPart", "PutObject")
        assert {call.headers["x-amz-content-sha256"] for call in sent} == {"UNSIGNED-PAYLOAD"}
