"""What can be uploaded: paths, bytes, files, and anything with read()."""

import gzip
import io
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from partway import Client
from partway.errors import OptionError, SourceError
from partway.events import Event, UploadStarted
from tests.support.engine.upload_case import PART
from tests.support.s3_server.server import StrictS3

DATA = Random(7).randbytes(3 * PART + 10)


class Unseekable:
    """Has read(), and nothing else; gives few bytes at a time."""

    def __init__(self, data: bytes, step: int = 10_000) -> None:
        self._file, self._step = io.BytesIO(data), step

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._step))


class Broken(Unseekable):
    """Fails at its end."""

    def read(self, size: int, /) -> bytes:
        if block := super().read(size):
            return block
        raise ConnectionError("the line is cut")


def body(strict: StrictS3, key: str = "key") -> bytes:
    """What the object has."""
    return strict.model.get_object("bucket", key).body


@pytest.mark.parametrize("kind", [str, Path, os.fsencode], ids=["str", "Path", "fsdecoded"])
def test_a_path(client: Client, strict: StrictS3, tmp_path: Path, kind: Callable[[Path], object]) -> None:
    """A str or a Path names a file; bytes are never a path but the content itself."""
    path = tmp_path / "name.txt"
    path.write_bytes(DATA)

    result = client.upload(kind(path), "s3://bucket/key")  # type: ignore[call-overload]

    assert result.total_bytes == len(body(strict))
    assert body(strict) == (os.fsencode(path) if kind is os.fsencode else DATA)


def test_a_destination_with_a_slash_gets_the_name(client: Client, strict: StrictS3, tmp_path: Path) -> None:
    """As of the command."""
    (tmp_path / "name.txt").write_bytes(b"x")

    assert client.upload(tmp_path / "name.txt", "s3://bucket/below/").url == "s3://bucket/below/name.txt"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO, Unseekable])
@pytest.mark.parametrize("size", [0, 10, len(DATA)])
def test_bytes_and_file_objects(client: Client, strict: StrictS3, kind: Callable[[bytes], object], size: int) -> None:
    """Whatever their size, also none."""
    data = DATA[:size]

    result = client.upload(kind(data), "s3://bucket/key", allow_empty=True)  # type: ignore[call-overload]

    assert (result.total_bytes, body(strict)) == (size, data)


def test_a_memoryview_of_numbers_is_its_bytes(client: Client, strict: StrictS3) -> None:
    """As bytes(view) has them."""
    view = memoryview(bytes(800)).cast("d")

    assert client.upload(view, "s3://bucket/key").total_bytes == 800


def test_a_file_object_is_read_from_its_position(client: Client, strict: StrictS3) -> None:
    """What was read before is not uploaded, and what is uploaded was read."""
    source = io.BytesIO(DATA)
    source.seek(PART)

    client.upload(source, "s3://bucket/key")

    assert body(strict) == DATA[PART:]
    assert source.read() == b""


@pytest.mark.parametrize("position", [0, 5])
@pytest.mark.parametrize("mode", ["rb", "r+b"])
def test_an_opened_file(client: Client, strict: StrictS3, tmp_path: Path, mode: str, position: int) -> None:
    """From its position; afterwards it is at its end, as after reading it."""
    (tmp_path / "file").write_bytes(DATA)
    with (tmp_path / "file").open(mode) as source:
        source.seek(position)
        client.upload(source, "s3://bucket/key")

        assert body(strict) == DATA[position:]
        assert source.tell() == len(DATA)


def test_an_opened_file_is_read_by_its_path(client: Client, events: list[Event], tmp_path: Path) -> None:
    """In parallel and without a copy, where the object is the whole file."""
    (tmp_path / "file").write_bytes(DATA)
    with (tmp_path / "file").open("rb") as source:
        client.upload(source, "s3://bucket/key")

    (started,) = [event for event in events if isinstance(event, UploadStarted)]
    assert started.source == str(tmp_path / "file")


def test_what_was_written_is_flushed(client: Client, strict: StrictS3, tmp_path: Path) -> None:
    """Bytes that are still in the file object's buffer are uploaded too."""
    with (tmp_path / "file").open("w+b") as source:
        source.write(b"written")
        source.seek(0)
        client.upload(source, "s3://bucket/key")

    assert body(strict) == b"written"


def test_a_file_without_a_name(client: Client, strict: StrictS3) -> None:
    """As of tempfile."""
    with tempfile.TemporaryFile() as source:
        source.write(DATA)
        source.seek(0)
        client.upload(source, "s3://bucket/key")

    assert body(strict) == DATA


def test_a_gzip_file_gives_what_it_reads(client: Client, strict: StrictS3, tmp_path: Path) -> None:
    """It has the fileno() of the compressed file, whose bytes are not meant."""
    (tmp_path / "file.gz").write_bytes(gzip.compress(DATA))
    with gzip.open(tmp_path / "file.gz") as source:
        client.upload(source, "s3://bucket/key")

    assert body(strict) == DATA


def test_a_programs_output(client: Client, strict: StrictS3) -> None:
    """The stdout of a subprocess."""
    with subprocess.Popen(["printf", "abc"], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        client.upload(program.stdout, "s3://bucket/key")

    assert body(strict) == b"abc"


def test_a_socket(client: Client, strict: StrictS3) -> None:
    """Its makefile()."""
    here, there = socket.socketpair()
    with here, there.makefile("rb") as source:
        here.sendall(b"abc")
        here.shutdown(socket.SHUT_WR)
        client.upload(source, "s3://bucket/key")
    there.close()

    assert body(strict) == b"abc"


def test_a_fifo(client: Client, strict: StrictS3, tmp_path: Path) -> None:
    """Its path is read as a stream."""
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(DATA,))
    writer.start()
    client.upload(tmp_path / "fifo", "s3://bucket/key")
    writer.join()

    assert body(strict) == DATA


def test_a_source_that_fails_makes_no_object(client: Client, strict: StrictS3) -> None:
    """What was read before is not taken for all."""

    with pytest.raises(SourceError, match="ConnectionError: the line is cut") as failure:
        client.upload(Broken(DATA), "s3://bucket/key")

    assert isinstance(failure.value.__cause__, ConnectionError)
    assert strict.counts["CompleteMultipartUpload"] == strict.counts["PutObject"] == 0


def test_a_stream_that_failed_is_resumed(client: Client, strict: StrictS3) -> None:
    """The same bytes again: parts that are there are kept."""

    with pytest.raises(SourceError):
        client.upload(Broken(DATA[: 2 * PART + 1]), "s3://bucket/key")
    result = client.upload(Unseekable(DATA), "s3://bucket/key")

    assert body(strict) == DATA
    assert result.reused_bytes == 2 * PART


def test_bytes_shorter_than_an_earlier_try_are_taken(client: Client, strict: StrictS3) -> None:
    """Their end is known, so it is no sign of a producer that failed."""

    with pytest.raises(SourceError):
        client.upload(Broken(DATA), "s3://bucket/key")

    assert client.upload(DATA[:PART], "s3://bucket/key").total_bytes == PART
    assert body(strict) == DATA[:PART]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (io.StringIO("text"), "opened as text"),
        (3, "int cannot be uploaded"),
        (None, "NoneType cannot be uploaded"),
        ("", "is not a path"),
        ("a\0b", "is not a path"),
    ],
)
def test_what_is_no_source(client: Client, source: object, message: str) -> None:
    """Refused before anything is asked of the service."""
    with pytest.raises(OptionError, match=message):
        client.upload(source, "s3://bucket/key")  # type: ignore[call-overload]


def test_text_is_refused_when_it_comes(client: Client, strict: StrictS3) -> None:
    """From an object that does not say before that it gives text."""

    class Text:
        def read(self, size: int, /) -> str:
            return "text"

    with pytest.raises(OptionError, match="opened as text"):
        client.upload(Text(), "s3://bucket/key")  # type: ignore[call-overload]


def test_a_closed_file(client: Client) -> None:
    """Said as such."""
    source = io.BytesIO(b"x")
    source.close()

    with pytest.raises(SourceError, match="closed file"):
        client.upload(source, "s3://bucket/key")


def test_a_directory_needs_recursive(client: Client, tmp_path: Path) -> None:
    """The message says what to add."""
    with pytest.raises(OptionError, match="recursive=True"):
        client.upload(tmp_path, "s3://bucket/key/")


def test_a_missing_file(client: Client, tmp_path: Path) -> None:
    """A SourceError, as of the command."""
    with pytest.raises(SourceError, match="missing"):
        client.upload(tmp_path / "missing", "s3://bucket/key")
