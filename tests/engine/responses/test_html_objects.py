"""HTML that users upload, on services whose responses have no header of their own: nobody's login page."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import ForeignResponse
from partway.engine.events.upload import UploadSkipped
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.service import S3Probe
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

PAGE = b"<!DOCTYPE html><html><body>Welcome</body></html>\n"
SIZES = {"one": len(PAGE), "parts": 3 * PART}


@pytest.fixture
def plain(strict: StrictS3) -> StrictS3:
    """A service without headers that begin with x-amz-."""
    strict.model.quirks = Quirks(no_amz_headers=True)
    return strict


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, plain: StrictS3, backend: S3Backend, tmp_path: Path) -> Uploading:
    """An HTML file of one part, or of three."""
    path = tmp_path / "index.html"
    path.write_bytes(PAGE.ljust(SIZES[request.param]))
    uploading = Uploading(path=path, backend=backend, endpoint=backend.endpoint)
    uploading.options = replace(uploading.options, content_type="text/html")
    return uploading


@pytest.fixture
def moto(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Backend]:
    """moto takes every credential."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with closing(S3Backend(S3Config(endpoint_url=moto_url, region="us-east-1"))) as backend:
        yield backend


def test_html_is_uploaded_and_proven(plain: StrictS3, page: Uploading) -> None:
    """HEAD names the type, and the service says at another address that it is S3."""
    done = page.run()

    assert done.proof == "etag"
    assert plain.model.get_object("bucket", "key").body == page.path.read_bytes()


def test_an_object_that_exists_is_seen(page: Uploading) -> None:
    """--no-overwrite skips HTML as anything else."""
    page.run()
    page.options = replace(page.options, no_overwrite=True)

    assert isinstance(page.end(), UploadSkipped)


def test_an_object_in_the_place_of_a_list_is_none(plain: StrictS3, page: Uploading) -> None:
    """A service without ListParts sends the HTML that the key has: the resume trusts the stored receipts."""
    page.run()
    plain.model.quirks = replace(plain.model.quirks, list_parts_ignored=True)

    assert page.backend.list_parts(page.target, "U", ChecksumAlgorithm.MD5) is None


def test_html_on_another_service(moto: S3Backend, page: Uploading) -> None:
    """moto's request id has another name."""
    page.backend, page.endpoint = moto, moto.endpoint

    assert page.run().proof == "crc64nvme"


def test_a_bucket_is_looked_at(plain: StrictS3, backend: S3Backend) -> None:
    """A web framework names HTML as the type of a response without a body."""
    html = Answer(status=200, headers={"Content-Type": "text/html", "Server": "framework"})
    plain.faults.add(Fault(operation="HeadBucket", stage=Stage.AFTER_BODY, action=html))

    assert S3Probe(backend.config).look_at_bucket("bucket").permitted


@pytest.mark.parametrize("header", ["X-Amz-Cf-Id", "X-Request-Id"])
def test_a_web_server_is_not_taken_for_the_service(plain: StrictS3, page: Uploading, header: str) -> None:
    """It has a page under the key's address and an HTML error for what is missing, and content networks add headers
    with names like S3's."""
    made = {"Content-Type": "text/html", "ETag": '"5f3c-264"', "Last-Modified": "x", header: "1"}
    for operation, status in (("HeadObject", 200), ("GetObject", 404)):
        web = Answer(status=status, body=PAGE, headers=made)
        plain.faults.add(Fault(operation=operation, stage=Stage.AFTER_BODY, action=web, times=None))
    page.options = replace(page.options, no_overwrite=True)

    with pytest.raises(ForeignResponse, match="was answered with a web page"):
        page.end()
