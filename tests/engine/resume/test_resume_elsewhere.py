"""A resume uses the endpoint of the upload, even if the environment has changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from partway.cli.options.connection import Connection
from partway.cli.runtime.backend import backend_for
from partway.engine.errors import UploadFailed
from partway.engine.events.upload import UploadRenewed
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts, and the strict S3."""
    return Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)


def test_aws_itself_ignores_a_configured_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload to AWS is never resumed on the service that AWS_ENDPOINT_URL names now."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    here, aws = S3Backend(S3Config()), S3Backend(S3Config(endpoint_url=""))

    assert (here.endpoint, aws.endpoint) == ("http://127.0.0.1:9", "")


def test_a_part_that_hears_no_such_upload_is_no_proof_of_it(strict: StrictS3, uploading: Uploading) -> None:
    """A single 404 for a part, as from a proxy: ListParts still shows the upload, so nothing is lost."""
    once = Answer(status=404, code="NoSuchUpload")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=once, part_number=5))

    done = uploading.run(concurrency=1)

    assert uploading.of(UploadRenewed) == []
    assert (strict.counts["CreateMultipartUpload"], done.sent_bytes) == (1, SIZE)
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_the_record_says_where(strict: StrictS3, uploading: Uploading, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolved endpoint is stored: a resume needs neither the flag nor the variable."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no))
    with pytest.raises(UploadFailed):
        uploading.run()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    (record,) = uploading.store.uploads()

    again = backend_for(record, concurrency=1, connection=Connection())

    assert again.endpoint == strict.url
    assert json.loads(record.options) == {"content_type": "text/plain"}
