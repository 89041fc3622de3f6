"""How much of an answer is taken, and what an endpoint of the other scheme is told to be."""

import re
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import exit_code
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import PartwayError, Refused, Transient, UploadFailed
from partway.engine.events.upload import PartRetried
from partway.engine.responses.limit import MAX_RESPONSE_BYTES
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

CRC = ChecksumAlgorithm.CRC64NVME
ROW = b"<Part><PartNumber>1</PartNumber><Size>7</Size><ETag>e</ETag></Part>"


def listing(size: int) -> Answer:
    """A ListParts answer of so many bytes, with one part."""
    head, tail = b"<ListPartsResult>" + ROW, b"</ListPartsResult>"
    return Answer(status=200, body=head + b" " * (size - len(head) - len(tail)) + tail)


def answer_with(strict: StrictS3, operation: str, answer: Answer) -> None:
    strict.faults.add(Fault(operation=operation, stage=Stage.AFTER_BODY, action=answer, times=None))


@contextmanager
def talker(words: bytes, *, endless: bool = False) -> Iterator[int]:
    """The port of a server that says the same to everybody, once or as long as somebody listens."""

    def talk() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(words)
                    while endless:
                        connection.sendall(b"<a/>" * 65536)
                except OSError:
                    pass

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_an_answer_of_the_longest_size_is_read(strict: StrictS3, backend: S3Backend) -> None:
    """The bound is no byte too low."""
    answer_with(strict, "ListParts", listing(MAX_RESPONSE_BYTES))
    target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)

    rows = backend.list_parts(target, "U", CRC)

    assert [row.number for row in rows or ()] == [1]


def test_a_longer_answer_is_none_of_s3s(strict: StrictS3, backend: S3Backend) -> None:
    """One byte more, and nothing of it is believed."""
    answer_with(strict, "ListMultipartUploads", listing(MAX_RESPONSE_BYTES + 1))
    target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)

    with pytest.raises(Transient, match="the response to ListMultipartUploads has more than 8 MiB") as caught:
        backend.list_uploads(target)

    assert (caught.value.code, caught.value.once) == ("AnswerTooLong", True)


@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_an_upload_ends_resumable(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], operation: str, status: int
) -> None:
    """Whatever the call and the status, it is asked once more, and the upload goes on when the server is right."""
    uploading = Uploading(path=make_file(2 * PART), backend=backend, endpoint=backend.endpoint)
    answer_with(strict, operation, Answer(status=status, body=b"x" * (MAX_RESPONSE_BYTES + 1)))
    with pytest.raises((Transient, UploadFailed), match="more than 8 MiB") as caught:
        uploading.run(concurrency=1)
    strict.faults.clear()
    done = uploading.run()

    assert exit_code(caught.value) == 75
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.proof == "crc64nvme"


def test_an_answer_without_end_takes_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken of it, a copy, and room to grow."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with talker(b"HTTP/1.1 200 OK\r\n\r\n<ListPartsResult>", endless=True) as port:
        url = f"http://127.0.0.1:{port}"
        target = Target(bucket="bucket", key="key", endpoint=url)
        with closing(S3Backend(S3Config(endpoint_url=url, region="us-east-1"))) as backend:
            assert backend.endpoint == url
            tracemalloc.start()
            try:
                with pytest.raises(Transient, match="more than 8 MiB"):
                    backend.list_uploads(target)
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

    assert most < 8 * MAX_RESPONSE_BYTES


ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
GO = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
NGINX = b"HTTP/1.1 400 Bad Request\r\n\r\n<html>The plain HTTP request was sent to HTTPS port</html>"
PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("scheme", "words", "sentence"),
    [
        ("https", PLAIN, "does not speak TLS; use http:// in --endpoint-url"),
        ("http", ALERT, "speaks TLS; use https:// in --endpoint-url"),
        ("http", GO, "speaks TLS; use https:// in --endpoint-url"),
        ("http", NGINX, "speaks TLS; use https:// in --endpoint-url"),
    ],
    ids=["plain http", "a TLS alert", "Go and MinIO", "nginx"],
)
def test_the_other_scheme_is_told_at_once(
    strict: StrictS3, make_file: Callable[..., Path], scheme: str, words: bytes, sentence: str
) -> None:
    """It is a mistake in the address, which no try mends."""
    with talker(words) as port:
        url = f"{scheme}://127.0.0.1:{port}"
        with closing(S3Backend(S3Config(endpoint_url=url, region=strict.region))) as backend:
            uploading = Uploading(path=make_file(2 * PART), backend=backend, endpoint=url)
            with pytest.raises(PartwayError, match=re.escape(f"the endpoint {url} {sentence}")) as caught:
                uploading.run()

    assert isinstance(caught.value, Refused)
    assert exit_code(caught.value) == 1
    assert uploading.of(PartRetried) == []
