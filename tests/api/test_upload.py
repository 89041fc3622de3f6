"""Client.upload: results, options, progress, and errors."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import partway
from partway import Client, UploadResult
from partway.errors import ObjectExists, OptionError, UploadFailed
from partway.events import Event, PartDone, UploadStarted
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import Fault, ResetConnection, Stage
from tests.support.s3_faults.responses import access_denied, internal_error
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


@pytest.fixture
def path(make_file: Callable[..., Path]) -> Path:
    """A file of six parts."""
    return make_file(SIZE)


def fail_part(strict: StrictS3, number: int) -> None:
    """Have the service refuse a part, once."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=number))


def test_the_result_has_the_facts(client: Client, strict: StrictS3, path: Path) -> None:
    """Of the object, and of this run."""
    result = client.upload(path, "s3://bucket/some/key")

    assert result == UploadResult(
        id=result.id,
        url="s3://bucket/some/key",
        bucket="bucket",
        key="some/key",
        etag=strict.model.get_object("bucket", "some/key").etag.strip('"'),
        version_id=None,
        proof="crc64nvme",
        total_bytes=SIZE,
        sent_bytes=SIZE,
        reused_bytes=0,
        parts=6,
        seconds=result.seconds,
        retries=0,
    )
    assert result.size == SIZE and result.seconds > 0


@pytest.mark.parametrize(("size", "operation"), [(10, "PutObject"), (SIZE, "CompleteMultipartUpload")])
def test_the_result_has_the_version(
    client: Client, strict: StrictS3, make_file: Callable[..., Path], size: int, operation: str
) -> None:
    """That the answer to the write names, in a bucket that keeps versions."""

    def edge(called: str, head: bytes, body: bytes) -> bytes:
        version = b"x-amz-version-id: v1\r\n\r\n" if called == operation else b"\r\n"
        return head.removesuffix(b"\r\n") + version + body

    strict.edge = edge

    assert client.upload(make_file(size), "s3://bucket/key").version_id == "v1"


def test_the_same_call_resumes(client: Client, strict: StrictS3, path: Path) -> None:
    """Finished parts are kept, and not sent again."""
    fail_part(strict, 6)
    with pytest.raises(UploadFailed):
        client.upload(path, "s3://bucket/key")
    result = client.upload(path, "s3://bucket/key")

    assert (result.sent_bytes, result.reused_bytes, result.parts) == (10, 5 * PART, 6)


def test_another_client_resumes(make_client: Callable[..., Client], strict: StrictS3, path: Path) -> None:
    """The state is on the disk."""
    fail_part(strict, 6)
    with make_client() as first, pytest.raises(UploadFailed):
        first.upload(path, "s3://bucket/key")
    with make_client() as second:
        assert second.upload(path, "s3://bucket/key").reused_bytes == 5 * PART


def test_one_call_needs_no_client(strict: StrictS3, tmp_path: Path) -> None:
    """Options of the client and of the upload together."""
    result = partway.upload(
        b"abc", "s3://bucket/key", endpoint_url=strict.url, state_dir=tmp_path / "other", content_type="text/plain"
    )

    assert result.total_bytes == 3
    assert [call.headers["content-type"] for call in strict.calls if call.method == "PUT"] == ["text/plain"]
    assert (tmp_path / "other" / "partway.db").exists()


def test_options_reach_the_object(client: Client, strict: StrictS3) -> None:
    """By the names of the command."""
    client.upload(
        b"abc",
        "s3://bucket/key",
        storage_class="STANDARD_IA",
        metadata={"Project": "media"},
        tagging={"team": "a b", "x": "y"},
        cache_control="max-age=60",
    )
    (call,) = [call for call in strict.calls if call.operation == "PutObject"]

    assert call.headers["x-amz-storage-class"] == "STANDARD_IA"
    assert call.headers["x-amz-meta-project"] == "media"
    assert call.headers["x-amz-tagging"] == "team=a+b&x=y"
    assert call.headers["cache-control"] == "max-age=60"


def test_no_overwrite_raises(client: Client, strict: StrictS3) -> None:
    """The object stays as it is."""
    client.upload(b"first", "s3://bucket/key")
    with pytest.raises(ObjectExists, match="already exists"):
        client.upload(b"second", "s3://bucket/key", no_overwrite=True)

    assert strict.model.get_object("bucket", "key").body == b"first"


def test_an_option_of_one_call_is_not_that_of_the_next(client: Client, strict: StrictS3) -> None:
    """Also when the first call failed."""
    with pytest.raises(OptionError):
        client.upload(b"x", "s3://bucket/key", storage_class="GLACIER", acl="nonsense")
    client.upload(b"x", "s3://bucket/key")

    assert all("x-amz-storage-class" not in call.headers for call in strict.calls)


@pytest.mark.parametrize("size", [0, 10, SIZE])
def test_callback_gets_every_byte(client: Client, size: int, make_file: Callable[..., Path]) -> None:
    """As boto3's Callback: the sum is the size."""
    seen: list[int] = []
    client.upload(make_file(size), "s3://bucket/key", callback=seen.append)

    assert sum(seen) == size


def test_callback_gets_kept_bytes_of_a_resume(client: Client, strict: StrictS3, path: Path) -> None:
    """The bar of a resumed upload ends at 100 %."""
    fail_part(strict, 6)
    with pytest.raises(UploadFailed):
        client.upload(path, "s3://bucket/key")
    seen: list[int] = []
    client.upload(path, "s3://bucket/key", callback=seen.append)

    assert seen[0] == 5 * PART and sum(seen) == SIZE


def test_callback_takes_back_what_is_sent_again(client: Client, strict: StrictS3, path: Path) -> None:
    """A retry makes it negative, and the sum stays right."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.HALF_BODY, action=ResetConnection(), part_number=2))
    seen: list[int] = []
    result = client.upload(path, "s3://bucket/key", callback=seen.append)

    assert sum(seen) == SIZE and result.retries == 1


def test_events_go_to_client_and_call(client: Client, events: list[Event], path: Path) -> None:
    """Both are called, in order."""
    own: list[Event] = []
    client.upload(path, "s3://bucket/key", on_event=own.append)

    assert own == events
    assert isinstance(own[0], UploadStarted)
    assert sum(isinstance(event, PartDone) for event in own) == 6


def test_a_listener_that_raises_stops_the_upload(client: Client, strict: StrictS3, path: Path) -> None:
    """Its exception comes out, and the upload can be resumed."""

    def on_event(event: Event) -> None:
        if isinstance(event, PartDone):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.upload(path, "s3://bucket/key", on_event=on_event)
    result = client.upload(path, "s3://bucket/key")

    assert strict.model.get_object("bucket", "key").body == path.read_bytes()
    assert result.reused_bytes > 0


def test_what_happens_is_logged(client: Client, strict: StrictS3, caplog: pytest.LogCaptureFixture) -> None:
    """To the logger ``partway``: what needs attention as a warning, parts in flight only for debugging."""
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=internal_error()))
    with caplog.at_level(logging.INFO, logger="partway"):
        client.upload(b"abc", "s3://bucket/key")

    assert [(record.levelname, record.message.partition("(")[0]) for record in caplog.records] == [
        ("INFO", "UploadStarted"),
        ("WARNING", "PartRetried"),
        ("INFO", "UploadDone"),
    ]


def test_nothing_is_printed(client: Client, strict: StrictS3, path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not even of a failure."""
    fail_part(strict, 1)
    with pytest.raises(UploadFailed):
        client.upload(path, "s3://bucket/key")

    assert capfd.readouterr() == ("", "")


def test_a_closed_client_refuses(make_client: Callable[..., Client]) -> None:
    """As an executor does."""
    client = make_client()
    client.close()

    with pytest.raises(RuntimeError, match="closed"):
        client.upload(b"x", "s3://bucket/key")
