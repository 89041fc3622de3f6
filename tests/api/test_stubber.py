"""A client of boto3 with botocore's Stubber: a program's tests need no server."""

import datetime
from pathlib import Path

import boto3
from botocore.stub import ANY, Stubber

from partway import Client
from partway.engine.checksums import ChecksumAlgorithm, checksum

CONTENT = b"abc"
CHECKSUM = checksum(ChecksumAlgorithm.CRC64NVME, CONTENT)


def test_an_upload_by_a_stubbed_client(tmp_path: Path) -> None:
    """The stub sees every parameter, and its answers are the proof."""
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    about = {"Bucket": "bucket", "Key": "key"}
    now = datetime.datetime.now(datetime.UTC)
    with Stubber(s3) as stub:
        checksums = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumCRC64NVME": CHECKSUM}
        put = about | checksums | {"Body": ANY, "StorageClass": "STANDARD_IA"}
        stub.add_response("put_object", {"ETag": '"e"', "ChecksumCRC64NVME": CHECKSUM}, put)
        found = {"ETag": '"e"', "ContentLength": 3, "ChecksumCRC64NVME": CHECKSUM, "LastModified": now}
        stub.add_response("head_object", found, about | {"ChecksumMode": "ENABLED"})
        with Client(client=s3, state_dir=tmp_path) as client:
            done = client.upload(CONTENT, "s3://bucket/key", storage_class="STANDARD_IA")
        stub.assert_no_pending_responses()

    assert (done.proof, done.etag, done.parts) == ("crc64nvme", "e", 1)
