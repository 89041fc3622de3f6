"""Answers that no S3 should give, for hypothesis: any status, odd headers, S3's tags in any order."""

from xml.sax.saxutils import escape

from hypothesis import strategies as st

from tests.support.s3_faults.faults import Answer

_STATUSES = "101 200 201 204 206 226 299 301 302 304 307 400 401 403 404 405 408 409 411 412 416 418 429 451 499"
_STATUSES += " 500 501 502 503 504 505 509 520 599 600 999"
STATUSES = [int(status) for status in _STATUSES.split()]
NUMBERS = ["0", "1", "-1", "3", "007", "1.5", "1e400", "NaN", "99999999999999999999", "\u0663", "0x10", " 1 "]
TIMES = [
    "Mon, 02 Jan 2006 15:04:05 GMT",
    "Mon, 02 Jan 2006 15:04:05 -0000",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Sat, 01 Jan 0001 00:00:00 +1400",
    "2026-01-02T03:04:05.000Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    "99999-01-01T00:00:00Z",
    "yesterday",
]
_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
WORDS = ["", " ", "true", "TRUE", "key", "U", '"etag"', '"', _ETAG, "AAAAAAAAAAA=", "%zz%00"]
# fmt: off
CODES = [
    "NoSuchUpload", "InternalError", "SlowDown", "RequestTimeTooSkewed", "ExpiredToken", "BadDigest",
    "InvalidPart", "NotImplemented", "PreconditionFailed", "ConditionalRequestConflict", "InvalidRequest",
    "PermanentRedirect", "403",
]
# fmt: on
ALGORITHMS = ["CRC64NVME", "CRC32", "crc64nvme", "MD5", "FULL_OBJECT"]
TEXTS = st.sampled_from(NUMBERS + TIMES + WORDS + CODES + ALGORITHMS) | st.text(max_size=8)
# fmt: off
ROOTS = [
    "Error", "InitiateMultipartUploadResult", "ListPartsResult", "ListMultipartUploadsResult",
    "CompleteMultipartUploadResult", "html",
]
TAGS = [
    "Part", "PartNumber", "ETag", "Size", "ChecksumCRC64NVME", "ChecksumAlgorithm", "ChecksumType",
    "LastModified", "IsTruncated", "NextPartNumberMarker", "PartNumberMarker", "MaxParts", "Upload", "UploadId",
    "Key", "Initiated", "NextKeyMarker", "NextUploadIdMarker", "EncodingType", "Owner", "ID", "Location",
    "Bucket", "AbortDate", "Code", "Message", "Region", "RequestId", "HostId", "Error", "Errors",
]
# fmt: on
HEADERS = {
    "ETag": TEXTS,
    "Content-Length": st.sampled_from(("0", "-1", "abc", "1", "1.5", "")),
    "Content-Type": st.sampled_from(("application/xml", "text/html", "", "application/json", "text/plain; charset=x")),
    "Content-Encoding": st.sampled_from(("gzip", "deflate", "br", "aws-chunked", "x")),
    "Transfer-Encoding": st.sampled_from(("chunked", "identity")),
    "Date": st.sampled_from(TIMES),
    "Last-Modified": st.sampled_from(TIMES + NUMBERS),
    "Location": st.sampled_from(("http://127.0.0.1:1/", "/", "s3://x", "")),
    "Retry-After": st.sampled_from(NUMBERS),
    "x-amz-abort-date": st.sampled_from(TIMES + NUMBERS),
    "x-amz-checksum-crc64nvme": TEXTS,
    "x-amz-checksum-algorithm": TEXTS,
    "x-amz-checksum-type": TEXTS,
    "x-amz-bucket-region": TEXTS,
    "x-amz-request-id": TEXTS,
    "x-amz-mp-parts-count": TEXTS,
    "x-amz-meta-a": TEXTS,
    "x-amz-missing-meta": st.sampled_from(NUMBERS),
    "x-amz-server-side-encryption": TEXTS,
}


def _element(tag: str, content: str) -> str:
    return f"<{tag}>{content}</{tag}>"


_LEAVES = st.builds(_element, st.sampled_from(TAGS), TEXTS.map(escape))
_CHILDREN = st.recursive(
    _LEAVES,
    lambda inner: st.builds(_element, st.sampled_from(TAGS), st.lists(inner, max_size=5).map("".join)),
    max_leaves=12,
)
DOCUMENTS = st.builds(_element, st.sampled_from(ROOTS), st.lists(_CHILDREN, max_size=6).map("".join)).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
BODIES = (
    DOCUMENTS
    | DOCUMENTS.map(lambda body: b'<?xml version="1.0" encoding="UTF-8"?>\n' + body)
    | DOCUMENTS.map(lambda body: body[: len(body) // 2])
    | st.sampled_from((b"", b"<html><body>502</body></html>", b"{}", b"<", b"OK", b"\0" * 100))
    | st.binary(max_size=60)
)


def _in_one_line(headers: dict[str, str]) -> dict[str, str]:
    """As latin-1, without line breaks: those would be the end of the header."""
    return {
        name: value.encode("latin-1", "replace").decode("latin-1").translate(_NO_BREAKS)
        for name, value in headers.items()
    }


_NO_BREAKS = {ord("\r"): " ", ord("\n"): " "}
ANSWERS = st.builds(
    Answer,
    status=st.just(200) | st.sampled_from(STATUSES),
    headers=st.lists(st.sampled_from(sorted(HEADERS)), max_size=4, unique=True)
    .flatmap(lambda names: st.fixed_dictionaries({name: HEADERS[name] for name in names}))
    .map(_in_one_line),
    body=BODIES,
)
