"""The rows of ListParts, read as botocore reads them but faster."""

from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.parsers import ResponseParserError, create_parser
from hypothesis import given
from hypothesis import strategies as st

from partway.engine.responses.list_parts_parser import take_rows
from partway.engine.responses.xml import drop_empty

ROW = "<Part><PartNumber>7</PartNumber><ETag>&quot;e&quot;</ETag><Size>5</Size></Part>"
DATED = ROW.replace("<Size>", "<LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>")
END = "<IsTruncated>true</IsTruncated><NextPartNumberMarker>7</NextPartNumberMarker>"


def listing(inner: str) -> bytes:
    """A ListParts document in S3's namespace."""
    return f'<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</ListPartsResult>'.encode()


@cache
def output_shape() -> Any:
    """botocore's description of the answer."""
    return botocore.session.get_session().get_service_model("s3").operation_model("ListParts").output_shape


def read(body: bytes, *, ours: bool, status: int = 200) -> tuple[Any, bool]:
    """What the answer says without dates, or the kind of error; and whether our reader took the rows."""
    answer = {"status_code": status, "headers": {}, "body": body, "context": {}}
    rows: dict[str, Any] = {}
    if ours:
        take_rows(answer, rows)
    drop_empty(answer)
    try:
        parsed = create_parser("rest-xml").parse(answer, output_shape()) | rows
    except (ResponseParserError, ValueError, TypeError, AttributeError) as error:
        return type(error), bool(rows)
    for row in parsed.get("Parts", ()):
        row.pop("LastModified", None)
    return parsed, bool(rows)


GOOD = {
    "one row": listing(DATED + END),
    "two rows": listing(DATED + DATED.replace("7", "8") + END),
    "facts between the rows": listing(ROW + END + ROW),
    "no namespace": b"<ListPartsResult>" + ROW.encode() + b"</ListPartsResult>",
    "a prefix": b'<s:ListPartsResult xmlns:s="urn:x"><s:Part><s:Size>3</s:Size></s:Part></s:ListPartsResult>',
    "a checksum": listing("<Part><PartNumber>1</PartNumber><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></Part>"),
    "an empty field": listing("<Part><PartNumber>1</PartNumber><ETag/></Part>"),
    "spaces and a comment": listing(f"\n <!-- <Part> -->\n <Part>\n <Size> 5 </Size>\n</Part>\n{END}"),
    "a row in a row": listing(f"<Part>{ROW}</Part>"),
    "an empty number": listing("<Part><PartNumber>1</PartNumber><Size/></Part>" + ROW),
    "a field that nobody knows": listing("<Part><PartNumber>1</PartNumber><Colour>red</Colour></Part>"),
    "not ASCII": listing("<Part><ETag>é</ETag></Part><Bucket>ü</Bucket>"),
    "a declared encoding that is not so": b'<?xml version="1.0" encoding="latin-1"?>' + listing(ROW + "<Key>é</Key>"),
}
LEFT_TO_BOTOCORE = {
    "no rows": listing(END),
    "a web page": b"<html><body>Part</body></html>",
    "an error": b"<Error><Code>SlowDown</Code></Error>",
    "rows one level deeper": listing(f"<Parts>{ROW}</Parts>"),
    "no XML": b"404",
    "nothing": b"",
    "cut off": listing(DATED + ROW)[:-40],
    "a number that is none": listing("<Part><PartNumber>x</PartNumber></Part>"),
    "a field twice": listing("<Part><PartNumber>1</PartNumber><PartNumber>2</PartNumber></Part>"),
    "nested without end": listing(ROW + "<a>" * 3000 + "</a>" * 3000),
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_rows_are_read_as_botocore_reads_them(body: bytes) -> None:
    """The whole answer says the same, whoever read the rows."""
    found, was_ours = read(body, ours=True)

    assert found == read(body, ours=False)[0]
    assert was_ours


@pytest.mark.parametrize("body", LEFT_TO_BOTOCORE.values(), ids=LEFT_TO_BOTOCORE)
def test_what_is_odd_is_left_to_botocore(body: bytes) -> None:
    """The answer, or its error, is botocore's."""
    found, was_ours = read(body, ours=True)

    assert found == read(body, ours=False)[0]
    assert not was_ours


def test_a_refusal_is_left_to_botocore() -> None:
    """A document that came with an error's status is not taken for a list."""
    assert not read(listing(ROW), ours=True, status=500)[1]


TAGS = ["<Part>", "</Part>", "<PartNumber>", "</PartNumber>", "<Size>", "</Size>", "<!---->", "<x/>"]


@given(st.lists(st.sampled_from([ROW, DATED, END, *TAGS, "&amp;", "1", "é"]), max_size=8).map("".join))
def test_any_document_says_the_same(inner: str) -> None:
    """Whatever comes, our reader and botocore's agree."""
    body = listing(inner)

    assert read(body, ours=True)[0] == read(body, ours=False)[0]
