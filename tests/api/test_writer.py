"""open_writer: a file object that uploads what is written to it."""

import csv
import gc
import gzip
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

import partway
from partway import Client, UploadCancelled, UploadFailed
from partway.errors import AccessRefused
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3

DATA = Random(3).randbytes(3 * PART + 10)
URL = "s3://bucket/key"


def body(strict: StrictS3) -> bytes:
    """What the object has."""
    return strict.model.get_object("bucket", "key").body


def completed(strict: StrictS3) -> int:
    """How often an object was made."""
    return strict.counts["CompleteMultipartUpload"] + strict.counts["PutObject"]


@pytest.mark.parametrize("size", [0, 10, PART, len(DATA)])
def test_what_is_written_is_the_object(client: Client, strict: StrictS3, size: int) -> None:
    """Whatever its size; the facts are in ``result``."""
    with client.open_writer(URL, content_type="text/csv") as out:
        for start in range(0, size, 7000):
            assert out.write(DATA[start : min(size, start + 7000)]) == min(7000, size - start)
        assert (out.tell(), out.result) == (size, None)

    assert body(strict) == DATA[:size]
    assert out.result is not None and (out.result.total_bytes, out.result.proof) == (size, "crc64nvme")
    assert out.closed


def test_it_sends_while_it_is_written(client: Client, strict: StrictS3) -> None:
    """Parts go before the end is known."""
    out = client.open_writer(URL)
    out.write(DATA)
    out.write(DATA)
    while not strict.counts["UploadPart"]:
        pass
    out.close()

    assert body(strict) == DATA + DATA


def test_an_exception_completes_nothing(client: Client, strict: StrictS3) -> None:
    """Half a file is no file; what is there is kept for the next try."""
    with pytest.raises(ZeroDivisionError), client.open_writer(URL) as out:
        out.write(DATA)
        while strict.counts["UploadPart"] < 2:
            pass
        raise ZeroDivisionError

    assert completed(strict) == 0 and out.result is None and out.closed
    (upload,) = client.uploads()
    assert upload.unfinished


def test_the_same_bytes_resume(client: Client, strict: StrictS3) -> None:
    """Parts that are there are compared with what is written, and kept."""
    strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.BEFORE_READ, action=access_denied()))
    with pytest.raises(AccessRefused), client.open_writer(URL) as out:
        out.write(DATA)
    with client.open_writer(URL) as out:
        out.write(DATA)

    assert body(strict) == DATA
    assert out.result is not None and out.result.reused_bytes == len(DATA)


def test_cancel_completes_nothing(client: Client, strict: StrictS3) -> None:
    """And a second one, or a close, does nothing."""
    out = client.open_writer(URL)
    out.write(b"x")
    out.cancel()
    out.cancel()
    out.close()

    assert completed(strict) == 0
    with pytest.raises(ValueError, match="closed writer"):
        out.write(b"x")


def test_a_writer_that_is_forgotten_completes_nothing(client: Client, strict: StrictS3) -> None:
    """A plain file object would be closed by the garbage collector, and half of the data be taken for all."""
    out = client.open_writer(URL)
    out.write(b"x")
    del out
    gc.collect()

    assert completed(strict) == 0


def test_an_upload_that_failed_is_said_to_the_writer(client: Client, strict: StrictS3) -> None:
    """By write(), which would otherwise wait for ever; and nothing is completed."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=access_denied(), times=None))
    with pytest.raises(UploadFailed), client.open_writer(URL) as out:
        for _ in range(200):
            out.write(DATA)

    assert completed(strict) == 0


def test_close_while_an_exception_is_handled(client: Client, strict: StrictS3) -> None:
    """io.TextIOWrapper closes what is below it also when its block fails: that is no end of the data."""
    with (
        pytest.raises(UploadCancelled, match="ZeroDivisionError was being handled") as failure,
        client.open_writer(URL) as out,
        io.TextIOWrapper(out, encoding="utf-8") as text,
    ):
        text.write("half")
        raise ZeroDivisionError

    assert completed(strict) == 0
    assert isinstance(failure.value.__context__, ZeroDivisionError)


def test_a_writer_that_is_opened_while_an_exception_is_handled(client: Client, strict: StrictS3) -> None:
    """It completes: that exception is not one of its block."""
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        with client.open_writer(URL) as out:
            out.write(b"x")

    assert body(strict) == b"x"


def test_without_a_client(strict: StrictS3) -> None:
    """One call."""
    with partway.open_writer(URL, endpoint_url=strict.url, metadata={"a": "b"}) as out:
        out.write(b"abc")

    assert body(strict) == b"abc"


def test_copyfileobj(client: Client, strict: StrictS3) -> None:
    """From any file object."""
    with client.open_writer(URL) as out:
        shutil.copyfileobj(io.BytesIO(DATA), out)

    assert body(strict) == DATA


def test_csv(client: Client, strict: StrictS3) -> None:
    """Through a text wrapper, which closes it."""
    with client.open_writer(URL) as out, io.TextIOWrapper(out, encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([["ä", 1], ["b", 2]])

    assert body(strict).decode() == "ä,1\r\nb,2\r\n"


def test_gzip(client: Client, strict: StrictS3) -> None:
    """Compressed on the way."""
    with client.open_writer(URL) as out, gzip.GzipFile(fileobj=out, mode="wb") as packed:
        packed.write(DATA)

    assert gzip.decompress(body(strict)) == DATA


@pytest.mark.parametrize("mode", ["w|", "w:"])
def test_tarfile(client: Client, strict: StrictS3, make_file: Callable[..., Path], mode: str) -> None:
    """As a stream, and as a file that nobody seeks in."""
    path = make_file(1000)
    with client.open_writer(URL) as out, tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        archive.add(path, "name")

    with tarfile.open(fileobj=io.BytesIO(body(strict))) as archive:
        member = archive.extractfile("name")
        assert member is not None and member.read() == path.read_bytes()


def test_zipfile(client: Client, strict: StrictS3) -> None:
    """It needs no seek()."""
    with client.open_writer(URL) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("name", DATA)

    assert zipfile.ZipFile(io.BytesIO(body(strict))).read("name") == DATA
