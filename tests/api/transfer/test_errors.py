"""Errors are boto3's."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ParamValidationError

from tests.support.s3_server.server import StrictS3

from .conftest import MIB

PARTS = TransferConfig(multipart_chunksize=5 * MIB, max_concurrency=1)


def test_a_file(s3: Any, small: Path) -> None:
    """S3UploadFailedError, in boto3's words."""
    message = f"Failed to upload {small} to no-such-bucket/key: An error occurred (NoSuchBucket) when calling the Put"
    with pytest.raises(S3UploadFailedError) as caught:
        s3.upload_file(str(small), "no-such-bucket", "key")

    assert str(caught.value).startswith(message)


def test_a_file_object(s3: Any) -> None:
    """The client's own exception, with the response."""
    with pytest.raises(s3.exceptions.NoSuchBucket) as caught:
        s3.upload_fileobj(io.BytesIO(b"x"), "no-such-bucket", "key")

    error = caught.value
    assert isinstance(error, ClientError)
    assert error.operation_name == "PutObject"
    assert error.response.get("Error", {}).get("Code") == "NoSuchBucket"


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        ("small", "PutObject"),
        ("big", "CreateMultipartUpload"),
        ("big", "UploadPart"),
        ("big", "CompleteMultipartUpload"),
    ],
)
def test_a_refusal(
    s3: Any, request: pytest.FixtureRequest, refuse: Callable[..., None], kind: str, operation: str
) -> None:
    """It names the operation."""
    refuse(operation)

    with pytest.raises(S3UploadFailedError, match=rf"\(AccessDenied\) when calling the {operation} operation"):
        s3.upload_file(str(request.getfixturevalue(kind)), "bucket", "key", Config=PARTS)


def test_the_client_retries(s3: Any, server: StrictS3, small: Path, refuse: Callable[..., None]) -> None:
    """As often as it is configured to, and nothing else does."""
    for _ in range(5):
        refuse("PutObject", status=500, code="InternalError")

    with pytest.raises(S3UploadFailedError, match="InternalError"):
        s3.upload_file(str(small), "bucket", "key")

    assert server.counts["PutObject"] == 2


@pytest.mark.parametrize(("bucket", "key"), [("", "key"), ("bad bucket!", "key"), ("bucket", ""), ("bucket", None)])
def test_an_invalid_address(s3: Any, server: StrictS3, small: Path, bucket: str, key: Any) -> None:
    """ParamValidationError, before anything is sent."""
    with pytest.raises(ParamValidationError):
        s3.upload_file(str(small), bucket, key)

    assert not server.calls


def test_an_object_lambda(s3: Any, small: Path) -> None:
    """ValueError."""
    arn = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint:mine"
    with pytest.raises(ValueError, match="methods do not support"):
        s3.upload_file(str(small), arn, "key")


def test_nothing_answers(s3: Any, session: Session, small: Path) -> None:
    """EndpointConnectionError."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2)
    client = session.client("s3", endpoint_url="http://127.0.0.1:9", config=config)
    with pytest.raises(EndpointConnectionError):
        client.upload_file(str(small), "bucket", "key")


def test_no_credentials(s3: Any, server: StrictS3, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NoCredentialsError."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentialsError):
        Session().client("s3", endpoint_url=server.url).upload_file(str(small), "bucket", "key")
