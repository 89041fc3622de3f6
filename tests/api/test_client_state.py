"""Client.uploads, resume, cancel, plan, verify."""

from collections.abc import Callable
from pathlib import Path

import pytest

from partway import Client
from partway.errors import AccessRefused, FilesFailed, OptionError, UploadFailed
from partway.events import Event, JobStarted
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


@pytest.fixture
def unfinished(client: Client, strict: StrictS3, make_file: Callable[..., Path]) -> Path:
    """A file whose last part was refused."""
    path = make_file(SIZE)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=6))
    with pytest.raises(UploadFailed):
        client.upload(path, "s3://bucket/key")
    return path


def test_uploads_of_an_empty_state(client: Client, tmp_path: Path) -> None:
    """None; and nothing is made by asking."""
    assert client.uploads() == []
    assert not (tmp_path / "state").exists()


def test_uploads_tell_what_is_there(client: Client, unfinished: Path) -> None:
    """Unfinished and done, the oldest first."""
    client.upload(b"abc", "s3://bucket/other")
    first, second = client.uploads()

    assert (first.source, first.url, first.status) == (str(unfinished), "s3://bucket/key", "open")
    assert (first.unfinished, first.total_bytes, first.stored_parts, first.stored_bytes) == (True, SIZE, 5, 5 * PART)
    assert (second.source, second.status, second.proof) == (None, "completed", "crc64nvme")
    assert client.uploads(unfinished=True) == [first]


def test_resume_finishes(client: Client, strict: StrictS3, unfinished: Path) -> None:
    """By the start of the id."""
    (upload,) = client.uploads()
    result = client.resume(upload.id[:4])

    assert strict.model.get_object("bucket", "key").body == unfinished.read_bytes()
    assert result.id == upload.id
    assert client.uploads(unfinished=True) == []


def test_resume_a_directory(
    client: Client, strict: StrictS3, tmp_path: Path, events: list[Event], make_file: Callable[..., Path]
) -> None:
    """By the id of its job."""
    (tmp_path / "many").mkdir()
    for name in ("many/a", "many/b"):
        make_file(10, name)
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied()))
    with pytest.raises(FilesFailed):
        client.upload(tmp_path / "many", "s3://bucket/", recursive=True)
    (started,) = [event for event in events if isinstance(event, JobStarted)]
    result = client.resume(started.job)

    assert (result.done, result.resumed) == (1, 1)  # type: ignore[union-attr]


def test_cancel_removes_the_parts(client: Client, strict: StrictS3, unfinished: Path) -> None:
    """From S3; the upload cannot be resumed then."""
    (upload,) = client.uploads()
    client.cancel(upload.id)

    assert strict.model.open_uploads == ()
    assert [each.status for each in client.uploads()] == ["cancelled"]
    with pytest.raises(OptionError, match="is cancelled; it cannot be resumed or cancelled"):
        client.resume(upload.id)


@pytest.mark.parametrize("id", ["", "nonsense", None])
def test_an_unknown_id(client: Client, id: str) -> None:
    """Said as such."""
    with pytest.raises(OptionError, match=r"is not an upload ID|there is no upload"):
        client.resume(id)


def test_an_upload_at_another_endpoint(make_client: Callable[..., Client], unfinished: Path) -> None:
    """A client that was made for one endpoint never sends an upload of another one there."""
    with make_client(endpoint_url="http://127.0.0.1:1") as other:
        (upload,) = other.uploads()
        with pytest.raises(OptionError, match="use a client with endpoint_url='http://127"):
            other.resume(upload.id)


def test_a_default_client_resumes_where_it_was_begun(
    make_client: Callable[..., Client], strict: StrictS3, unfinished: Path
) -> None:
    """The endpoint is remembered."""
    with make_client(endpoint_url=None) as other:
        (upload,) = other.uploads()
        other.resume(upload.id)

    assert strict.model.get_object("bucket", "key").body == unfinished.read_bytes()


def test_plan_sends_nothing(client: Client, strict: StrictS3, unfinished: Path) -> None:
    """What is kept, and the requests that are left."""
    before = len(strict.calls)
    planned = client.plan(unfinished, "s3://bucket/key")

    assert (planned.kept_parts, planned.part_count, planned.upload_part) == (5, 6, 1)
    assert len(strict.calls) == before


def test_verify_compares(client: Client, make_file: Callable[..., Path]) -> None:
    """Equal, different, missing."""
    path = make_file(SIZE)
    client.upload(path, "s3://bucket/key")
    client.upload(b"other", "s3://bucket/other")

    assert client.verify(path, "s3://bucket/key").verdict == "equal"
    assert client.verify(path, "s3://bucket/other").verdict == "different"
    assert client.verify(path, "s3://bucket/none").verdict == "missing"


def test_credentials_are_read_again_after_a_close(
    make_client: Callable[..., Client], strict: StrictS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that gets others does not go on with the old ones; while a client is open, they are kept."""
    with make_client() as first, make_client() as second:
        for client in (first, second):
            client.upload(b"x", "s3://bucket/first")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        first.close()
        second.upload(b"x", "s3://bucket/second")
    with make_client() as third, pytest.raises(AccessRefused, match="InvalidAccessKeyId"):
        third.upload(b"x", "s3://bucket/third")
