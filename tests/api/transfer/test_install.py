"""``install()`` and ``uninstall()``, and what programs' own tests put in place of S3."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import boto3.s3.inject
import boto3.s3.transfer
import pytest
from botocore.stub import ANY, Stubber

from partway import Client, transfer
from partway.transfer import TransferConfig, install, uninstall, upload_file, upload_fileobj
from tests.api.test_fork import in_child
from tests.support.s3_server.server import StrictS3

from .conftest import MIB, body


def is_installed() -> bool:
    return boto3.s3.transfer.create_transfer_manager is transfer.create_transfer_manager


def test_a_block() -> None:
    """It ends with boto3's own uploads; so does ``uninstall()``, and twice is once."""
    with install():
        assert is_installed()
        assert boto3.s3.inject.create_transfer_manager is transfer.create_transfer_manager
    assert not is_installed()

    install()
    install()
    uninstall()
    uninstall()
    assert not is_installed()
    assert boto3.s3.transfer.create_transfer_manager.__module__ == "boto3.s3.transfer"


def test_clients_that_exist(make_client: Callable[..., Any], server: StrictS3, big: Path) -> None:
    """They resume too; so do buckets and objects of a resource."""
    client = make_client()
    with install():
        client.upload_file(str(big), "bucket", "key")
        resource = boto3.resource("s3", endpoint_url=server.url)
        resource.Bucket("bucket").upload_file(str(big), "a")
        resource.Object("bucket", "b").upload_fileobj(io.BytesIO(b"x"))
    with Client() as remembered:
        assert {upload.key for upload in remembered.uploads()} == {"key", "a"}


def test_the_functions(make_client: Callable[..., Any], server: StrictS3, small: Path) -> None:
    """They work without ``install()``, with the client as the first argument."""
    client = make_client()
    upload_file(client, str(small), "bucket", "a", ExtraArgs={"ContentType": "x/y"})
    upload_fileobj(client, io.BytesIO(b"x"), "bucket", "b", Config=TransferConfig())

    assert (body(server, "a"), body(server, "b")) == (small.read_bytes(), b"x")


def test_lazy() -> None:
    """Neither ``import partway`` nor ``import partway.transfer`` imports boto3."""
    code = "import sys, partway.transfer; print(sorted({'boto3', 's3transfer', 'botocore'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert out == "[]\n"


def test_the_names() -> None:
    """All that are promised are there."""
    assert all(hasattr(transfer, name) for name in transfer.__all__)
    assert set(transfer.__all__) <= set(dir(transfer))
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        transfer.missing  # noqa: B018


def test_stubber_of_one_put(make_client: Callable[..., Any], server: StrictS3) -> None:
    """botocore's Stubber sees boto3's parameters, and nothing is sent."""
    client = make_client()
    with install(), Stubber(client) as stubber:
        stubber.add_response(
            "put_object", {"ETag": '"x"'}, {"Bucket": "b", "Key": "k", "Body": ANY, "ChecksumAlgorithm": "CRC32"}
        )
        client.upload_fileobj(io.BytesIO(b"foo"), "b", "k")
        stubber.assert_no_pending_responses()

    assert not server.calls


def test_stubber_of_parts(make_client: Callable[..., Any], server: StrictS3) -> None:
    """Of a multipart upload too; the parts come in order with ``use_threads=False``."""
    client = make_client()
    where = {"Bucket": "b", "Key": "k"}
    upload = where | {"UploadId": "id"}
    with install(), Stubber(client) as stubber:
        stubber.add_response("create_multipart_upload", {"UploadId": "id"}, where | {"ChecksumAlgorithm": "CRC32"})
        rows = []
        for number in (1, 2):
            sent = upload | {"PartNumber": number, "Body": ANY, "ChecksumAlgorithm": "CRC32"}
            stubber.add_response("upload_part", {"ETag": f'"{number}"'}, sent)
            rows.append({"ETag": f'"{number}"', "PartNumber": number})
        completed = upload | {"MultipartUpload": {"Parts": rows}}
        stubber.add_response("complete_multipart_upload", {"ETag": '"x"'}, completed)
        client.upload_fileobj(io.BytesIO(bytes(9 * MIB)), "b", "k", Config=TransferConfig(use_threads=False))
        stubber.assert_no_pending_responses()

    assert not server.calls


def test_stubber_of_an_error(make_client: Callable[..., Any], server: StrictS3) -> None:
    """Its errors come out; a failed multipart upload without ``resume`` is aborted, as by boto3."""
    client = make_client()
    with install(), Stubber(client) as stubber:
        stubber.add_response("create_multipart_upload", {"UploadId": "id"})
        stubber.add_client_error("upload_part", "Mine", http_status_code=403)
        stubber.add_response("abort_multipart_upload", {})
        with pytest.raises(client.exceptions.ClientError, match="Mine"):
            config = TransferConfig(use_threads=False, resume=False)
            client.upload_fileobj(io.BytesIO(bytes(9 * MIB)), "b", "k", Config=config)
        stubber.assert_no_pending_responses()

    assert not server.calls


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("config", [{}, {"verify": True}, {"use_threads": False}])
def test_mock_aws(big: Path, small: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]) -> None:
    """moto's decorator: no server, and no requests."""
    from moto import mock_aws

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(), install():
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        for path in (small, big):
            client.upload_file(str(path), "bucket", "key", Config=TransferConfig(**config))
            assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == path.read_bytes()
            client.upload_fileobj(io.BytesIO(path.read_bytes()), "bucket", "other", Config=TransferConfig(**config))
            assert client.get_object(Bucket="bucket", Key="other")["Body"].read() == path.read_bytes()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child(make_client: Callable[..., Any], server: StrictS3, big: Path) -> None:
    """It uploads with a client of its own."""
    with install():
        make_client().upload_file(str(big), "bucket", "a")

        assert in_child(lambda: make_client().upload_file(str(big), "bucket", "b"))
    assert body(server, "b") == big.read_bytes()
