"""Responses through proxies and from old servers: what is whole is taken, however it is framed; what was cut is not."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import urllib3.util.connection

from partway.engine.backend.responses import ObjectFacts, PartReceipt
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import AccessRefused, Transient
from partway.engine.events.upload import PartRetried
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.source.part_reader import PartReader
from partway.engine.source.plan import PartSpec
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

CRC = ChecksumAlgorithm.CRC64NVME

Edge = Callable[[str, bytes, bytes], bytes]


def without(head: bytes, header: bytes) -> bytes:
    """The head without one of its headers."""
    return b"".join(line for line in head.splitlines(True) if not line.lower().startswith(header + b":"))


def chunked(head: bytes, body: bytes) -> bytes:
    head = without(head, b"content-length").replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    return head + (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


FRAMINGS: dict[str, Edge] = {
    "no length": lambda operation, head, body: without(head, b"content-length") + body,
    "HTTP/1.0": lambda operation, head, body: without(head, b"content-length").replace(b"/1.1", b"/1.0", 1) + body,
    "chunked": lambda operation, head, body: (
        head if b" 204 " in head or operation == "HeadObject" else chunked(head, body)
    ),
    "line feeds alone": lambda operation, head, body: head.replace(b"\r\n", b"\n") + body,
    "an interim response": lambda operation, head, body: b"HTTP/1.1 102 Processing\r\n\r\n" + head + body,
    "early hints": lambda operation, head, body: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head + body,
    "another status of success": lambda operation, head, body: head.replace(b" 200 OK", b" 201 Created") + body,
    "no phrase": lambda operation, head, body: head.replace(b" 200 OK", b" 200") + body,
}


@pytest.mark.parametrize("edge", FRAMINGS.values(), ids=FRAMINGS)
@pytest.mark.parametrize("size", [PART // 2, 3 * PART], ids=["one part", "several parts"])
def test_a_whole_response_is_taken_however_it_is_framed(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], edge: Edge, size: int
) -> None:
    """The object is there and proven by its checksum, and nothing was sent twice."""
    uploading = Uploading(path=make_file(size), backend=backend, endpoint=backend.endpoint)
    strict.edge = edge

    done = uploading.run()

    assert done.proof == "crc64nvme"
    assert uploading.of(PartRetried) == []
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


@pytest.fixture
def target(backend: S3Backend) -> Target:
    return Target(bucket="bucket", key="key", endpoint=backend.endpoint)


@pytest.fixture
def body(make_file: Callable[..., Path]) -> Iterator[PartReader]:
    """The first part of a file."""
    spec = PartSpec(number=1, offset=0, size=PART)
    with PartReader(str(make_file(PART)), spec, algorithm=CRC, block=PART) as reader:
        yield reader


@pytest.fixture
def calls(strict: StrictS3, backend: S3Backend, target: Target, body: PartReader) -> dict[str, Callable[[], object]]:
    """Calls that succeed, by S3's names."""
    upload = backend.create_upload(target, CRC).upload_id
    part = backend.upload_part(target, upload, body)
    body.rewind()
    backend.put_object(target, body)

    def complete() -> object:
        id = backend.create_upload(target, CRC).upload_id
        body.rewind()
        backend.upload_part(target, id, body)
        return backend.complete_upload(target, id, [part], algorithm=CRC, checksum=body.checksum, size=PART)

    def again(call: Callable[[], object]) -> Callable[[], object]:
        def rewound() -> object:
            body.rewind()
            return call()

        return rewound

    return {
        "CreateMultipartUpload": lambda: backend.create_upload(target, CRC),
        "UploadPart": again(lambda: backend.upload_part(target, upload, body)),
        "ListParts": lambda: backend.list_parts(target, upload, CRC),
        "ListMultipartUploads": lambda: backend.list_uploads(target),
        "CompleteMultipartUpload": complete,
        "AbortMultipartUpload": lambda: backend.abort_upload(target, backend.create_upload(target, CRC).upload_id),
        "PutObject": again(lambda: backend.put_object(target, body)),
        "HeadObject": lambda: backend.head_object(target, CRC),
    }


# fmt: off
OPERATIONS = [
    "CreateMultipartUpload", "UploadPart", "ListParts", "ListMultipartUploads", "CompleteMultipartUpload",
    "AbortMultipartUpload", "PutObject", "HeadObject",
]
# fmt: on


@pytest.mark.parametrize("operation", OPERATIONS)
def test_headers_that_were_cut_are_not_believed(
    strict: StrictS3, calls: dict[str, Callable[[], object]], operation: str
) -> None:
    """Wherever the cut is: no header that happens to be missing changes what the response says."""
    cut, lines = 0, 0

    def edge(framed: bool, whole_lines: bool, of: str, head: bytes, body: bytes) -> bytes:
        nonlocal lines
        head = head if framed else without(head, b"content-length")
        if of != operation:
            return head + body
        lines = head.count(b"\n") - 1
        kept = b"".join(head.splitlines(True)[:cut])
        return kept if whole_lines else kept[: len(kept) - 5]

    for framed, whole_lines in ((True, True), (True, False), (False, True)):
        strict.edge = partial(edge, framed, whole_lines)
        cut = 0
        while cut == 0 or cut < lines:
            cut += 1
            with pytest.raises(Transient):
                calls[operation]()


@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "ListParts", "ListMultipartUploads", "CompleteMultipartUpload"]
)
def test_a_document_that_was_cut_is_not_believed(
    strict: StrictS3, calls: dict[str, Callable[[], object]], operation: str
) -> None:
    """Wherever the cut is, where nothing says how long the document should be."""
    cut, length = -13, 1

    def edge(of: str, head: bytes, body: bytes) -> bytes:
        nonlocal length
        if of != operation:
            return head + body
        length = len(body.rstrip())
        return without(head, b"content-length") + body[:cut]

    strict.edge = edge
    while cut < length - 1:
        cut = min(cut + 13, length - 1)
        with pytest.raises(Transient):
            calls[operation]()


def test_a_refusal_whose_document_was_cut_is_not_believed(
    strict: StrictS3, calls: dict[str, Callable[[], object]]
) -> None:
    """Wherever the cut is: it may be about something else than its status suggests."""
    document = b'<?xml version="1.0"?>\n<Error><Code>ExpiredToken</Code><Message>It has expired.</Message></Error>'
    cut = 5

    def edge(operation: str, head: bytes, body: bytes) -> bytes:
        return b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n" + document[:cut]

    strict.edge = edge
    while cut < len(document) - 1:
        cut = min(cut + 7, len(document) - 1)
        with pytest.raises(Transient):
            calls["ListParts"]()


@pytest.mark.parametrize("status", [403, 404, 412])
def test_a_refusal_that_was_cut_is_none(strict: StrictS3, calls: dict[str, Callable[[], object]], status: int) -> None:
    """A status line alone says nothing: neither that there is no object, nor that there is one."""
    strict.edge = lambda operation, head, body: b"HTTP/1.1 %d No\r\n" % status

    with pytest.raises(Transient, match="broke during HeadObject"):
        calls["HeadObject"]()


def test_a_part_whose_response_lacks_the_etag_is_looked_up(
    strict: StrictS3, calls: dict[str, Callable[[], object]], body: PartReader
) -> None:
    """Complete needs it, and ListParts has it."""
    known = calls["UploadPart"]()
    strict.edge = lambda operation, head, body: without(head, b"etag") + body

    found = calls["UploadPart"]()

    assert isinstance(known, PartReceipt)
    assert found == known


def test_an_object_whose_response_lacks_the_etag_is_looked_at(
    strict: StrictS3, calls: dict[str, Callable[[], object]]
) -> None:
    """HEAD has it; what it says of another object is not taken."""
    known = calls["PutObject"]()
    strict.edge = lambda operation, head, body: (without(head, b"etag") if operation == "PutObject" else head) + body

    found = calls["PutObject"]()

    assert isinstance(known, ObjectFacts)
    assert isinstance(found, ObjectFacts)
    assert (found.etag, found.checksum) == (known.etag, known.checksum)


@pytest.mark.parametrize("operation", ["UploadPart", "PutObject"])
def test_what_was_there_before_is_not_taken_for_what_was_sent(
    strict: StrictS3, calls: dict[str, Callable[[], object]], make_file: Callable[..., Path], operation: str
) -> None:
    """A web page with status 200 has no ETag either, and came instead of S3's answer."""
    strict.model.put_object("bucket", "key", bytes(PART))
    make_file(PART, seed=2)
    page = Answer(status=200, body=b"<html>Please sign in.</html>")
    strict.faults.add(Fault(operation=operation, stage=Stage.AFTER_BODY, action=page))

    with pytest.raises(Transient, match=f"{operation} was answered with a web page"):
        calls[operation]()


@pytest.mark.parametrize("size", [0, 1, PART])
def test_an_object_whose_head_lacks_the_size_is_asked_for_its_first_byte(
    strict: StrictS3, backend: S3Backend, target: Target, size: int
) -> None:
    """The answer to that names the whole size."""
    strict.model.put_object("bucket", "key", bytes(size))
    known = backend.head_object(target, CRC)
    strict.edge = lambda operation, head, body: (
        (without(head, b"content-length") if operation == "HeadObject" else head) + body
    )

    found = backend.head_object(target, CRC)

    assert (found, found.size) == (known, size)


@contextmanager
def server(*answers: bytes, pause: float = 0.0, at_once: int = 1) -> Iterator[S3Backend]:
    """A backend whose server says these to one connection each, byte by byte with a pause when there is one.

    at_once: How many bytes come at once before that.
    """

    def talk() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    first = at_once if pause else len(answer)
                    connection.sendall(answer[:first])
                    for byte in answer[first:]:
                        time.sleep(pause)
                        connection.sendall(bytes([byte]))
                except OSError:
                    pass

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = S3Config(endpoint_url=url, region="us-east-1", answer_timeout=0.1 if pause else 30.0)
    try:
        with closing(S3Backend(config)) as backend:
            yield backend
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize(
    ("timeout", "lost", "attempts"),
    [(30.0, 0, [5.0]), (30.0, 1, [5.0, 10.0]), (30.0, 9, [5.0, 10.0, 15.0]), (12.0, 9, [5.0, 7.0]), (3.0, 9, [3.0])],
)
def test_what_gets_no_answer_is_tried_anew(
    strict: StrictS3, monkeypatch: pytest.MonkeyPatch, timeout: float, lost: int, attempts: list[float]
) -> None:
    """The kernel alone waits longer each time; all attempts together take the time-out, which the socket then has."""
    connect = urllib3.util.connection.create_connection
    seen: list[float] = []

    def lossy(address: Any, timeout: float, **rest: Any) -> socket.socket:
        seen.append(timeout)
        if len(seen) <= lost:
            raise TimeoutError
        return connect(address, timeout, **rest)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", lossy)
    with closing(S3Backend(S3Config(endpoint_url=strict.url, send_timeout=timeout))) as backend:
        call = partial(backend.list_uploads, Target(bucket="bucket", key="key"))
        if lost < len(attempts):
            assert call() == []
        else:
            with pytest.raises(Transient, match="no response in time") as caught:
                call()
            assert caught.value.unreachable

    assert seen == attempts


@pytest.mark.parametrize("words", [b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 100 Continue\r\nServer: s\r\n", b"HT"])
def test_a_connection_that_ends_within_a_100_is_broken(strict: StrictS3, body: PartReader, words: bytes) -> None:
    """botocore reads on for ever, and takes a whole core for it."""
    with server(words) as backend, pytest.raises(Transient, match="broke during UploadPart"):
        backend.upload_part(Target(bucket="bucket", key="key"), "U", body)


def test_an_interim_response_may_come_before_the_100(strict: StrictS3, body: PartReader) -> None:
    """The body is sent after the 100, and the final response is taken."""
    words = b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    answer = b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n'
    with server(words + answer) as backend:
        assert backend.upload_part(Target(bucket="bucket", key="key"), "U", body).etag == "e"


def test_headers_that_were_cut_after_a_100_are_not_believed(strict: StrictS3) -> None:
    """The empty line is that of the 100."""
    answer = b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 7\r\n'
    with server(answer) as backend, pytest.raises(Transient, match="broke during HeadObject"):
        backend.head_object(Target(bucket="bucket", key="key"), CRC)


def test_a_refusal_without_a_phrase_is_understood(strict: StrictS3, body: PartReader) -> None:
    """It comes instead of a 100, as from proxies that speak HTTP/2 behind."""
    refusal = b"<Error><Code>AccessDenied</Code></Error>"
    answer = b"HTTP/1.1 403\r\nContent-Length: %d\r\n\r\n%s" % (len(refusal), refusal)
    with server(answer) as backend, pytest.raises(AccessRefused, match="AccessDenied"):
        backend.upload_part(Target(bucket="bucket", key="key"), "U", body)


@pytest.mark.parametrize(
    ("head", "at_once"),
    [
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400, 1),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 400, 1),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 400, 19),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b" " * 400, 40),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n190\r\n" + b" " * 400, 52),
    ],
    ids=["headers", "all", "body", "body of a length", "chunk"],
)
def test_a_response_that_trickles_has_a_deadline(strict: StrictS3, head: bytes, at_once: int) -> None:
    """Each byte comes in time, and the whole does not."""
    with server(head, pause=0.01, at_once=at_once) as backend, pytest.raises(Transient) as caught:
        backend.list_parts(Target(bucket="bucket", key="key"), "U", CRC)

    assert caught.value.timed_out
