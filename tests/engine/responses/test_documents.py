"""Documents as some services and proxies write them, and documents and lists without measure."""

import gzip
import re
import tracemalloc
from collections.abc import Callable
from xml.parsers import expat

import pytest

from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import Refused, Transient, UploadFailed
from partway.engine.events.upload import PartRetried
from partway.engine.responses.pages import Pages
from partway.engine.responses.xml import is_web_page, plain
from partway.engine.s3.backend import S3Backend
from partway.engine.s3.bucket import S3Uploads
from tests.support.engine.upload_case import Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

CRC = ChecksumAlgorithm.CRC64NVME

Change = Callable[[bytes, bytes], bytes]
"""What is made of the head and the body of every answer that has a document."""


def framed(head: bytes, body: bytes, *headers: bytes) -> bytes:
    """Another body under the same head."""
    head = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), head)
    return head.replace(b"\r\n\r\n", b"".join(b"\r\n%s" % header for header in headers) + b"\r\n\r\n") + body


def capitals(text: bytes) -> bytes:
    """With ETags in capitals."""
    return re.sub(rb"[0-9a-f]{32}", lambda etag: etag[0].upper(), text)


def with_empty(body: bytes) -> bytes:
    """With elements that say nothing, in each of the ways to write one."""
    for root in (b"ListPartsResult", b"ListMultipartUploadsResult", b"CompleteMultipartUploadResult"):
        body = body.replace(
            b"</%s>" % root,
            b"<NextPartNumberMarker/><MaxParts></MaxParts><MaxUploads />\n<ChecksumCRC32> </ChecksumCRC32></%s>" % root,
        )
    return re.sub(rb"<NextPartNumberMarker>\d+<", b"<NextPartNumberMarker><", body)


def in_namespace(body: bytes) -> bytes:
    """With a prefix before every tag."""
    body = re.sub(rb" xmlns=\"[^\"]*\"", b"", body)
    body = re.sub(rb"<(/?)(?=[A-Z])", rb"<\1s:", body)
    return re.sub(rb"<s:(\w+)", rb'<s:\1 xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/"', body, count=1)


CHANGES: dict[str, Change] = {
    "gzip": lambda head, body: framed(head, gzip.compress(body), b"Content-Encoding: gzip"),
    "white space first": lambda head, body: framed(head, b"\n \r\n" + body),
    "a byte order mark": lambda head, body: framed(head, b"\xef\xbb\xbf" + body),
    "empty elements": lambda head, body: framed(head, with_empty(body)),
    "a prefix": lambda head, body: framed(head, in_namespace(body)),
    "no sizes": lambda head, body: framed(head, re.sub(rb"<Size>\d+</Size>", b"", body)),
    "empty sizes": lambda head, body: framed(head, re.sub(rb"<Size>\d+</Size>", b"<Size/>", body)),
    "ETags in capitals": lambda head, body: framed(head, capitals(body)),
    "weak ETags": lambda head, body: framed(head, body.replace(b"<ETag>", b"<ETag>W/")),
}


def edge(name: str) -> Callable[[str, bytes, bytes], bytes]:
    """The change, for all answers."""

    def change(operation: str, head: bytes, body: bytes) -> bytes:
        if name == "weak ETags":
            head = head.replace(b'ETag: "', b'ETag: W/"')
        elif name == "ETags in capitals" and operation == "HeadObject":
            head = capitals(head)
        return CHANGES[name](head, body) if b"?>" in body and operation != "HeadObject" else head + body

    return change


@pytest.mark.parametrize("checksums", [True, False], ids=["checksums", "MD5 only"])
@pytest.mark.parametrize("name", CHANGES)
def test_an_upload_resumes_through_it(strict: StrictS3, uploading: Uploading, name: str, checksums: bool) -> None:
    """Nothing is sent twice, no call is tried again, and the object is proven."""
    strict.model.quirks = Quirks(no_checksums=not checksums)
    strict.edge = edge(name)
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=4, action=access_denied(), times=None)
    )
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    strict.faults.clear()
    sent = strict.model.stored_parts(strict.model.open_uploads[0].upload_id)
    before = strict.counts["UploadPart"]

    done = uploading.run()

    assert strict.counts["UploadPart"] - before == 6 - len(sent)
    assert done.proof == ("crc64nvme" if checksums else "etag")
    assert uploading.of(PartRetried) == []
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


# Complete names the ETags of the list, and the strict S3 knows only its own.
@pytest.mark.parametrize("name", [name for name in CHANGES if name != "ETags in capitals"])
def test_parts_that_only_s3_remembers_are_kept(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """A crash lost the receipt of the last part; the file's bytes confirm what the list shows."""
    strict.edge = edge(name)
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=4, action=access_denied(), times=None)
    )
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    strict.faults.clear()
    (record,) = uploading.store.uploads()
    uploading.store.replace_parts(record.id, ())
    before = strict.counts["UploadPart"]

    uploading.run()

    assert strict.counts["UploadPart"] - before == 3


def test_gzip_that_was_cut_is_noticed() -> None:
    """Wherever: its end has the length and a checksum."""
    whole = gzip.compress(b"<ListPartsResult></ListPartsResult>" * 50)

    for length in range(2, len(whole)):
        with pytest.raises(EOFError):
            plain(whole[:length], "gzip", 10_000)
    assert plain(whole, "gzip", 10_000) == b"<ListPartsResult></ListPartsResult>" * 50


def test_gzip_is_unpacked_up_to_a_limit() -> None:
    """A few bytes may stand for any number."""
    bomb = gzip.compress(bytes(10_000_000))

    assert len(plain(bomb, "gzip", 1000)) == 1001


def test_a_row_of_comments_is_read_once() -> None:
    """Whether a document is a web page is decided in one pass, however many comments it begins with."""
    comments = b"<?xml version='1.0'?>" + b"<!-- -->\n" * 10_000

    assert not is_web_page(comments + b"<ListPartsResult>")
    assert is_web_page(comments + b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "document"),
    [
        ("more than 400,000 tags", b"<a>" * 250_000 + b"</a>" * 250_000),
        ("more than 400,000 tags", b"<a>" + b"<b/>" * 1_000_000 + b"</a>"),
        ("its own entities", b'<!DOCTYPE a [<!ENTITY x "%s">]><a>&x;</a>' % (b"x" * 1000)),
    ],
    ids=["deep", "wide", "entities"],
)
def test_a_document_without_measure_is_not_parsed(
    strict: StrictS3, backend: S3Backend, words: str, document: bytes
) -> None:
    """A few MiB of tags become 600 MiB of memory, and entities any number."""
    answer = Answer(status=200, body=b'<?xml version="1.0"?>' + document)
    strict.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_BODY, action=answer))
    target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)
    tracemalloc.start()
    try:
        with pytest.raises(Transient, match=words) as caught:
            backend.list_uploads(target)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert caught.value.code == "AnswerTooLong"
    assert most < 10 * len(document) + 5_000_000


def endless(operation: str) -> Callable[[str, bytes, bytes], bytes]:
    """Every page has a new row and a marker that was invented for it."""
    count = 0

    def page(of: str, head: bytes, body: bytes) -> bytes:
        nonlocal count
        if of != operation:
            return head + body
        count += 1
        parts = b"".join(
            b"<Part><PartNumber>%d</PartNumber><Size>9</Size><ETag>e</ETag></Part>" % (count * 20_000 + number)
            for number in range(20_000 if of == "ListParts" else 0)
        )
        upload = b"<Upload><Key>key</Key><UploadId>%d</UploadId><Initiated>2026-01-02T03:04:05Z</Initiated></Upload>"
        return framed(
            head,
            b"<Result><IsTruncated>true</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>" % count
            + b"<NextKeyMarker>key</NextKeyMarker><NextUploadIdMarker>%d</NextUploadIdMarker>" % count
            + parts
            + upload % count
            + b"</Result>",
        )

    return page


@pytest.mark.parametrize("call", ["list_parts", "stored_parts", "bucket_uploads"])
def test_a_list_without_end_is_given_up(strict: StrictS3, backend: S3Backend, call: str) -> None:
    """However new each page looks."""
    target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)
    uploads = S3Uploads(backend.config, max_pages=20)
    id = strict.model.create_multipart_upload("bucket", "key").upload_id
    calls: dict[str, Callable[[], object]] = {
        "list_parts": lambda: backend.list_parts(target, id, CRC),
        "stored_parts": lambda: uploads.stored_parts(target, id),
        "bucket_uploads": lambda: uploads.bucket_uploads("bucket", ""),
    }
    strict.edge = endless("ListMultipartUploads" if call == "bucket_uploads" else "ListParts")

    with pytest.raises(Refused, match="does not end: ") as caught:
        calls[call]()

    assert caught.value.code == "EndlessList"


def test_part_sizes_without_end_are_none(strict: StrictS3, backend: S3Backend) -> None:
    """The parts can be asked for one by one instead."""
    strict.model.put_object("bucket", "key", b"x")
    asked = 0

    def page(operation: str, head: bytes, body: bytes) -> bytes:
        nonlocal asked
        asked += 1
        rows = b"<Part><PartNumber>1</PartNumber><Size>9</Size></Part>" * 20_000
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n\r\n" + (
            b"<GetObjectAttributesOutput><ObjectParts><IsTruncated>true</IsTruncated>"
            b"<NextPartNumberMarker>%d</NextPartNumberMarker>%s</ObjectParts></GetObjectAttributesOutput>"
        ) % (asked, rows)

    strict.edge = page

    assert backend.part_sizes(Target(bucket="bucket", key="key", endpoint=backend.endpoint)) is None
    assert asked == 6


def test_a_look_for_forgotten_uploads_is_given_up_without_harm(strict: StrictS3, uploading: Uploading) -> None:
    """An upload does not need it."""
    strict.edge = endless("ListMultipartUploads")

    assert uploading.run().proof == "crc64nvme"
    assert strict.counts["ListMultipartUploads"] == 100


@pytest.mark.parametrize(
    ("page", "follows"),
    [
        ({}, True),
        ({"truncated": False}, False),
        ({"new_rows": 0}, False),
        ({"marker": 0}, False),
        ({"marker": 7}, False),
    ],
)
def test_only_news_lead_on(page: dict[str, int], follows: bool) -> None:
    """A marker that was there before, a page without a new row and one without a marker are the last."""
    pages = Pages("ListParts", max_pages=10, max_rows=10)
    pages.has_next(truncated=True, rows=1, new_rows=1, marker=7)

    assert pages.has_next(**({"truncated": True, "rows": 1, "new_rows": 1, "marker": 8} | page)) is follows  # type: ignore[arg-type]


def test_the_longest_list_is_read() -> None:
    """The bounds are not one too low."""
    pages = Pages("ListParts", max_pages=3, max_rows=3)

    for marker in (1, 2):
        assert pages.has_next(truncated=True, rows=1, new_rows=1, marker=marker)
    assert not pages.has_next(truncated=False, rows=1, new_rows=1, marker=3)
    with pytest.raises(Refused):
        pages.has_next(truncated=True, rows=0, new_rows=1, marker=4)


def is_xml(document: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(document, True)
    except expat.ExpatError:
        return False
    return True


def references(code: int) -> list[bytes]:
    """A character by its number, in the ways that are written, and as itself where UTF-8 has it."""
    forms = [b"&#%d;" % code, b"&#x%x;" % code, b"&#x%X;" % code, b"&#x00%x;" % code, b"&#0%d;" % code]
    return [*forms, chr(code).encode("utf-8", "surrogatepass")] if code not in (0x26, 0x3C) else forms


@pytest.mark.parametrize(
    "codes",
    [range(0x100), range(0xD7F0, 0xD810), range(0xDFF0, 0xE010), range(0xFFF0, 0x10010), range(0xD800, 0xE000, 97)],
    ids=str,
)
def test_only_characters_that_xml_lacks_are_replaced(codes: range) -> None:
    """Every document can be read afterwards, and one that could be read before is as it was."""
    for code in codes:
        for written in references(code):
            document = b"<Key>a%sb</Key>" % written
            readable = is_xml(document)
            if not readable and 0xD800 <= code < 0xE000 and not written.startswith(b"&"):
                continue  # no UTF-8 at all
            assert plain(document, "", 10_000) == (document if readable else b"<Key>a?b</Key>"), written


def test_a_key_with_control_characters_is_uploaded_like_any_other(strict: StrictS3, uploading: Uploading) -> None:
    """S3 repeats the key in its answers, which are no XML then: nothing is asked twice, nothing stays behind."""
    uploading.key = "a\x01b\x0bc"
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, part_number=4, action=access_denied(), times=1)
    )
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)

    done = uploading.run()

    assert strict.model.get_object("bucket", uploading.key).body == uploading.path.read_bytes()
    assert (done.proof, done.retries, strict.counts["CreateMultipartUpload"]) == ("crc64nvme", 0, 1)
    assert not uploading.of(PartRetried)
