"""What the strict S3 refuses before the rules of S3 are even asked: framing, documents, headers, signatures."""

import base64
import hashlib
import time
from collections.abc import Mapping
from email.message import Message
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from tests.support.s3_model.errors import S3Error
from tests.support.s3_model.model import S3Model

from .handlers import perform
from .headers import Request, byte_range
from .request_body import decode_body
from .routes import parse_head
from .sigv4 import Credentials, check_signature
from .xml import named_parts

SSE_C = "x-amz-server-side-encryption-customer-key"


def request(method: str = "PUT", target: str = "/bucket/key", **headers: str) -> Request:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return Request(head=parse_head(method, target, message), body=b"", trailers={}, is_tls=True)


# aws-chunked

CHUNKED = {
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "4",
    "x-amz-trailer": "x-amz-checksum-crc32",
}


def test_chunks_and_trailers_are_taken_apart() -> None:
    """However many chunks there are."""
    decoded = decode_body(b"3\r\ndat\r\n1\r\na\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n", CHUNKED)

    assert (decoded.data, decoded.trailers) == (b"data", {"x-amz-checksum-crc32": "AAAA"})


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"data", r"^IncompleteBody \(400\).*framing"),
        (b"4\r\ndataX\r\n0\r\n\r\n", r"^IncompleteBody \(400\).*framing"),
        (b"3\r\ndat\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n", r"^IncompleteBody \(400\).*as long"),
        (b"4\r\ndata\r\n0\r\n\r\n", r"^MalformedTrailerError \(400\)"),
    ],
)
def test_broken_framing_is_refused(body: bytes, answer: str) -> None:
    """It is never stored as if it were data."""
    with pytest.raises(S3Error, match=answer):
        decode_body(body, CHUNKED)


def test_a_trailer_without_framing_is_refused() -> None:
    """There is nowhere for it to be."""
    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\)"):
        decode_body(b"data", {"x-amz-trailer": "x-amz-checksum-crc32"})


# Documents


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<CompleteMultipartUpload>",
        b"<Complete/>",
        b"<CompleteMultipartUpload><Thing/></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><ETag>e</ETag></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag><X/></Part></CompleteMultipartUpload>",
    ],
)
def test_a_malformed_complete_document_is_refused(body: bytes) -> None:
    """Also one that is XML but not the right one."""
    with pytest.raises(S3Error, match=r"^MalformedXML \(400\)"):
        named_parts(body)


# Headers and queries


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"x_amz_checksum_crc32": "AAAAAA==", "x_amz_checksum_sha1": "AAAA"}, r"^InvalidRequest .*Multiple checksum"),
        ({"x_amz_sdk_checksum_algorithm": "CRC32"}, r"^InvalidRequest .*no corresponding"),
        ({"x_amz_checksum_sha3": "AAAA"}, r"^NotImplemented \(501\).*sha3"),
        ({"x_amz_copy_source": "bucket/other"}, r"^NotImplemented \(501\).*copy-source"),
        ({"if_none_match": '"etag"'}, r"^NotImplemented \(501\)"),
    ],
)
def test_a_put_with_odd_headers_is_refused(headers: dict[str, str], answer: str) -> None:
    """Nothing is ignored that would change the result."""
    with pytest.raises(S3Error, match=answer):
        perform(S3Model(), request(**headers))


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"x_amz_checksum_algorithm": "MD4"}, r"^InvalidRequest .*unsupported"),
        ({"x_amz_checksum_type": "HALF_OBJECT"}, r"^InvalidRequest .*x-amz-checksum-type"),
        ({"x_amz_checksum_type": "FULL_OBJECT"}, r"^InvalidRequest .*only be used with"),
    ],
)
def test_a_create_with_odd_headers_is_refused(headers: dict[str, str], answer: str) -> None:
    """The declaration must make sense."""
    with pytest.raises(S3Error, match=answer):
        perform(S3Model(), request("POST", "/bucket/key?uploads", **headers))


def test_a_conditional_read_is_not_implemented() -> None:
    """An answer of 304 would be a guess."""
    with pytest.raises(S3Error, match=r"^NotImplemented \(501\)"):
        perform(S3Model(), request("GET", if_none_match='"etag"'))


@pytest.mark.parametrize("target", ["/bucket?uploads&max-uploads=0", "/bucket?uploads&max-uploads=x"])
def test_an_odd_page_of_uploads_is_refused(target: str) -> None:
    """InvalidArgument."""
    with pytest.raises(S3Error, match=r"^InvalidArgument \(400\)"):
        perform(S3Model(), request("GET", target))


@pytest.mark.parametrize("query", ["max-parts=-1", "part-number-marker=-1", "max-parts=x"])
def test_an_odd_page_of_parts_is_refused(query: str) -> None:
    """InvalidArgument."""
    model = S3Model()
    upload = model.create_multipart_upload("bucket", "key")

    with pytest.raises(S3Error, match=r"^InvalidArgument \(400\)"):
        perform(model, request("GET", f"/bucket/key?uploadId={upload.upload_id}&{query}"))


@pytest.mark.parametrize("key", ["no base64!", base64.b64encode(bytes(32)).decode()])
def test_an_sse_c_key_must_match_its_md5(key: str) -> None:
    """InvalidArgument."""
    headers = {SSE_C: key, f"{SSE_C}-md5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}

    with pytest.raises(S3Error, match=r"^InvalidArgument \(400\)"):
        perform(S3Model(), request(**headers))


@pytest.mark.parametrize(("kept", "given"), [("md5", "other"), (None, "md5")])
def test_another_sse_c_key_does_not_open_the_object(kept: str | None, given: str) -> None:
    """Nor does one for an object that needs none."""
    model = S3Model()
    perform(model, request(**({f"{SSE_C}-md5": kept} if kept else {})))

    with pytest.raises(S3Error, match=r"^(AccessDenied \(403\)|InvalidRequest \(400\))"):
        model.head_object("bucket", "key", customer_key_md5=given)


@pytest.mark.parametrize(
    ("text", "found"), [("bytes=0-0", (0, 0)), ("bytes=7-", (7, 9)), ("bytes=-3", (7, 9)), ("bytes=5-99", (5, 9))]
)
def test_ranges(text: str, found: tuple[int, int]) -> None:
    """First and last byte of ten."""
    assert byte_range(text, 10) == found


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=4-3", "bytes=x-y", "bytes=5"])
def test_an_impossible_range_is_refused(text: str) -> None:
    """416."""
    with pytest.raises(S3Error, match=r"^InvalidRange \(416\)"):
        byte_range(text, 10)


# Signatures


def sign(**changes: str | None) -> dict[str, str]:
    """Headers signed by botocore, then changed; None takes one away."""
    signed = AWSRequest("GET", "http://127.0.0.1/bucket/a%20b?list=x%2By&empty=", headers={"host": "127.0.0.1"})
    signed.context["payload_signing_enabled"] = True
    S3SigV4Auth(BotoCredentials("key", "secret"), "s3", "us-east-1").add_auth(signed)
    headers = {name.lower(): value for name, value in signed.headers.items()}
    for name, value in changes.items():
        headers.pop(name.replace("_", "-"), None)
        if value is not None:
            headers[name.replace("_", "-")] = value
    return headers


def check(headers: Mapping[str, str], **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "method": "GET",
        "raw_path": "/bucket/a%20b",
        "raw_query": "list=x%2By&empty=",
        "credentials": Credentials(access_key="key", secret_key="secret"),
        "region": "us-east-1",
        "now": time.time(),
    }
    check_signature(headers=headers, **(arguments | changes))


def test_botocores_signature_is_let_in() -> None:
    """The yardstick for the refusals below."""
    check(sign())


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"authorization": "AWS key:signature"}, r"^AuthorizationHeaderMalformed \(400\)"),
        ({"x_amz_content_sha256": None}, r"did not arrive: x-amz-content-sha256"),
        ({"x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, r"^NotImplemented \(501\)"),
        ({"x_amz_date": "yesterday"}, r"^AccessDenied \(403\)"),
        ({"host": "localhost"}, r"^SignatureDoesNotMatch \(403\)"),
    ],
)
def test_a_changed_head_is_refused(changes: dict[str, str | None], answer: str) -> None:
    """Each in S3's words."""
    with pytest.raises(S3Error, match=answer):
        check(sign(**changes))


@pytest.mark.parametrize("changes", [{"method": "PUT"}, {"raw_path": "/bucket/b"}, {"raw_query": "list=x"}])
def test_a_changed_request_line_is_refused(changes: dict[str, str]) -> None:
    """Method, path and query are all signed."""
    with pytest.raises(S3Error, match=r"^SignatureDoesNotMatch \(403\)"):
        check(sign(), **changes)


def test_a_payload_must_be_named() -> None:
    """Even when it is not signed as a header."""
    headers = sign(x_amz_content_sha256=None)
    headers["authorization"] = headers["authorization"].replace("x-amz-content-sha256;", "")

    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\).*x-amz-content-sha256"):
        check(headers)


def test_the_credentials_day_must_be_that_of_the_date() -> None:
    """A key is derived for one day."""
    headers = sign()
    day = headers["x-amz-date"][:8]
    headers["authorization"] = headers["authorization"].replace(f"/{day}/", "/20200101/")

    with pytest.raises(S3Error, match=r"^AuthorizationHeaderMalformed \(400\)"):
        check(headers)
