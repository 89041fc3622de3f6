"""A session or a client that the caller hands in: used as it is, and left as it is."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from partway.engine.events.upload import PartRetried
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.service import S3Probe
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import internal_error
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")


@pytest.fixture
def session(strict: StrictS3, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """A session with credentials that are nowhere else."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    return boto3.Session(strict.access_key, strict.secret_key, region_name=strict.region)


@pytest.fixture
def client(session: boto3.Session, strict: StrictS3) -> Iterator[Any]:
    """A client of that session for the strict S3, which repeats what failed."""
    client = session.client("s3", endpoint_url=strict.url, config=Config(retries={"total_max_attempts": 4}))
    yield client
    client.close()


@pytest.fixture(params=["session", "client"])
def own(request: pytest.FixtureRequest, session: boto3.Session, client: Any, strict: StrictS3) -> Iterator[S3Backend]:
    """A backend with one of them."""
    if request.param == "client":
        backend = S3Backend(client=client)
    else:
        backend = S3Backend(S3Config(endpoint_url=strict.url), session=session)
    yield backend
    backend.close()


@pytest.fixture
def uploading(own: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts."""
    return Uploading(path=make_file(3 * PART), backend=own, endpoint=own.endpoint)


def test_its_endpoint_region_and_credentials_are_used(strict: StrictS3, own: S3Backend, uploading: Uploading) -> None:
    """No other credentials are there; a later run has no profile to name."""
    assert (own.endpoint, own.region, own.profile) == (strict.url, strict.region, None)
    assert uploading.run().proof == "crc64nvme"


@pytest.mark.parametrize("owner", ["session", "client"])
def test_its_event_handlers_see_every_call(
    session: boto3.Session, strict: StrictS3, make_file: Callable[..., Path], owner: str
) -> None:
    """Also the calls after the first of a kind, which the engine makes without botocore elsewhere."""
    seen: list[str] = []
    client = session.client("s3", endpoint_url=strict.url)
    events = client.meta.events if owner == "client" else session.events
    events.register("before-sign.s3", lambda operation_name, **_: seen.append(operation_name))
    backend = S3Backend(
        S3Config(endpoint_url=strict.url), **({owner: client} if owner == "client" else {owner: session})
    )

    Uploading(path=make_file(3 * PART), backend=backend, endpoint=backend.endpoint).run()
    backend.close()

    assert seen.count("UploadPart") == 3


def test_its_retries_are_kept(strict: StrictS3, client: Any, make_file: Callable[..., Path]) -> None:
    """What the client repeats itself does not reach the engine's own retries."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=internal_error(), times=1))
    backend = S3Backend(client=client)
    uploading = Uploading(path=make_file(2 * PART), backend=backend, endpoint=backend.endpoint)

    uploading.run(concurrency=1)

    assert strict.counts["UploadPart"] == 3
    assert uploading.of(PartRetried) == []


def test_the_callers_client_stays_as_it_is(strict: StrictS3, client: Any, make_file: Callable[..., Path]) -> None:
    """The backend closes its own connections only, and reads the caller's responses nowhere."""
    config = client.meta.config.request_checksum_calculation
    backend = S3Backend(client=client)
    uploading = Uploading(path=make_file(2 * PART), backend=backend, endpoint=backend.endpoint)
    uploading.run()
    backend.close()
    requests: list[Any] = []
    client.meta.events.register("before-send.s3.HeadObject", lambda request, **_: requests.append(request))

    assert client.head_object(Bucket="bucket", Key="key")["ContentLength"] == 2 * PART
    assert not requests[0].stream_output
    assert client.meta.config.request_checksum_calculation == config


def test_a_service_without_checksums_gets_an_md5_alone(
    strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """botocore's own checksum, which the client's configuration may ask for, is not added to ours."""
    strict.model.quirks = Quirks(no_checksums=True)

    assert uploading.run().proof == "etag"


def test_the_doctor_names_the_credentials(own: S3Backend) -> None:
    """They are those of the session or the client."""
    found = S3Probe(own.config).credentials()

    assert found is not None
    assert found.method == "explicit"
    assert not any(name in os.environ for name in KEYS)
