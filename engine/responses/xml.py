"""Prepare the XML documents in responses of proxies and of services that deviate from S3's XML."""

import re
import zlib
from typing import Any
from xml.parsers import expat

# expat's errors for a document that ends within an element, a tag, a character or a section.
_ENDS_EARLY = frozenset(
    expat.errors.codes[words]
    for words in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
_GZIP = b"\x1f\x8b"
_BEFORE_XML = b" \t\r\n\xef\xbb\xbf"
# Characters that XML does not allow, literal or as references: S3 accepts them in keys, and returns them.
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")
_NO_XML = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|&#(?:x0*(?:[0-8bcef]|1[0-9a-f]|fff[ef]|d[89a-f][0-9a-f]{2})"
    rb"|0*(?:[0-8]|1[1-24-9]|2\d|3[01]|6553[45]|5(?:529[6-9]|5[3-9]\d\d|6\d{3}|7[0-2]\d\d|73[0-3]\d|734[0-3])));",
    re.IGNORECASE,
)
# Atomic groups: without them, a sequence of n comments that no page follows could be matched in 2^n ways.
_HTML = re.compile(
    rb"(?>(?><\?xml[^>]*>|<!--.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body|script|meta)\b", re.I | re.S
)
_EMPTY = re.compile(rb"<([A-Za-z0-9:]+)\s*/>|<([A-Za-z0-9:]+)>\s*</\2>")


def plain(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without unrequested compression, and without what XML parsers reject: anything before the document, and
    characters that XML does not allow, which become question marks.

    Args:
        encoding: The response's Content-Encoding, or "".
        limit: Maximum bytes; of a compressed body that is larger, ``limit + 1`` bytes are returned.

    Raises:
        EOFError: the body was truncated.
    """
    if "gzip" in encoding.lower() and body.startswith(_GZIP):
        body = _unzipped(body, limit)
    return _without_odd_characters(body.lstrip(_BEFORE_XML))


def _without_odd_characters(body: bytes) -> bytes:
    if b"&#" in body or b"\xef\xbf" in body or len(body.translate(None, _CONTROLS)) != len(body):
        return _NO_XML.sub(b"?", body)
    return body


def _unzipped(body: bytes, limit: int) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        text = unzip.decompress(body, limit + 1)
    except zlib.error as error:
        raise EOFError("the response is not valid gzip") from error
    if not unzip.eof and len(text) <= limit:
        raise EOFError("the response was truncated")
    return text


def is_cut(document: bytes) -> bool:
    """True for a truncated error document, which botocore treats as one without a code."""
    if not document.startswith((b"<?xml", b"<Error")):
        return False
    try:
        expat.ParserCreate().Parse(document, True)
    except expat.ExpatError as error:
        return error.code in _ENDS_EARLY
    except (LookupError, ValueError):
        pass  # an encoding that Python does not know, or cannot use
    return False


def is_web_page(document: bytes) -> bool:
    """True for HTML, which no service sends in response to a successful call."""
    return _HTML.match(document) is not None


def drop_empty(response_dict: Any, **_: Any) -> None:
    """A handler for botocore's "before-parse.s3": remove elements without content, which botocore would parse as
    numbers and dates, or as checksums that differ from ours."""
    if response_dict["status_code"] == 200 and isinstance(body := response_dict["body"], bytes):
        rest = _EMPTY.sub(b"", body)
        if b"</" in rest:
            response_dict["body"] = rest
