"""Redirects: named, and followed only between S3's own regions."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import exit_code
from partway.engine.errors import PartwayError, Refused, RemoteError
from partway.engine.events.upload import PartRetried
from partway.engine.responses.redirects import check_redirect
from partway.engine.s3.backend import S3Backend
from partway.engine.s3.service import S3Probe
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_faults.responses import permanent_redirect
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3

STATUSES = [301, 302, 303, 307, 308]


@pytest.fixture
def elsewhere() -> Iterator[StrictS3]:
    """Another server, which nobody should ask anything."""
    with StrictS3(S3Model()) as server:
        yield server


def redirect(server: StrictS3, status: int, **headers: str) -> None:
    """Answer everything with a redirect."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    action = Answer(status=status, headers=named)
    server.faults.add(Fault(operation=None, stage=Stage.BEFORE_READ, action=action, times=None))


@pytest.mark.parametrize(("status", "size"), [*((status, PART // 2) for status in STATUSES), (301, 3 * PART)])
def test_a_redirect_to_another_server_is_named(
    strict: StrictS3, elsewhere: StrictS3, backend: S3Backend, make_file: Callable[..., Path], status: int, size: int
) -> None:
    """It ends the upload at once and for good; the other server gets no request, and so no credentials."""
    redirect(strict, status, Location=f"{elsewhere.url}/bucket/key?X-Amz-Signature=secret")
    uploading = Uploading(path=make_file(size), backend=backend, endpoint=backend.endpoint)

    with pytest.raises(PartwayError) as caught:
        uploading.run()

    sentence = f"the endpoint {strict.url} redirects to {elsewhere.url}; use that in --endpoint-url"
    login = "; if this network requires a login, log in first" if status in (302, 303, 307) else ""
    assert str(caught.value) == sentence + login
    assert exit_code(caught.value) == 1
    assert uploading.of(PartRetried) == []
    assert sum(strict.counts.values()) <= 2
    assert elsewhere.counts.total() == 0


@pytest.mark.parametrize("headers", [{}, {"Location": "http://[::1/x"}, {"Location": "ftp://h/"}])
def test_a_redirect_to_nowhere_is_said(strict: StrictS3, backend: S3Backend, headers: dict[str, str]) -> None:
    """botocore would ask HeadBucket where the bucket is, and be redirected by that, a thousand times."""
    for count, status in enumerate(STATUSES, start=1):
        strict.faults.clear()
        redirect(strict, status, **headers)

        with pytest.raises(Refused, match="responds with a redirect without an address; check --endpoint-url"):
            S3Probe(backend.config).look_at_bucket("bucket")
        assert strict.counts.total() == count


def test_a_redirect_to_a_page_of_the_same_server_is_said(strict: StrictS3, backend: S3Backend) -> None:
    """As of a console or a login page."""
    redirect(strict, 302, Location="/login")

    with pytest.raises(Refused, match=re.escape(f"{strict.url} redirects to /login, which S3 never does")):
        S3Probe(backend.config).look_at_bucket("bucket")


def test_an_endpoint_that_reaches_nothing_but_redirects_is_not_reached(strict: StrictS3, backend: S3Backend) -> None:
    """The doctor says so, too."""
    redirect(strict, 301, Location="https://s3.example/")

    with pytest.raises(Refused, match=r"redirects to https://s3\.example; use that"):
        S3Probe(backend.config).reach()


def test_another_region_of_the_same_service_is_followed_once(strict: StrictS3, backend: S3Backend) -> None:
    """The request goes to the same address, signed for the region that was named."""
    answer = permanent_redirect("eu-west-1")
    strict.faults.add(Fault(operation="HeadBucket", stage=Stage.BEFORE_READ, action=answer, times=None))

    with pytest.raises(RemoteError):
        S3Probe(backend.config).look_at_bucket("bucket")

    assert strict.counts.total() == 2


@dataclass
class Response:
    """A response of AWS."""

    status_code: int
    headers: dict[str, str] = field(default_factory=dict)


AWS = "https://bucket.s3.us-east-1.amazonaws.com/key"


@pytest.mark.parametrize(
    ("operation", "headers", "body"),
    [
        ("PutObject", {"x-amz-bucket-region": "eu-west-1"}, b""),
        ("PutObject", {"Location": "https://bucket.s3.eu-west-1.amazonaws.com/key"}, b""),
        ("PutObject", {}, b"<Error><Code>TemporaryRedirect</Code></Error>"),
        ("HeadBucket", {"x-amz-bucket-region": "eu-west-1"}, b""),
        ("HeadBucket", {}, b"<Error><Region>eu-west-1</Region></Error>"),
    ],
)
@pytest.mark.parametrize("status", [301, 307])
def test_redirects_of_aws_are_for_botocore(operation: str, headers: dict[str, str], body: bytes, status: int) -> None:
    """It makes the address of a region itself, or asks HeadBucket for the region."""
    check_redirect(operation, AWS, Response(status, headers), body)


def test_head_bucket_is_not_asked_about_itself() -> None:
    """Not even by AWS."""
    with pytest.raises(Refused):
        check_redirect("HeadBucket", AWS, Response(301), b"")


def test_the_endpoint_in_a_document_is_named() -> None:
    """Services of several regions have it there."""
    body = b"<Error><Code>PermanentRedirect</Code><Endpoint>s3.eu.example</Endpoint></Error>"

    with pytest.raises(Refused, match=re.escape("http://s3.example redirects to s3.eu.example; use that")):
        check_redirect("PutObject", "http://s3.example/bucket/key", Response(301), body)


@pytest.mark.parametrize("status", [200, 300, 304, 403])
def test_other_statuses_are_no_redirects(status: int) -> None:
    """Whatever their headers."""
    check_redirect("PutObject", "http://s3.example/bucket/key", Response(status, {"Location": "http://x/"}), b"")
