"""The strict S3 over HTTP, driven by plain boto3: operations, signatures, headers, connections."""

import base64
import contextlib
import http.client
import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.support.s3_access.boto_client import boto_client
from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_model.checksums import Algorithm, checksum_of
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.quirks import Quirks

from .server import StrictS3
from .sigv4 import Credentials

KEY = {"Bucket": "bucket", "Key": "a b/ü+~'(%41).bin"}
WRONG_MD5 = base64.b64encode(bytes(16)).decode()
WRONG_CRC64 = base64.b64encode(bytes(8)).decode()


@pytest.fixture
def server() -> Iterator[StrictS3]:
    """Parts of 4 bytes and more, 2 rows a page."""
    with StrictS3(S3Model(min_part_size=4, page_size=2)) as strict:
        yield strict


@pytest.fixture
def client(server: StrictS3) -> Any:
    return boto_client(server)


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


# Operations


def test_a_multipart_upload_from_create_to_get(client: Any) -> None:
    """With checksums declared, echoed, combined and told by HEAD, under a key full of odd characters."""
    created = client.create_multipart_upload(**KEY, ChecksumAlgorithm="CRC64NVME")
    upload = {**KEY, "UploadId": created["UploadId"]}
    parts = []
    for number, data in enumerate((b"first", b"last"), 1):
        sent = client.upload_part(**upload, PartNumber=number, Body=data, ChecksumAlgorithm="CRC64NVME")
        parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC64NVME": sent["ChecksumCRC64NVME"]})
    whole = checksum_of(Algorithm.CRC64NVME, b"firstlast").value

    made = client.complete_multipart_upload(
        **upload,
        MultipartUpload={"Parts": parts},
        ChecksumCRC64NVME=whole,
        ChecksumType="FULL_OBJECT",
        MpuObjectSize=9,
    )
    head = client.head_object(**KEY, ChecksumMode="ENABLED")

    assert (created["ChecksumAlgorithm"], created["ChecksumType"]) == ("CRC64NVME", "FULL_OBJECT")
    assert (made["ChecksumCRC64NVME"], made["ChecksumType"], made["Key"]) == (whole, "FULL_OBJECT", KEY["Key"])
    assert (head["ContentLength"], head["ETag"], head["ChecksumCRC64NVME"]) == (9, made["ETag"], whole)
    assert client.get_object(**KEY)["Body"].read() == b"firstlast"


def test_head_tells_the_checksum_only_to_who_asks(client: Any) -> None:
    """ChecksumMode=ENABLED is the question."""
    client.put_object(**KEY, Body=b"data")

    assert "ChecksumCRC64NVME" not in client.head_object(**KEY)
    assert "ChecksumCRC64NVME" in client.head_object(**KEY, ChecksumMode="ENABLED")


def test_list_parts_tells_pages_sizes_and_checksums(client: Any) -> None:
    """boto3's paginator finds its way through the pages."""
    created = client.create_multipart_upload(**KEY, ChecksumAlgorithm="CRC32C")
    upload = {**KEY, "UploadId": created["UploadId"]}
    for number in (1, 2, 3):
        client.upload_part(**upload, PartNumber=number, Body=b"data", ChecksumAlgorithm="CRC32C")

    pages = list(client.get_paginator("list_parts").paginate(**upload))

    value = checksum_of(Algorithm.CRC32C, b"data").value
    rows = [(p["PartNumber"], p["Size"], p["ChecksumCRC32C"]) for page in pages for p in page["Parts"]]
    assert len(pages) == 2
    assert rows == [(1, 4, value), (2, 4, value), (3, 4, value)]
    assert (pages[0]["ChecksumAlgorithm"], pages[0]["ChecksumType"]) == ("CRC32C", "COMPOSITE")


def test_list_multipart_uploads_tells_all_pages(client: Any) -> None:
    """Until Abort takes them away."""
    ids = [client.create_multipart_upload(**KEY)["UploadId"] for _ in range(3)]
    paginator = client.get_paginator("list_multipart_uploads")

    before = [u["UploadId"] for page in paginator.paginate(Bucket="bucket") for u in page.get("Uploads", [])]
    for upload_id in ids:
        client.abort_multipart_upload(**KEY, UploadId=upload_id)
    after = [u for page in paginator.paginate(Bucket="bucket") for u in page.get("Uploads", [])]

    assert (before, after) == (ids, [])


def test_create_tells_the_abort_date() -> None:
    """When the bucket has a lifecycle rule."""
    with StrictS3(S3Model(abort_after_days=1)) as server:
        created = boto_client(server).create_multipart_upload(**KEY)

    assert created["AbortDate"].timestamp() == pytest.approx(time.time() + 86400, abs=60)


def test_object_options_are_kept_and_told(client: Any, server: StrictS3) -> None:
    """HEAD tells all but the ACL; a test sees that too."""
    client.put_object(
        **KEY, Body=b"", ContentType="text/plain", Metadata={"colour": "red"}, ACL="private", StorageClass="STANDARD_IA"
    )

    head = client.head_object(**KEY)

    assert (head["ContentType"], head["Metadata"], head["StorageClass"]) == (
        "text/plain",
        {"colour": "red"},
        "STANDARD_IA",
    )
    assert server.model.objects["bucket", KEY["Key"]].options.acl == "private"


def test_get_answers_a_range(client: Any) -> None:
    """First and last byte included."""
    client.put_object(**KEY, Body=b"0123456789")

    assert client.get_object(**KEY, Range="bytes=2-4")["Body"].read() == b"234"


def test_buckets_are_created_and_found(client: Any) -> None:
    """HEAD on a missing one is a 404 without a document."""
    client.create_bucket(Bucket="second")
    client.head_bucket(Bucket="second")

    with pytest.raises(ClientError) as refused:
        client.head_bucket(Bucket="third")
    assert code_of(refused) == ("404", 404)


def test_delete_removes_the_object(client: Any) -> None:
    """HEAD finds nothing then."""
    client.put_object(**KEY, Body=b"data")
    client.delete_object(**KEY)

    with pytest.raises(ClientError) as refused:
        client.head_object(**KEY)
    assert code_of(refused) == ("404", 404)


def test_an_unknown_operation_is_not_implemented(client: Any) -> None:
    """Nothing is guessed."""
    with pytest.raises(ClientError) as refused:
        client.list_objects_v2(Bucket="bucket")
    assert code_of(refused) == ("NotImplemented", 501)


# Refusals as a client reads them


def test_an_error_has_code_message_and_request_id(client: Any) -> None:
    """In the document, and the id in a header too."""
    with pytest.raises(ClientError) as refused:
        client.list_parts(**KEY, UploadId="none")

    response: Any = refused.value.response
    assert code_of(refused) == ("NoSuchUpload", 404)
    assert response["Error"]["Message"].startswith("The specified upload does not exist.")
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"] == "STRICT0000000001"


def test_an_error_can_lack_its_message(client: Any, server: StrictS3) -> None:
    """Some stores send none."""
    server.model.quirks = Quirks(errors_without_message=True)

    with pytest.raises(ClientError) as refused:
        client.list_parts(**KEY, UploadId="none")
    response: Any = refused.value.response
    assert not response["Error"].get("Message")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ContentMD5": WRONG_MD5}, "BadDigest"),
        ({"ContentMD5": "no base64"}, "InvalidDigest"),
        ({"ChecksumCRC64NVME": WRONG_CRC64}, "BadDigest"),
        ({"ChecksumCRC64NVME": "AAAA"}, "InvalidRequest"),
        ({"ChecksumSHA256": checksum_of(Algorithm.SHA256, b"data").value}, "InvalidRequest"),
        ({"PartNumber": 10_001}, "InvalidArgument"),
    ],
)
def test_a_bad_part_is_refused(client: Any, arguments: dict[str, Any], code: str) -> None:
    """Every header arrives at the rules."""
    upload = {**KEY, "UploadId": client.create_multipart_upload(**KEY, ChecksumAlgorithm="CRC64NVME")["UploadId"]}

    with pytest.raises(ClientError) as refused:
        client.upload_part(**upload, **({"PartNumber": 1, "Body": b"data"} | arguments))
    assert code_of(refused) == (code, 400)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({"MpuObjectSize": 3}, ("InvalidRequest", 400)),
        ({"ChecksumCRC64NVME": WRONG_CRC64}, ("BadDigest", 400)),
        ({"ChecksumType": "COMPOSITE"}, ("InvalidRequest", 400)),
        ({"IfNoneMatch": "*"}, ("PreconditionFailed", 412)),
        ({"MultipartUpload": {"Parts": []}}, ("MalformedXML", 400)),
        ({"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": '"none"'}]}}, ("InvalidPart", 400)),
    ],
)
def test_a_bad_complete_is_refused(client: Any, arguments: dict[str, Any], answer: tuple[str, int]) -> None:
    """Every header and element arrives at the rules."""
    client.put_object(**KEY, Body=b"old")
    upload = {**KEY, "UploadId": client.create_multipart_upload(**KEY, ChecksumAlgorithm="CRC64NVME")["UploadId"]}
    etag = client.upload_part(**upload, PartNumber=1, Body=b"data")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}

    with pytest.raises(ClientError) as refused:
        client.complete_multipart_upload(**upload, **({"MultipartUpload": parts} | arguments))
    assert code_of(refused) == answer


def test_a_body_without_a_length_is_refused(server: StrictS3) -> None:
    """411 for chunked transfer encoding without aws-chunked."""
    client = boto_client(server)

    def without_length(request: Any, **_: Any) -> None:
        request.headers["Transfer-Encoding"] = "chunked"

    client.meta.events.register("before-sign.s3.PutObject", without_length)

    with pytest.raises(ClientError) as refused:
        client.put_object(**KEY, Body=b"data")
    assert code_of(refused) == ("MissingContentLength", 411)


def test_sse_c_is_refused_without_tls(server: StrictS3) -> None:
    """A raw request, since boto3 refuses by itself."""
    client = boto_client(server)

    def add_key(request: Any, **_: Any) -> None:
        request.headers["x-amz-server-side-encryption-customer-key"] = base64.b64encode(bytes(32)).decode()

    client.meta.events.register("before-sign.s3.PutObject", add_key)

    with pytest.raises(ClientError, match="secure connection"):
        client.put_object(**KEY, Body=b"data")


# Signatures


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ({"secret_key": "wrong"}, ("SignatureDoesNotMatch", 403)),
        ({"access_key": "AKIANOBODY"}, ("InvalidAccessKeyId", 403)),
    ],
)
def test_wrong_credentials_are_refused(server: StrictS3, wrong: dict[str, Any], answer: tuple[str, int]) -> None:
    """Each with its own code, and nothing takes effect."""
    client = boto_client(server, **wrong)

    with pytest.raises(ClientError) as refused:
        client.put_object(**KEY, Body=b"data")
    assert code_of(refused) == answer
    assert not server.model.objects


def test_a_wrong_region_is_told_the_right_one(server: StrictS3) -> None:
    """botocore reads it from the refusal and signs again."""
    client = boto_client(server, region="eu-west-1")
    client.put_object(**KEY, Body=b"data")

    assert [call.status for call in server.calls if call.operation == "PutObject"] == [400, 200]


def test_a_request_without_signature_is_refused(server: StrictS3) -> None:
    """AccessDenied."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/bucket/key")
        answer = connection.getresponse()

        assert answer.status == 403
        assert b"<Code>AccessDenied</Code>" in answer.read()


def test_an_unsigned_header_is_refused(client: Any) -> None:
    """Every x-amz-* header must be signed."""

    def add_header(request: Any, **_: Any) -> None:
        request.headers["x-amz-acl"] = "public-read"

    client.meta.events.register("before-send.s3.PutObject", add_header)

    with pytest.raises(ClientError, match="not signed"):
        client.put_object(**KEY, Body=b"data")


def test_a_changed_body_is_refused(client: Any) -> None:
    """The payload's SHA-256 was signed."""

    def change(request: Any, **_: Any) -> None:
        request.body = b"Data"

    client.meta.events.register("before-send.s3.PutObject", change)

    with pytest.raises(ClientError) as refused:
        client.put_object(**KEY, Body=b"data")
    assert code_of(refused) == ("XAmzContentSHA256Mismatch", 400)


@pytest.mark.parametrize("ahead", [-16 * 60, 16 * 60])
def test_a_skewed_clock_is_refused(ahead: int) -> None:
    """RequestTimeTooSkewed; Date tells the server's time."""
    with StrictS3(clock=lambda: time.time() + ahead) as server, pytest.raises(ClientError) as refused:
        boto_client(server).put_object(**KEY, Body=b"data")

    assert code_of(refused) == ("RequestTimeTooSkewed", 403)
    response: Any = refused.value.response
    assert "date" in response["ResponseMetadata"]["HTTPHeaders"]


def test_a_small_skew_is_taken() -> None:
    """Less than 15 minutes."""
    with StrictS3(clock=lambda: time.time() + 14 * 60) as server:
        boto_client(server).put_object(**KEY, Body=b"data")

        assert len(server.model.objects) == 1


def test_credentials_can_change_while_it_runs(client: Any, server: StrictS3) -> None:
    """What was good is refused from then on."""
    client.put_object(**KEY, Body=b"data")
    server.credentials = Credentials(access_key=server.access_key, secret_key="rotated")

    with pytest.raises(ClientError) as refused:
        client.put_object(**KEY, Body=b"data")
    assert code_of(refused) == ("SignatureDoesNotMatch", 403)


def test_a_session_token_must_match() -> None:
    """The right one is let in, another is InvalidToken."""
    with StrictS3(session_token="good") as server:
        client = boto_client(server)
        client.put_object(**KEY, Body=b"data")
        server.credentials = Credentials(
            access_key=server.access_key, secret_key=server.secret_key, session_token="new"
        )

        with pytest.raises(ClientError) as refused:
            client.put_object(**KEY, Body=b"data")
    assert code_of(refused) == ("InvalidToken", 400)


# TLS, aws-chunked


def test_tls_with_a_certificate_that_the_ca_file_vouches_for() -> None:
    """An unsigned payload, as partway sends it."""
    with StrictS3(tls=True) as server:
        client = boto_client(server, s3={"payload_signing_enabled": False})
        client.put_object(**KEY, Body=b"data", ChecksumCRC64NVME=checksum_of(Algorithm.CRC64NVME, b"data").value)

        assert server.model.objects["bucket", KEY["Key"]].body == b"data"
        assert server.calls[0].headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def test_a_trailer_is_decoded_and_verified() -> None:
    """boto3's default over https: aws-chunked with a CRC32 behind the body."""
    with StrictS3(tls=True) as server:
        client = boto_client(server, request_checksum_calculation="when_supported")
        answer = client.put_object(**KEY, Body=b"data" * 50_000)

        assert answer["ChecksumCRC32"] == checksum_of(Algorithm.CRC32, b"data" * 50_000).value
        assert server.model.objects["bucket", KEY["Key"]].body == b"data" * 50_000
        assert "content-encoding" not in server.model.objects["bucket", KEY["Key"]].options.headers


def test_sse_c_needs_the_key_again() -> None:
    """The key itself is never kept."""
    with StrictS3(tls=True) as server:
        client = boto_client(server)
        key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
        client.put_object(**KEY, Body=b"data", **key)

        with pytest.raises(ClientError) as refused:
            client.get_object(**KEY)
        kept = server.model.objects["bucket", KEY["Key"]].options.headers
        assert code_of(refused) == ("InvalidRequest", 400)
        assert client.get_object(**KEY, **key)["Body"].read() == b"data"
        assert "x-amz-server-side-encryption-customer-key" not in kept


# Quirks that only HTTP shows


def test_empty_complete_etag(client: Any, server: StrictS3) -> None:
    """The element is there and empty."""
    server.model.quirks = Quirks(empty_complete_etag=True)
    upload = {**KEY, "UploadId": client.create_multipart_upload(**KEY)["UploadId"]}
    etag = client.upload_part(**upload, PartNumber=1, Body=b"data")["ETag"]

    made = client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})

    assert made["ETag"] == ""


def test_no_checksums_answers_without_any(client: Any, server: StrictS3) -> None:
    """Neither Create nor UploadPart echoes, and a wrong one passes."""
    server.model.quirks = Quirks(no_checksums=True)
    created = client.create_multipart_upload(**KEY, ChecksumAlgorithm="CRC64NVME")

    sent = client.upload_part(
        **KEY, UploadId=created["UploadId"], PartNumber=1, Body=b"data", ChecksumCRC64NVME=WRONG_CRC64
    )

    assert "ChecksumAlgorithm" not in created
    assert "ChecksumCRC64NVME" not in sent


# The journal


def test_calls_tell_what_was_asked(client: Any, server: StrictS3) -> None:
    """In order, with bytes and status."""
    upload = {**KEY, "UploadId": client.create_multipart_upload(**KEY)["UploadId"]}
    client.upload_part(**upload, PartNumber=7, Body=b"data")
    with pytest.raises(ClientError):
        client.upload_part(**KEY, UploadId="none", PartNumber=1, Body=b"more data")

    told = [(call.operation, call.part_number, call.body_bytes, call.status) for call in server.calls]
    assert told == [
        ("CreateMultipartUpload", None, 0, 200),
        ("UploadPart", 7, 4, 200),
        ("UploadPart", 1, 9, 404),
    ]
    assert server.counts == {"CreateMultipartUpload": 1, "UploadPart": 2}
    assert server.bytes_received("UploadPart") == 13
    assert (server.calls[1].bucket, server.calls[1].key) == ("bucket", KEY["Key"])


def test_a_keep_alive_connection_serves_many_requests(server: StrictS3) -> None:
    """One after the other is one in flight."""
    client = boto_client(server, max_pool_connections=1)
    for _ in range(5):
        client.put_object(**KEY, Body=b"data")

    assert server.counts["PutObject"] == 5
    assert server.in_flight_max == 1


def test_requests_are_served_in_parallel(server: StrictS3) -> None:
    """Four at once are seen as four."""
    barrier = threading.Barrier(4, timeout=60)
    meet = Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=CallFunction(function=barrier.wait), times=4)
    server.faults.add(meet)
    client = boto_client(server)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: client.put_object(Bucket="bucket", Key=str(number), Body=b"data"), range(4)))

    assert server.in_flight_max == 4


# Up and down


def test_refuse_and_accept(client: Any, server: StrictS3) -> None:
    """Connections are refused, then taken again on the same port."""
    client.put_object(**KEY, Body=b"data")
    server.refuse()

    with pytest.raises(EndpointConnectionError):
        client.head_object(**KEY)
    server.accept()
    assert client.head_object(**KEY)["ContentLength"] == 4


class _Stalling(io.BytesIO):
    """Gives two bytes, and the rest when ``go_on`` is true."""

    def __init__(self, data: bytes, go_on: Callable[[], bool]) -> None:
        super().__init__(data)
        self._go_on = go_on

    def read(self, size: int | None = -1, /) -> bytes:
        while self.tell() and not self._go_on():
            time.sleep(0.01)
        return super().read(2)


def test_an_idle_body_is_a_request_timeout() -> None:
    """HTTP 400, as S3 says it."""
    with StrictS3(idle_timeout=0.1) as server:
        client = boto_client(server, s3={"payload_signing_enabled": False})

        with pytest.raises(ClientError) as refused:
            client.put_object(**KEY, Body=_Stalling(b"data", lambda: server.calls[-1].status is not None))
    assert code_of(refused) == ("RequestTimeout", 400)


def test_leaving_ends_every_thread() -> None:
    """Open keep-alive connections included."""
    before = set(threading.enumerate())
    with StrictS3() as server:
        client = boto_client(server)
        client.put_object(**KEY, Body=b"data")
        during = set(threading.enumerate()) - before

    assert len(during) == 2
    assert set(threading.enumerate()) - before == set()
