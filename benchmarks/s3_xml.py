"""The XML documents of the sink's answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """What the sink keeps of a part or an object: everything but its bytes."""

    number: int
    size: int
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


def document(root: str, rows: Mapping[str, str], *, inner: str = "") -> bytes:
    """A document of one level, with ``inner``, ready-made XML, at its end."""
    text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in rows.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">{text}{inner}</{root}>'.encode()


def parts_document(upload_id: str, parts: Sequence[PartFacts], *, truncated: bool) -> bytes:
    """A page of ListParts."""
    rows = {"UploadId": upload_id, "IsTruncated": str(truncated).lower()}
    if parts:
        rows["NextPartNumberMarker"] = str(parts[-1].number)
    return document("ListPartsResult", rows, inner="".join(_part_row(part) for part in parts))


def _part_row(part: PartFacts) -> str:
    sums = "".join(
        f"<Checksum{name.rpartition('-')[2].upper()}>{value}</Checksum{name.rpartition('-')[2].upper()}>"
        for name, value in part.checksums.items()
    )
    return (
        f'<Part><PartNumber>{part.number}</PartNumber><ETag>"{part.etag}"</ETag><Size>{part.size}</Size>'
        f"<LastModified>2026-01-01T00:00:00.000Z</LastModified>{sums}</Part>"
    )


def named_numbers(body: bytes) -> list[int]:
    """The part numbers that a CompleteMultipartUpload document names, in its order."""
    return [int(number) for number in re.findall(rb"<PartNumber>\s*(\d+)\s*</PartNumber>", body)]
