"""S3's XML documents: what answers carry, and the one that Complete sends."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.support.s3_model.checksums import Algorithm, Checksum
from tests.support.s3_model.errors import S3Error
from tests.support.s3_model.values import NamedPart

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

Children = Iterable[tuple[str, "str | list[tuple[str, Any]]"]]


def document(root: str, children: Children, *, namespace: bool = True) -> bytes:
    """A document; a child's content is text or again (name, content) pairs."""
    element = ET.Element(root, {"xmlns": NAMESPACE} if namespace else {})
    _fill(element, children)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(element)


def error_document(
    code: str, message: str | None, *, resource: str, request_id: str, details: Mapping[str, str]
) -> bytes:
    """An ``<Error>``; message None: it has no Message."""
    children = [("Code", code), *([] if message is None else [("Message", message)]), *details.items()]
    children += [("Resource", resource), ("RequestId", request_id), ("HostId", "strict-s3")]
    return document("Error", children, namespace=False)


def named_parts(body: bytes) -> list[NamedPart]:
    """The parts that a CompleteMultipartUpload document names, in its order.

    Raises:
        S3Error: MalformedXML.
    """
    try:
        root = ET.fromstring(body)
        if _tag(root) != "CompleteMultipartUpload":
            raise ValueError
        return [_named_part(element) for element in root]
    except (ET.ParseError, ValueError, KeyError):
        raise S3Error(
            "MalformedXML",
            400,
            "The XML you provided was not well-formed or did not validate against our published schema",
        ) from None


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as S3 writes them in XML."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _named_part(element: ET.Element) -> NamedPart:
    if _tag(element) != "Part":
        raise ValueError
    texts = {_tag(child): child.text or "" for child in element}
    sums = [Checksum(algorithm=a, value=texts.pop(a.element)) for a in Algorithm if a.element in texts]
    number, etag = int(texts.pop("PartNumber")), texts.pop("ETag")
    if texts or len(sums) > 1:
        raise ValueError
    return NamedPart(number=number, etag=etag, checksum=sums[0] if sums else None)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _fill(element: ET.Element, children: Children) -> None:
    for name, content in children:
        child = ET.SubElement(element, name)
        if isinstance(content, str):
            child.text = content
        else:
            _fill(child, content)
