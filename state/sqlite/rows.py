"""Convert records to rows and back.  A row that no version writes is damage."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from ..uploads import PartRecord, UploadRecord, UploadStatus

UPLOAD_COLUMNS = tuple(field.name for field in fields(UploadRecord))
PART_COLUMNS = ("number", "size", "etag", "checksum", "run")
_BATCH_SIZE = 500  # SQLite takes at least 999 variables in a statement


class BadRow(Exception):
    """A row has values that no version of partway writes."""


def batches(values: Iterable[str]) -> Iterator[list[str]]:
    """The values, in lists that one statement takes."""
    left = list(values)
    for start in range(0, len(left), _BATCH_SIZE):
        yield left[start : start + _BATCH_SIZE]


def marks(values: Collection[str]) -> str:
    """A question mark for each value, as ``IN (...)`` takes them."""
    return ", ".join("?" * len(values))


def upload_row(record: UploadRecord) -> dict[str, Any]:
    """The row of an upload, by column."""
    return asdict(record) | {
        "source": to_sql(record.source),
        "key": to_sql(record.key),
        "mtime_ns": str(record.mtime_ns),
        "inode": str(record.inode),
        "device": str(record.device),
        "ctime_ns": text_or_null(record.ctime_ns),
    }


def part_rows(id: str, parts: Iterable[PartRecord]) -> list[dict[str, Any]]:
    """The rows of these parts of the upload ``id``."""
    return [{"upload": id, **{name: getattr(part, name) for name in PART_COLUMNS}} for part in parts]


def to_sql(name: str) -> str | bytes:
    """A name as SQLite text, which is UTF-8; other names are stored as their bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass")
    return name


def from_sql(value: str | bytes) -> str:
    """The inverse of ``to_sql``.

    Raises:
        TypeError, ValueError: the column holds something else.
    """
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"a name is {value!r}")
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def text_or_null(value: int | None) -> str | None:
    """An integer that may exceed SQLite's 64 bits, as text."""
    return None if value is None else str(value)


def optional_int(value: str | None) -> int | None:
    """The inverse of ``text_or_null``.

    Raises:
        ValueError, TypeError: the column holds something else.
    """
    return None if value is None else int(value)


_NULL = type(None)
_TEXTS = ("id", "bucket", "endpoint", "options", "checksum_algorithm")
_OPTIONAL_TEXTS = ("region", "profile", "upload_id", "holder", "etag", "proof", "job", "wanted_algorithm", "command")
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, (str,)),
    **dict.fromkeys(_OPTIONAL_TEXTS, (str, _NULL)),
    **dict.fromkeys(("size", "part_size", "run"), (int,)),
    **dict.fromkeys(("created_at", "updated_at"), (float,)),
    **dict.fromkeys(("abort_date", "remote_created_at"), (float, _NULL)),
}


def upload_from_row(row: dict[str, Any]) -> UploadRecord:
    """The record of a row with UPLOAD_COLUMNS; ``row`` is used up.

    Raises:
        BadRow
    """
    for name, types in _TYPES.items():
        if not isinstance(row[name], types):
            raise BadRow(f"{name} of an upload is {row[name]!r}"[:200])
    if row["size"] < 0 or row["part_size"] < 1 or row["run"] < 1:
        raise BadRow("an upload has an impossible size")
    try:
        row["source"], row["key"] = from_sql(row["source"]), from_sql(row["key"])
        row["status"] = UploadStatus(row["status"])
        for name in ("mtime_ns", "inode", "device"):
            row[name] = int(row[name])
        row["ctime_ns"] = optional_int(row["ctime_ns"])
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRow(str(error)[:200]) from error
    return UploadRecord(**row)


def part_from_row(row: dict[str, Any]) -> PartRecord:
    """The record of a row with PART_COLUMNS.

    Raises:
        BadRow
    """
    number, size, etag, checksum, run = (row[name] for name in PART_COLUMNS)
    if tuple(map(type, (number, size, etag, checksum, run))) != (int, int, str, str, int) or min(number, size, run) < 0:
        raise BadRow(f"part {number!r} is not readable"[:200])
    return PartRecord(number=number, size=size, etag=etag, checksum=checksum, run=run)
