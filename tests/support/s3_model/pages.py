"""Pages of parts and of uploads.  Pure: what is stored and what is asked for goes in, one page comes out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .errors import invalid_argument
from .quirks import Quirks
from .values import PartRow, PartsPage, StoredPart, UploadInfo, UploadsPage


def parts_page(
    upload: UploadInfo,
    *,
    parts: Iterable[StoredPart],
    replaced: Iterable[StoredPart],
    marker: int,
    max_parts: int,
    quirks: Quirks,
) -> PartsPage:
    """One page of ListParts.

    Rows of one number are never torn over two pages, since the marker could not name the second one.

    Args:
        parts: What counts, in any order.
        replaced: What was there before the same number was sent again; only shown by ``quirks.list_repeats``.
        marker: The page starts behind this number; 0 is the start.
        max_parts: Rows on the page at most, not below 0.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
    """
    if marker < 0 or max_parts < 0:
        raise invalid_argument("part-number-marker and max-parts must not be negative.")
    rows = _rows(parts, replaced, quirks)
    if marker and not quirks.list_ignores_marker:
        start = _order(marker, quirks)
        rows = [
            row
            for row in rows
            if _order(row.number, quirks) > start or (quirks.list_marker_inclusive and row.number == marker)
        ]
    end = len(rows) if quirks.list_ignores_max_parts else min(max_parts, len(rows))
    while 0 < end < len(rows) and rows[end].number == rows[end - 1].number:
        end += 1
    shown = tuple(rows[:end])
    return PartsPage(
        upload=upload,
        rows=shown,
        marker=marker,
        next_marker=shown[-1].number if shown else 0,
        max_parts=max_parts,
        is_truncated=0 < end < len(rows),
    )


def uploads_page(
    uploads: Sequence[UploadInfo],
    *,
    prefix: str,
    key_marker: str,
    upload_id_marker: str,
    max_uploads: int,
    quirks: Quirks,
) -> UploadsPage:
    """One page of ListMultipartUploads, by key and then by age.

    Args:
        uploads: The bucket's, oldest first.
        key_marker: The page starts behind this key, or, with ``upload_id_marker``, behind that upload of it.
        max_uploads: Rows on the page at most, not below 1.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
    """
    if max_uploads < 1:
        raise invalid_argument("max-uploads must be positive.")
    found = sorted(
        (u for u in uploads if (u.key == prefix if quirks.list_uploads_exact_key and prefix else _starts(u, prefix))),
        key=lambda u: u.key,
    )
    if key_marker and not quirks.list_ignores_marker:
        same_key = [u for u in found if u.key == key_marker]
        ids = [u.upload_id for u in same_key]
        behind = same_key[ids.index(upload_id_marker) + 1 :] if upload_id_marker in ids else []
        found = behind + [u for u in found if u.key > key_marker]
    shown, truncated = tuple(found[:max_uploads]), len(found) > max_uploads
    return UploadsPage(
        uploads=shown,
        next_key_marker=shown[-1].key if truncated else "",
        next_upload_id_marker=shown[-1].upload_id if truncated else "",
        is_truncated=truncated,
    )


def _rows(parts: Iterable[StoredPart], replaced: Iterable[StoredPart], quirks: Quirks) -> list[PartRow]:
    current, old = list(parts), list(replaced)
    stored = [*current, *current, *old] if quirks.list_repeats else current
    rows = [
        PartRow(
            number=part.number,
            size=part.size,
            etag=part.etag,
            checksum=part.checksum,
            modified=part.modified,
        )
        for part in stored
        if part.number not in quirks.list_drops
    ]
    rows = [replace(row, size=quirks.list_truncates.get(row.number, row.size)) for row in rows]
    return sorted(rows, key=lambda row: _order(row.number, quirks))


def _order(number: int, quirks: Quirks) -> str:
    """Sorts numbers as numbers, or as the names of files ``10000_``, ``1000_``, ... would sort."""
    return f"{number}_" if quirks.list_unsorted else f"{number:09d}"


def _starts(upload: UploadInfo, prefix: str) -> bool:
    return upload.key.startswith(prefix)
