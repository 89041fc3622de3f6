"""Every operation over HTTP, and those on buckets and whole objects themselves."""

from collections.abc import Callable, Mapping
from email.utils import formatdate

from tests.support.s3_model.errors import S3Error, not_implemented
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.values import StoredObject

from . import multipart_handlers as multipart
from .headers import Reply, Request, byte_range, checksum_headers, encryption_headers, object_headers, version_headers
from .routes import Operation
from .xml import document

_UNSUPPORTED = ("x-amz-copy-source", "if-match", "if-modified-since", "if-unmodified-since", "x-amz-write-offset-bytes")


def perform(model: S3Model, request: Request) -> Reply:
    """Do what the request asks.

    Raises:
        S3Error: the refusal to answer.
    """
    if model.policy is not None:
        model.policy.check(request.head)
    handler = _HANDLERS.get(request.head.operation)
    if handler is None:
        raise not_implemented("This server does not know the operation.")
    for name in _UNSUPPORTED:
        if request.header(name) is not None:
            raise not_implemented(f"This server does not know the header {name}.")
    if model.quirks.list_parts_ignored and request.head.operation is Operation.LIST_PARTS:
        handler = _get_object
    if model.quirks.ignores_customer_keys:
        request = request.without_customer_key()
    request.check_customer_key()
    try:
        return handler(model, request)
    except S3Error as error:
        if error.status == 404 and model.policy is not None:
            model.policy.hide(request.head)
        raise


def _create_bucket(model: S3Model, request: Request) -> Reply:
    model.create_bucket(request.head.bucket)
    return Reply(headers={"Location": f"/{request.head.bucket}"})


def _head_bucket(model: S3Model, request: Request) -> Reply:
    model.head_bucket(request.head.bucket)
    return Reply()


def _put_object(model: S3Model, request: Request) -> Reply:
    made = model.put_object(
        request.head.bucket,
        request.head.key,
        request.body,
        options=request.options(),
        checksum=multipart.sent_checksum(model, request),
        content_md5=request.header("content-md5"),
        if_none_match=request.header("if-none-match"),
    )
    told = checksum_headers(made.checksum, made.checksum_type)
    return Reply(headers={"ETag": made.etag, **told, **encryption_headers(made.options), **version_headers(made)})


def _head_object(model: S3Model, request: Request) -> Reply:
    found = _find(model, request)
    if request.head.part_number is not None and not model.quirks.part_numbers_ignored:
        return _head_part(found, request.head.part_number)
    return Reply(headers=_headers(found) | _checksum(model, found, request), length=found.size)


def _head_part(found: StoredObject, number: int) -> Reply:
    count = {"x-amz-mp-parts-count": str(found.parts)} if found.parts else {}
    return Reply(status=206, headers=_headers(found) | count, length=len(found.chunks[number - 1]))


def _get_object(model: S3Model, request: Request) -> Reply:
    found = _find(model, request)
    headers, body = _headers(found), found.body
    wanted = request.header("range")
    if wanted is None:
        return Reply(headers=headers | _checksum(model, found, request), body=body)
    first, last = byte_range(wanted, found.size)
    headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
    return Reply(status=206, headers=headers, body=body[first : last + 1])


def _delete_object(model: S3Model, request: Request) -> Reply:
    model.delete_object(request.head.bucket, request.head.key)
    return Reply(status=204)


def _find(model: S3Model, request: Request) -> StoredObject:
    if request.header("if-none-match") is not None:
        raise not_implemented("This server does not know If-None-Match on reads.")
    return model.get_object(
        request.head.bucket,
        request.head.key,
        customer_key_md5=request.customer_key_md5,
        version=request.head.query.get("versionId"),
    )


def _headers(found: StoredObject) -> dict[str, str]:
    modified = formatdate(found.modified, usegmt=True)
    told = {"ETag": found.etag, "Last-Modified": modified, "Accept-Ranges": "bytes"}
    return told | object_headers(found.options) | version_headers(found)


def _get_object_attributes(model: S3Model, request: Request) -> Reply:
    """Answers a page of the parts' sizes; S3 has them only for objects with a checksum."""
    found = _find(model, request)
    if model.quirks.attributes_ignored:
        return Reply(headers=_headers(found), body=found.body)
    wanted = (request.header("x-amz-object-attributes") or "").split(",")
    if "ObjectParts" not in wanted or not found.parts:
        return Reply(body=document("GetObjectAttributesResponse", []))
    marker = int(request.header("x-amz-part-number-marker") or 0)
    page = list(enumerate(found.chunks, start=1))[marker : marker + model.page_size] if found.checksum else []
    rows = [("Part", [("PartNumber", str(number)), ("Size", str(len(chunk)))]) for number, chunk in page]
    last = page[-1][0] if page else 0
    parts = [
        ("PartsCount", str(found.parts)),
        ("NextPartNumberMarker", str(last)),
        ("IsTruncated", str(bool(page) and last < found.parts).lower()),
        *rows,
    ]
    return Reply(body=document("GetObjectAttributesResponse", [("ObjectParts", parts)]))


def _checksum(model: S3Model, found: StoredObject, request: Request) -> dict[str, str]:
    """S3 tells it only to who asks."""
    if request.header("x-amz-checksum-mode") != "ENABLED":
        return {}
    return checksum_headers(found.checksum, None if model.quirks.checksum_type_missing else found.checksum_type)


_HANDLERS: Mapping[Operation, Callable[[S3Model, Request], Reply]] = {
    Operation.CREATE_BUCKET: _create_bucket,
    Operation.HEAD_BUCKET: _head_bucket,
    Operation.PUT_OBJECT: _put_object,
    Operation.HEAD_OBJECT: _head_object,
    Operation.GET_OBJECT: _get_object,
    Operation.GET_OBJECT_ATTRIBUTES: _get_object_attributes,
    Operation.DELETE_OBJECT: _delete_object,
    Operation.CREATE_MULTIPART_UPLOAD: multipart.create_multipart_upload,
    Operation.UPLOAD_PART: multipart.upload_part,
    Operation.LIST_PARTS: multipart.list_parts,
    Operation.COMPLETE_MULTIPART_UPLOAD: multipart.complete_multipart_upload,
    Operation.ABORT_MULTIPART_UPLOAD: multipart.abort_multipart_upload,
    Operation.LIST_MULTIPART_UPLOADS: multipart.list_multipart_uploads,
}
