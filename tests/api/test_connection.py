"""Where a client's uploads go: the AWS configuration, a session, or a client of boto3."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

import partway
from partway import Client
from partway.errors import OptionError
from tests.support.engine.upload_case import PART
from tests.support.s3_server.server import StrictS3


@pytest.fixture
def session(strict: StrictS3, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """A session with credentials in memory, which nothing else has."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    return boto3.Session(
        aws_access_key_id=strict.access_key, aws_secret_access_key=strict.secret_key, region_name="us-east-1"
    )


def test_a_session(make_client: Callable[..., Client], strict: StrictS3, session: boto3.Session) -> None:
    """Its credentials are used, as of an assumed role that is in no file."""
    with make_client(session=session) as client:
        client.upload(bytes(2 * PART), "s3://bucket/key")

    assert strict.model.get_object("bucket", "key").body == bytes(2 * PART)


def test_a_client(make_client: Callable[..., Client], strict: StrictS3, session: boto3.Session) -> None:
    """Its endpoint is that of the upload; its event handlers are called; it can be used afterwards."""
    s3 = session.client("s3", endpoint_url=strict.url)
    seen: list[str] = []
    s3.meta.events.register("before-call.s3", lambda model, **_: seen.append(model.name))
    with make_client(client=s3, endpoint_url=None) as client:
        client.upload(bytes(2 * PART), "s3://bucket/key")
        (upload,) = client.uploads()
    s3.head_object(Bucket="bucket", Key="key")

    assert seen.count("UploadPart") == 2 and seen[-1] == "HeadObject"
    assert upload.status == "completed"


def test_one_call_with_a_client(strict: StrictS3, session: boto3.Session) -> None:
    """As ``partway.upload(..., client=s3)``."""
    s3 = session.client("s3", endpoint_url=strict.url)

    assert partway.upload(b"abc", "s3://bucket/key", client=s3).total_bytes == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"session": 3}, "session: 3 is not a boto3.Session"),
        ({"client": 3}, "client: 3 is not a boto3 client for S3"),
        ({"session": boto3.Session(), "client": 3}, "session and client cannot be used together"),
        ({"session": boto3.Session(), "profile": "x"}, "profile comes from the session; omit it"),
    ],
)
def test_what_is_none(options: dict[str, Any], message: str) -> None:
    """Refused at once."""
    with pytest.raises(OptionError, match=message):
        Client(**options)


def test_a_client_of_partway_is_not_one_of_boto3(client: Client) -> None:
    """The message says what was meant."""
    with pytest.raises(OptionError, match=r"use client.upload\(...\), or for asyncio"):
        partway.upload(b"x", "s3://bucket/key", client=client)


def test_a_client_says_the_endpoint(strict: StrictS3, session: boto3.Session) -> None:
    """And nothing else does; one of another service is refused."""
    with pytest.raises(OptionError, match="endpoint_url comes from the client"):
        Client(client=session.client("s3", endpoint_url=strict.url), endpoint_url=strict.url)
    with pytest.raises(OptionError, match="is not a boto3 client for S3"):
        Client(client=session.client("sts"))
