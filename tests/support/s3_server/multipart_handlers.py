"""The six multipart operations over HTTP: from a request to a call of the model, and its value as an answer."""

from email.utils import formatdate
from urllib.parse import quote

from tests.support.s3_model.checksums import Checksum
from tests.support.s3_model.errors import invalid_request
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.values import UploadInfo

from .headers import CUSTOMER_KEY_TOLD, Reply, Request, checksum_headers, encryption_headers, version_headers
from .xml import Children, document, named_parts, timestamp


def create_multipart_upload(model: S3Model, request: Request) -> Reply:
    """Answers the upload id, and the checksum algorithm and abort date as headers."""
    upload = model.create_multipart_upload(
        request.head.bucket,
        request.head.key,
        options=request.options(),
        algorithm=None if model.quirks.no_checksums else request.declared_algorithm(),
        checksum_type=None if model.quirks.no_checksums else request.checksum_type(),
    )
    headers = encryption_headers(upload.options)
    if upload.algorithm and upload.checksum_type and not model.quirks.silent_checksums:
        headers |= {"x-amz-checksum-algorithm": upload.algorithm, "x-amz-checksum-type": upload.checksum_type}
    if upload.abort_time is not None:
        headers |= {"x-amz-abort-date": formatdate(upload.abort_time, usegmt=True), "x-amz-abort-rule-id": "rule"}
    body = [("Bucket", upload.bucket), ("Key", upload.key), ("UploadId", upload.upload_id)]
    return Reply(headers=headers, body=document("InitiateMultipartUploadResult", body))


def upload_part(model: S3Model, request: Request) -> Reply:
    """Answers the part's ETag and checksum."""
    head = request.head
    part = model.upload_part(
        head.bucket,
        head.key,
        head.query["uploadId"],
        head.number("partNumber") or 0,
        request.body,
        checksum=sent_checksum(model, request),
        content_md5=request.header("content-md5"),
        customer_key_md5=request.customer_key_md5,
    )
    told = {name: value for name in CUSTOMER_KEY_TOLD if (value := request.header(name)) is not None}
    return Reply(headers={"ETag": part.etag, **checksum_headers(part.checksum), **told})


def list_parts(model: S3Model, request: Request) -> Reply:
    """Answers one page."""
    head = request.head
    page = model.list_parts(
        head.bucket,
        head.key,
        head.query["uploadId"],
        part_number_marker=head.number("part-number-marker") or 0,
        max_parts=head.number("max-parts"),
        customer_key_md5=request.customer_key_md5,
    )
    rows = [
        (
            "Part",
            [
                ("PartNumber", str(row.number)),
                ("LastModified", timestamp(row.modified)),
                ("ETag", row.etag),
                ("Size", str(row.size)),
                *_checksum_element(row.checksum),
            ],
        )
        for row in page.rows
    ]
    body: Children = [
        ("Bucket", page.upload.bucket),
        ("Key", page.upload.key),
        ("UploadId", page.upload.upload_id),
        ("StorageClass", page.upload.options.storage_class),
        *_declared(model, page.upload),
        ("PartNumberMarker", str(page.marker)),
        ("NextPartNumberMarker", str(page.next_marker)),
        ("MaxParts", str(page.max_parts)),
        ("IsTruncated", str(page.is_truncated).lower()),
        *rows,
    ]
    return Reply(body=document("ListPartsResult", body))


def complete_multipart_upload(model: S3Model, request: Request) -> Reply:
    """Answers the object's ETag and checksum."""
    head = request.head
    size = request.header("x-amz-mp-object-size")
    if size is not None and not (size.isascii() and size.isdigit()):
        raise invalid_request("The x-amz-mp-object-size header is not a number.")
    made = model.complete_multipart_upload(
        head.bucket,
        head.key,
        head.query["uploadId"],
        named_parts(request.body),
        checksum=sent_checksum(model, request),
        checksum_type=None if model.quirks.no_checksums else request.checksum_type(),
        object_size=None if size is None else int(size),
        if_none_match=request.header("if-none-match"),
        customer_key_md5=request.customer_key_md5,
    )
    body = [
        ("Location", f"/{quote(made.bucket)}/{quote(made.key)}"),
        ("Bucket", made.bucket),
        ("Key", made.key),
        ("ETag", "" if model.quirks.empty_complete_etag else made.etag),
        *_checksum_element(made.checksum),
        *([("ChecksumType", made.checksum_type.value)] if made.checksum_type else []),
    ]
    headers = encryption_headers(made.options) | version_headers(made)
    return Reply(headers=headers, body=document("CompleteMultipartUploadResult", body))


def abort_multipart_upload(model: S3Model, request: Request) -> Reply:
    """Answers nothing."""
    model.abort_multipart_upload(request.head.bucket, request.head.key, request.head.query["uploadId"])
    return Reply(status=204)


def list_multipart_uploads(model: S3Model, request: Request) -> Reply:
    """Answers one page."""
    query = request.head.query
    page = model.list_multipart_uploads(
        request.head.bucket,
        prefix=query.get("prefix", ""),
        key_marker=query.get("key-marker", ""),
        upload_id_marker=query.get("upload-id-marker", ""),
        max_uploads=request.head.number("max-uploads"),
    )
    encoding = query.get("encoding-type")

    def shown(key: str) -> str:
        return quote(key) if encoding == "url" else key

    rows = [
        (
            "Upload",
            [
                ("Key", shown(upload.key)),
                ("UploadId", upload.upload_id),
                ("StorageClass", upload.options.storage_class),
                ("Initiated", timestamp(upload.initiated)),
                *_declared(model, upload),
            ],
        )
        for upload in page.uploads
    ]
    body: Children = [
        ("Bucket", request.head.bucket),
        ("Prefix", shown(query.get("prefix", ""))),
        ("KeyMarker", shown(query.get("key-marker", ""))),
        ("UploadIdMarker", query.get("upload-id-marker", "")),
        ("NextKeyMarker", shown(page.next_key_marker)),
        ("NextUploadIdMarker", page.next_upload_id_marker),
        ("MaxUploads", query.get("max-uploads", "1000")),
        *([("EncodingType", encoding)] if encoding else []),
        ("IsTruncated", str(page.is_truncated).lower()),
        *rows,
    ]
    return Reply(body=document("ListMultipartUploadsResult", body))


def sent_checksum(model: S3Model, request: Request) -> Checksum | None:
    """The request's checksum, unless this store does not even look at it."""
    return None if model.quirks.no_checksums else request.checksum()


def _checksum_element(checksum: Checksum | None) -> list[tuple[str, str]]:
    return [(checksum.algorithm.element, checksum.value)] if checksum else []


def _declared(model: S3Model, upload: UploadInfo) -> list[tuple[str, str]]:
    if upload.algorithm is None or upload.checksum_type is None or model.quirks.silent_checksums:
        return []
    return [("ChecksumAlgorithm", upload.algorithm.value), ("ChecksumType", upload.checksum_type.value)]
