"""What can be uploaded: what boto3 takes."""

import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_server.server import StrictS3

from .conftest import MIB, Unseekable, body

PARTS = TransferConfig(multipart_chunksize=5 * MIB, max_concurrency=1)


class OnlyReads:
    """Has read() and nothing else."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 700_001))


@pytest.mark.parametrize("kind", ["small", "big"])
@pytest.mark.parametrize("make", [io.BytesIO, Unseekable, OnlyReads])
def test_an_object_that_reads(
    s3: Any, server: StrictS3, request: pytest.FixtureRequest, kind: str, make: Callable[[bytes], Any]
) -> None:
    """In memory, without seek, with short reads."""
    data = request.getfixturevalue(kind).read_bytes()

    assert s3.upload_fileobj(make(data), "bucket", "key") is None

    assert body(server) == data
    assert server.counts["PutObject"] == (kind == "small")


@pytest.mark.parametrize("kind", ["small", "big"])
def test_from_its_position(s3: Any, server: StrictS3, request: pytest.FixtureRequest, kind: str) -> None:
    """A file object is sent from where it stands."""
    path = request.getfixturevalue(kind)
    with path.open("rb") as file:
        file.seek(7)
        s3.upload_fileobj(file, "bucket", "key")

    assert body(server) == path.read_bytes()[7:]


def test_a_pipe(s3: Any, server: StrictS3, big: Path) -> None:
    """It is read to its end."""
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(big.read_bytes())

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(out, "rb") as file:
        s3.upload_fileobj(file, "bucket", "key", Config=PARTS)
    writer.join()

    assert body(server) == big.read_bytes()
    assert [call.body_bytes for call in server.calls if call.operation == "UploadPart"] == [5 * MIB, 5 * MIB, 2 * MIB]


@pytest.mark.parametrize("make", [io.BytesIO, Unseekable])
def test_no_bytes(s3: Any, server: StrictS3, make: Callable[[bytes], Any]) -> None:
    """An empty object."""
    s3.upload_fileobj(make(b""), "bucket", "key")

    assert body(server) == b""


def test_what_is_closed(s3: Any) -> None:
    """boto3 closes a file object that it sends by one PutObject, and leaves others open."""
    one, other = io.BytesIO(b"x"), io.BytesIO(bytes(9 * MIB))
    s3.upload_fileobj(one, "bucket", "key")
    s3.upload_fileobj(other, "bucket", "key")

    assert (one.closed, other.closed) == (True, False)


@pytest.mark.parametrize(("path", "error"), [("missing", FileNotFoundError), (".", IsADirectoryError)])
def test_no_file(s3: Any, server: StrictS3, tmp_path: Path, path: str, error: type[OSError]) -> None:
    """The error of the system, and nothing is sent."""
    with pytest.raises(error):
        s3.upload_file(str(tmp_path / path), "bucket", "key")

    assert not server.calls


@pytest.mark.parametrize("name", [5, b"x", None])
def test_no_name(s3: Any, name: Any) -> None:
    """A ValueError."""
    with pytest.raises(ValueError, match="Filename must be a string or a path-like object"):
        s3.upload_file(name, "bucket", "key")


def test_no_read(s3: Any) -> None:
    """A ValueError."""
    with pytest.raises(ValueError, match="Fileobj must implement read"):
        s3.upload_fileobj("text", "bucket", "key")


def test_an_error_of_the_source(s3: Any, server: StrictS3) -> None:
    """It comes out as it is, and nothing is left on S3."""

    class Failing(Unseekable):
        def read(self, size: int = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise ZeroDivisionError("mine")
            return data

    with pytest.raises(ZeroDivisionError, match="mine"):
        s3.upload_fileobj(Failing(bytes(20 * MIB)), "bucket", "key", Config=PARTS)

    assert not server.model.open_uploads


def test_a_file_that_shrinks(s3: Any, server: StrictS3, big: Path) -> None:
    """It fails, and no object is created."""
    shrink = CallFunction(function=lambda: os.truncate(big, 6 * MIB))
    server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_EFFECT, action=shrink, part_number=1))

    with pytest.raises(Exception, match=r"Failed to upload .* to bucket/key: .* shrank"):
        s3.upload_file(str(big), "bucket", "key", Config=PARTS)

    assert not server.counts["CompleteMultipartUpload"]


@pytest.mark.parametrize("kind", ["small", "big"])
@pytest.mark.parametrize("make", [io.BytesIO, Unseekable, None])
def test_a_callback(s3: Any, request: pytest.FixtureRequest, kind: str, make: Callable[[bytes], Any] | None) -> None:
    """It is called with bytes, whose sum is the size."""
    path, seen = request.getfixturevalue(kind), list[int]()
    if make is None:
        s3.upload_file(path, "bucket", "key", Callback=seen.append)
    else:
        s3.upload_fileobj(make(path.read_bytes()), "bucket", "key", Callback=seen.append)

    assert sum(seen) == path.stat().st_size
    assert {type(each) for each in seen} == {int}


def test_a_callback_after_a_retry(s3: Any, server: StrictS3, big: Path, refuse: Callable[..., None]) -> None:
    """What is sent again is taken back first."""
    refuse("UploadPart", 2, status=503, code="SlowDown")
    seen: list[int] = []
    s3.upload_file(str(big), "bucket", "key", Callback=seen.append, Config=PARTS)

    assert sum(seen) == big.stat().st_size
    assert server.counts["UploadPart"] == 4


def test_an_error_of_a_callback(s3: Any, server: StrictS3, big: Path) -> None:
    """It ends the upload, and comes out."""

    def fail(_: int) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        s3.upload_file(str(big), "bucket", "key", Callback=fail)

    assert not server.counts["CompleteMultipartUpload"]


def test_a_closed_file(s3: Any) -> None:
    """A ValueError, as of boto3."""
    file = io.BytesIO(b"x")
    file.close()

    with pytest.raises(ValueError, match="closed file"):
        s3.upload_fileobj(file, "bucket", "key")


def test_a_source_without_data_yet(s3: Any, server: StrictS3) -> None:
    """None from read() is not the end, as with a non-blocking socket."""

    class Slow(OnlyReads):
        turn = 0

        def read(self, size: int = -1) -> Any:
            self.turn += 1
            return None if self.turn % 2 else super().read(size)

    s3.upload_fileobj(Slow(bytes(2 * MIB)), "bucket", "key")

    assert body(server) == bytes(2 * MIB)


def test_a_source_is_not_read_afterwards(s3: Any, refuse: Callable[..., None]) -> None:
    """After an error the caller may use it at once."""

    class Slow(io.BytesIO):
        is_read = False

        def read(self, size: int | None = -1, /) -> bytes:
            self.is_read = True
            time.sleep(0.5 * (self.tell() > 6 * MIB))
            try:
                return super().read(size)
            finally:
                self.is_read = False

    refuse("UploadPart", 1)
    source = Slow(bytes(40 * MIB))
    with pytest.raises(Exception, match="AccessDenied"):
        s3.upload_fileobj(source, "bucket", "key", Config=PARTS)

    assert not source.is_read
    assert source.tell() < 10 * MIB
