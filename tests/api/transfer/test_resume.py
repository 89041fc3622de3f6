"""What boto3 lacks: a failed upload is finished by the next call, and what differs is never mixed."""

import io
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from boto3.session import Session

from partway import UploadResult
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import STREAM
from partway.transfer import S3Transfer, TransferConfig, create_transfer_manager
from tests.support.s3_faults.faults import Answer, CallFunction, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3

from .conftest import MIB, body, client_of


def parts(**options: Any) -> TransferConfig:
    """Parts of 5 MiB, one at a time."""
    usual: dict[str, Any] = {"multipart_chunksize": 5 * MIB, "max_concurrency": 1}
    return TransferConfig(**usual | options)


@pytest.fixture
def interrupt(s3: Any, big: Path, refuse: Callable[..., None]) -> Callable[..., None]:
    """An upload whose last part is refused."""

    def interrupt(source: Any = None, **arguments: Any) -> None:
        refuse("UploadPart", 3)
        arguments = {"Config": parts()} | arguments
        with pytest.raises(Exception, match="AccessDenied"):
            if source is None:
                s3.upload_file(str(big), "bucket", "key", **arguments)
            else:
                s3.upload_fileobj(source, "bucket", "key", **arguments)

    return interrupt


def sent_parts(server: StrictS3) -> int:
    """How many parts were stored."""
    return sum(call.operation == "UploadPart" and call.status == 200 for call in server.calls)


def test_the_same_file(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None]) -> None:
    """The parts that S3 has are not sent again; the callback hears of all bytes."""
    interrupt()
    seen: list[int] = []
    s3.upload_file(str(big), "bucket", "key", Callback=seen.append, Config=parts())

    assert body(server) == big.read_bytes()
    assert sent_parts(server) == 3
    assert sum(seen) == big.stat().st_size
    assert server.counts["HeadObject"] == 0


def test_a_killed_program(s3: Any, server: StrictS3, big: Path) -> None:
    """Its finished parts are found by the next program."""
    code = (
        "import boto3, sys; from partway.transfer import TransferConfig, install; install(); "
        "config = TransferConfig(multipart_chunksize=5 * 2**20, max_concurrency=1); "
        "boto3.client('s3').upload_file(sys.argv[1], 'bucket', 'key', Config=config)"
    )
    server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=Hang(), part_number=3))
    with subprocess.Popen([sys.executable, "-c", code, str(big)]) as program:
        while server.counts["UploadPart"] < 3:
            assert program.poll() is None
            time.sleep(0.05)
        program.kill()

    s3.upload_file(str(big), "bucket", "key", Config=parts())

    assert body(server) == big.read_bytes()
    assert sent_parts(server) == 3


@pytest.mark.parametrize("size", [8 * MIB, 6 * MIB])
def test_another_chunk_size(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None], size: int) -> None:
    """The upload keeps that of its parts."""
    interrupt()
    s3.upload_file(str(big), "bucket", "key", Config=parts(multipart_chunksize=size))

    assert body(server) == big.read_bytes()
    assert sent_parts(server) == 3


def test_other_bytes(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None]) -> None:
    """Parts that have changed are sent again."""
    interrupt()
    big.write_bytes(bytes(5 * MIB) + big.read_bytes()[5 * MIB :])
    s3.upload_file(str(big), "bucket", "key", Config=parts())

    assert body(server) == big.read_bytes()
    assert sent_parts(server) == 4


@pytest.mark.parametrize("second", [{}, {"Metadata": {"c": "d"}}, {"ChecksumAlgorithm": "SHA256"}])
def test_other_arguments(
    s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None], second: dict[str, Any]
) -> None:
    """Those of the failed call do not count: the upload starts over, and the old parts are removed."""
    interrupt(ExtraArgs={"ACL": "public-read", "Metadata": {"a": "b"}})
    s3.upload_file(str(big), "bucket", "key", ExtraArgs=second, Config=parts())

    created = [call for call in server.calls if call.operation == "CreateMultipartUpload"]
    assert len(created) == 2 and "x-amz-acl" not in created[1].headers
    assert "x-amz-meta-a" not in created[1].headers
    assert s3.head_object(Bucket="bucket", Key="key")["Metadata"] == second.get("Metadata", {})
    assert not server.model.open_uploads


def test_old_parts_that_may_not_be_removed(
    s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None], refuse: Callable[..., None]
) -> None:
    """They stay: credentials that may only write can still upload, as with boto3."""
    interrupt()
    refuse("AbortMultipartUpload")
    s3.upload_file(str(big), "bucket", "key", ExtraArgs={"ContentType": "x/y"}, Config=parts())

    assert body(server) == big.read_bytes()
    assert s3.head_object(Bucket="bucket", Key="key")["ContentType"] == "x/y"


def test_the_same_arguments(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None]) -> None:
    """They resume, in any form that means the same."""
    interrupt(ExtraArgs={"Metadata": {"a": "b", "c": "d"}, "Expires": 1925028000})
    extra = {"Metadata": {"c": "d", "a": "b"}, "Expires": "2031-01-01T10:00:00Z"}
    s3.upload_file(str(big), "bucket", "key", ExtraArgs=extra, Config=parts())

    assert sent_parts(server) == 3


@pytest.mark.parametrize(("second", "parts_sent"), [(b"k" * 32, 3), ("l" * 32, 5)])
def test_a_customer_key(session: Session, big: Path, second: str | bytes, parts_sent: int) -> None:
    """The same key resumes; another one starts over."""
    extra: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    refusal = Answer(status=403, code="AccessDenied")
    with StrictS3(tls=True) as server:
        client = client_of(server, session)
        server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=refusal, part_number=3))
        with pytest.raises(S3UploadFailedError, match="AccessDenied"):
            S3Transfer(client, parts()).upload_file(str(big), "bucket", "key", extra_args=extra)
        extra["SSECustomerKey"] = second
        S3Transfer(client, parts()).upload_file(str(big), "bucket", "key", extra_args=extra)

        assert sent_parts(server) == parts_sent


def test_a_file_object(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None]) -> None:
    """The same bytes resume."""
    interrupt(io.BytesIO(big.read_bytes()))
    s3.upload_fileobj(io.BytesIO(big.read_bytes()), "bucket", "key", Config=parts())

    assert body(server) == big.read_bytes()
    assert sent_parts(server) == 3


@pytest.mark.parametrize("size", [9 * MIB, 12 * MIB, 20 * MIB])
def test_another_file_object(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None], size: int) -> None:
    """Other bytes, fewer or more of them, become the object."""
    interrupt(io.BytesIO(big.read_bytes()))
    s3.upload_fileobj(io.BytesIO(b"x" * size), "bucket", "key", Config=parts())

    assert body(server) == b"x" * size
    assert not server.model.open_uploads


def test_a_small_object_after_a_large_one(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None]) -> None:
    """One PutObject, whatever is unfinished."""
    interrupt(io.BytesIO(big.read_bytes()))
    s3.upload_fileobj(io.BytesIO(b"x"), "bucket", "key")

    assert body(server) == b"x"


def test_an_abort_comes_last(s3: Any, server: StrictS3, big: Path) -> None:
    """After a cancel it waits for the parts in flight: one that arrives later would stay on S3."""
    has_arrived = threading.Event()

    def keep() -> None:
        has_arrived.set()
        time.sleep(1.5)

    slow = CallFunction(function=keep)
    server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=slow, part_number=1))
    manager = create_transfer_manager(s3, parts(resume=False, max_concurrency=3))
    future = manager.upload(str(big), "bucket", "key")
    assert has_arrived.wait(20)
    with pytest.raises(CancelledError), manager:
        future.cancel()
        future.result()

    assert server.calls[-1].operation == "AbortMultipartUpload"
    assert next(call.status for call in server.calls if call.part_number == 1) == 200


@pytest.mark.parametrize("is_file", [True, False])
def test_without_resume(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None], is_file: bool) -> None:
    """As with boto3: a failed upload is aborted."""
    interrupt(None if is_file else io.BytesIO(big.read_bytes()), Config=parts(resume=False))

    assert not server.model.open_uploads


def test_the_state_directory(
    s3: Any, server: StrictS3, big: Path, tmp_path: Path, interrupt: Callable[..., None]
) -> None:
    """``state_dir`` names another one; one that cannot be used costs the resume alone."""
    interrupt(Config=parts(state_dir=tmp_path / "mine"))
    assert (tmp_path / "mine").is_dir()

    s3.upload_file(str(big), "bucket", "key", Config=parts(state_dir=big / "impossible"))
    assert body(server) == big.read_bytes()


def test_the_command_resumes(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None]) -> None:
    """What a program began is listed and can be finished by its id, with the checksums it was begun with."""
    import partway

    interrupt(ExtraArgs={"ContentType": "x/y"})
    with partway.Client(client=s3) as client:
        (upload,) = client.uploads()
        done = client.resume(upload.id)

    assert body(server) == big.read_bytes()
    assert isinstance(done, UploadResult)
    assert (done.reused_bytes, done.proof) == (10 * MIB, "crc32")


@pytest.mark.parametrize("is_file", [True, False])
def test_two_threads(s3: Any, server: StrictS3, big: Path, is_file: bool) -> None:
    """The same to the same key at once: both succeed."""
    failed: list[BaseException] = []

    def send() -> None:
        try:
            if is_file:
                s3.upload_file(str(big), "bucket", "key", Config=parts())
            else:
                s3.upload_fileobj(io.BytesIO(big.read_bytes()), "bucket", "key", Config=parts())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failed
    assert server.counts["CompleteMultipartUpload"] == 2
    assert body(server) == big.read_bytes()


def test_a_source_begins_again(s3: Any, server: StrictS3) -> None:
    """Another process is sending a stream to the same key: no byte is lost to the attempt that found it."""

    class Slow(io.BytesIO):
        delay = 0.3

        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(self.delay)
            self.delay = 0.0
            return super().read(size)

    data = random.Random(1).randbytes(9 * MIB)
    directory = Path(os.environ["PARTWAY_STATE_DIR"])
    with closing(SqliteStore(directory)) as store, store.lock(STREAM, server.url, "bucket", "key"):
        s3.upload_fileobj(Slow(data), "bucket", "key", Config=parts())

    assert body(server) == data


def test_twice_in_a_row(s3: Any, server: StrictS3, big: Path) -> None:
    """Two objects, as with boto3."""
    for _ in range(2):
        s3.upload_file(str(big), "bucket", "key")

    assert server.counts["CompleteMultipartUpload"] == 2


@pytest.mark.parametrize("kind", ["small", "big"])
def test_verify(s3: Any, server: StrictS3, request: pytest.FixtureRequest, kind: str) -> None:
    """One HEAD compares the object."""
    s3.upload_file(str(request.getfixturevalue(kind)), "bucket", "key", Config=TransferConfig(verify=True))

    assert server.counts["HeadObject"] == 1


@pytest.mark.parametrize("threshold", [1, 8 * MIB], ids=["parts", "whole"])
def test_verify_without_checksums(s3: Any, server: StrictS3, small: Path, threshold: int) -> None:
    """A service that repeats none is compared by what it says."""
    server.model.quirks = replace(server.model.quirks, no_checksums=True)
    config = TransferConfig(verify=True, multipart_threshold=threshold)
    s3.upload_file(str(small), "bucket", "key", Config=config)

    assert server.counts["HeadObject"] >= 1


def test_verify_finds_another_object(s3: Any, server: StrictS3, small: Path) -> None:
    """An error that only this module has."""
    server.edge = lambda operation, head, body: (
        (head.replace(b"Content-Length: 1000", b"Content-Length: 999") if operation == "HeadObject" else head) + body
    )
    with pytest.raises(S3UploadFailedError, match=r"has 999 bytes, the file has 1,000"):
        s3.upload_file(str(small), "bucket", "key", Config=TransferConfig(verify=True))


def test_a_service_without_checksums(s3: Any, server: StrictS3, big: Path, interrupt: Callable[..., None]) -> None:
    """Nothing is asked of it that boto3 does not ask."""
    server.model.quirks = replace(server.model.quirks, no_checksums=True)
    interrupt()
    s3.upload_file(str(big), "bucket", "key", Config=parts())

    assert body(server) == big.read_bytes()
    assert sent_parts(server) == 3
