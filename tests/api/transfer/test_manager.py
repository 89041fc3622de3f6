"""The transfer manager, S3Transfer and TransferConfig."""

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import boto3.s3.transfer
import pytest
from s3transfer.manager import TransferManager as S3TransferManager
from s3transfer.subscribers import BaseSubscriber

from partway.transfer import S3Transfer, TransferConfig, create_transfer_manager
from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_server.server import StrictS3

from .conftest import MIB, body


@pytest.fixture
def slow(server: StrictS3) -> None:
    """Every part takes a while."""
    wait = CallFunction(function=lambda: time.sleep(0.4))
    server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=wait, times=None))


def test_the_defaults(s3: Any, server: StrictS3, make_file: Callable[..., Path]) -> None:
    """From 8 MiB on, parts of 8 MiB."""
    s3.upload_file(str(make_file(8 * MIB - 1)), "bucket", "less")
    s3.upload_file(str(make_file(8 * MIB)), "bucket", "key")

    assert server.counts == {
        "PutObject": 1,
        "CreateMultipartUpload": 1,
        "UploadPart": 1,
        "CompleteMultipartUpload": 1,
    }


@pytest.mark.parametrize(
    ("config", "sizes"),
    [
        ({"multipart_threshold": 100 * MIB}, []),
        ({"multipart_chunksize": 5 * MIB}, [2 * MIB, 5 * MIB, 5 * MIB]),
        ({"multipart_chunksize": 1 * MIB}, [2 * MIB, 5 * MIB, 5 * MIB]),
    ],
)
@pytest.mark.parametrize("kind", [boto3.s3.transfer.TransferConfig, TransferConfig])
def test_the_sizes(s3: Any, server: StrictS3, big: Path, kind: Any, config: dict[str, int], sizes: list[int]) -> None:
    """As configured, by boto3's class or ours."""
    s3.upload_file(str(big), "bucket", "key", Config=kind(**config))

    assert sorted(call.body_bytes for call in server.calls if call.operation == "UploadPart") == sizes


def test_a_tiny_multipart_upload(s3: Any, server: StrictS3, small: Path) -> None:
    """``multipart_threshold=1``."""
    s3.upload_file(str(small), "bucket", "key", Config=TransferConfig(multipart_threshold=1))

    assert server.counts["UploadPart"] == 1


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.usefixtures("slow")
def test_concurrency(s3: Any, server: StrictS3, big: Path, most: int) -> None:
    """So many parts at a time."""
    s3.upload_file(str(big), "bucket", "key", Config=TransferConfig(multipart_chunksize=5 * MIB, max_concurrency=most))

    assert server.in_flight_max == most


@pytest.mark.usefixtures("slow")
def test_concurrency_of_a_manager(s3: Any, server: StrictS3, big: Path) -> None:
    """Of all its uploads together."""
    with create_transfer_manager(s3, TransferConfig(multipart_chunksize=5 * MIB, max_concurrency=2)) as manager:
        for key in "abc":
            manager.upload(str(big), "bucket", key)

    assert server.in_flight_max <= 2
    assert body(server, "c") == big.read_bytes()


@pytest.mark.parametrize("is_file", [True, False])
def test_no_threads(s3: Any, server: StrictS3, big: Path, is_file: bool) -> None:
    """``use_threads=False``: callbacks come in the caller's thread, one part at a time; a file needs no other."""
    config, seen, threads = TransferConfig(use_threads=False, multipart_chunksize=5 * MIB), list[int](), set[str]()
    before = set(threading.enumerate())

    def note(sent: int) -> None:
        seen.append(threading.get_ident())
        threads.update(each.name for each in set(threading.enumerate()) - before if each.name.startswith("partway"))

    if is_file:
        s3.upload_file(str(big), "bucket", "key", Callback=note, Config=config)
    else:
        s3.upload_fileobj(io.BytesIO(big.read_bytes()), "bucket", "key", Callback=note, Config=config)

    assert set(seen) == {threading.get_ident()}
    assert not threads or not is_file
    assert server.in_flight_max == 1
    assert body(server) == big.read_bytes()


def test_bandwidth(s3: Any, make_file: Callable[..., Path]) -> None:
    """It is limited."""
    began = time.monotonic()
    s3.upload_file(str(make_file(2 * MIB)), "bucket", "key", Config=TransferConfig(max_bandwidth=2 * MIB))

    assert time.monotonic() - began > 0.5


def test_zero(s3: Any) -> None:
    """Boto3 refuses it."""
    with pytest.raises(ValueError):
        TransferConfig(max_bandwidth=0)


def test_a_future(s3: Any, small: Path) -> None:
    """It has a result, a size and the arguments."""
    with create_transfer_manager(s3, TransferConfig()) as manager:
        future = manager.upload(str(small), "bucket", "key")
        assert future.result() is None

    call: Any = future.meta.call_args
    assert future.done() and future.meta.size == 1000 and call.key == "key"


def test_subscribers(s3: Any, small: Path) -> None:
    """Queued, progress, done."""
    seen: list[object] = []

    class Subscriber(BaseSubscriber):
        def on_queued(self, future: Any, **_: Any) -> None:
            seen.append("queued")

        def on_progress(self, future: Any, bytes_transferred: int, **_: Any) -> None:
            seen.append(bytes_transferred)

        def on_done(self, future: Any, **_: Any) -> None:
            seen.append("done")

    with create_transfer_manager(s3, TransferConfig()) as manager:
        manager.upload(str(small), "bucket", "key", subscribers=[Subscriber()])

    assert seen == ["queued", 1000, "done"]


@pytest.mark.usefixtures("slow")
def test_cancel(s3: Any, server: StrictS3, big: Path) -> None:
    """``cancel()`` ends it soon; uploading again resumes."""
    config = TransferConfig(max_concurrency=1, multipart_chunksize=5 * MIB)
    with create_transfer_manager(s3, config) as manager:
        future = manager.upload(str(big), "bucket", "key")
        time.sleep(0.6)
        future.cancel()
        with pytest.raises(CancelledError):
            future.result()
    assert not server.counts["CompleteMultipartUpload"]

    s3.upload_file(str(big), "bucket", "key", Config=config)
    assert server.counts["UploadPart"] < 6
    assert server.counts["CreateMultipartUpload"] == 1


@pytest.mark.usefixtures("slow")
def test_leaving_by_an_exception(s3: Any, server: StrictS3, big: Path) -> None:
    """Cancels what runs, with the exception's text."""
    manager = create_transfer_manager(s3, TransferConfig())
    future = manager.upload(str(big), "bucket", "key")
    with pytest.raises(KeyboardInterrupt), manager:
        time.sleep(0.2)
        raise KeyboardInterrupt

    with pytest.raises(CancelledError, match=r"KeyboardInterrupt\(\)"):
        future.result()
    assert not server.counts["CompleteMultipartUpload"]


def test_many(s3: Any, server: StrictS3) -> None:
    """At once, in one manager."""
    with create_transfer_manager(s3, TransferConfig()) as manager:
        futures = [manager.upload(io.BytesIO(bytes([i]) * 1000), "bucket", f"k{i}") for i in range(20)]
        for future in futures:
            future.result()

    assert body(server, "k7") == b"\x07" * 1000


def test_other_transfers(s3: Any, server: StrictS3, small: Path, tmp_path: Path) -> None:
    """Downloads, copies and deletions are s3transfer's own."""
    s3.upload_file(str(small), "bucket", "key")
    with create_transfer_manager(s3, TransferConfig()) as manager:
        manager.download("bucket", "key", str(tmp_path / "down")).result()
        with pytest.raises(Exception, match="NotImplemented"):
            manager.copy({"Bucket": "bucket", "Key": "key"}, "bucket", "copy").result()
    S3Transfer(s3).download_file("bucket", "key", str(tmp_path / "again"))

    assert (tmp_path / "down").read_bytes() == (tmp_path / "again").read_bytes() == small.read_bytes()


def test_s3_transfer(s3: Any, server: StrictS3, small: Path) -> None:
    """boto3's class: positional arguments, keywords, a block, a manager of s3transfer."""
    seen: list[int] = []
    with S3Transfer(s3) as transfer:
        transfer.upload_file(str(small), "bucket", "a", seen.append, {"ContentType": "x/y"})
    S3Transfer(client=s3, config=TransferConfig()).upload_file(filename=str(small), bucket="bucket", key="b")
    S3Transfer(manager=S3TransferManager(s3)).upload_file(str(small), "bucket", "c")

    assert sum(seen) == 1000
    assert server.calls[0].headers["content-type"] == "x/y"
    assert server.counts["PutObject"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({}, "must be provided"), ({"client": object(), "manager": object()}, "mutually exclusive")],
)
def test_s3_transfer_of_nothing(arguments: dict[str, object], message: str) -> None:
    """ValueError, as of boto3."""
    with pytest.raises(ValueError, match=message):
        S3Transfer(**arguments)
