"""Recover response headers that proxies remove, by other requests."""

from typing import Any

from botocore.exceptions import ClientError

from ..backend.responses import ObjectFacts
from ..checksums import ChecksumAlgorithm, etag_of
from ..errors import Transient
from ..proof.proof import is_same_etag
from ..source.part_reader import PartReader
from .error_translation import bad_response
from .values import checksum_name, etag_in


def size_of(client: Any, about: dict[str, Any], answer: Any) -> int:
    """The object's size in bytes from the response to HEAD; without Content-Length, from a request for its first byte.

    about: the object and its customer key, as botocore's parameters.
    """
    if "ContentLength" in answer:
        return int(answer["ContentLength"])
    try:
        first = client.get_object(**about, Range="bytes=0-0")
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 416:
            return 0  # there is no first byte
        raise
    first["Body"].close()
    if not is_same_etag(str(first.get("ETag")), str(answer.get("ETag"))):
        raise bad_response("HeadObject")  # it was replaced in between
    return int(first["ContentRange"].rpartition("/")[2] if "ContentRange" in first else first["ContentLength"])


def etag_of_part(page: Any, body: PartReader) -> str:
    """The ETag of a part that was sent, from a page of ListParts.

    Raises:
        Transient: the page does not show these bytes, so the response may not have been S3's at all.
    """
    name = checksum_name(body.algorithm)
    for row in page.get("Parts", ()):
        etag, place = etag_in(row), (row.get("PartNumber"), row.get("Size"))
        if place == (body.spec.number, body.spec.size) and etag and _is_body(body, etag, row.get(name)):
            return etag
    raise _without_etag("UploadPart")


def checked_object(facts: ObjectFacts, body: PartReader) -> ObjectFacts:
    """The object that was written with PutObject, from the response to HEAD.

    Raises:
        Transient: it does not show these bytes, so the response may not have been S3's at all.
    """
    if facts.size == body.spec.size and facts.etag and _is_body(body, facts.etag, facts.checksum):
        return facts
    raise _without_etag("PutObject")


def _is_body(body: PartReader, etag: str, checksum: str | None) -> bool:
    if body.algorithm is ChecksumAlgorithm.MD5:
        return is_same_etag(etag, etag_of(body.checksum))
    return checksum == body.checksum


def _without_etag(operation: str) -> Transient:
    return Transient(f"the response to {operation} has no ETag", operation=operation, code="BadAnswer")
