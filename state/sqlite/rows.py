"""Records as rows of the database, and back.  A row that no version writes is damage."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ..uploads import PartRecord, UploadRecord, UploadStatus

UPLOAD_COLUMNS = tuple(field.name for field in fields(UploadRecord))
PART_COLUMNS = ("number", "size", "etag", "checksum", "run")


class BadRow(Exception):
    """A row holds what this program never writes."""


def part_rows(id: str, parts: Iterable[PartRecord]) -> list[tuple[Any, ...]]:
    """Rows of these parts of the upload ``id``."""
    return [(id, *(getattr(part, name) for name in PART_COLUMNS)) for part in parts]


def to_sql(name: str) -> str | bytes:
    """SQLite's text is UTF-8; a name that is not goes in as its bytes."""
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


def upload_from_sql(row: tuple[Any, ...]) -> UploadRecord:
    """The record of a row with UPLOAD_COLUMNS.

    Raises:
        BadRow
    """
    values = dict(zip(UPLOAD_COLUMNS, row, strict=True))
    for name, types in _TYPES.items():
        if not isinstance(values[name], types):
            raise BadRow(f"{name} of an upload is {values[name]!r}"[:200])
    if values["size"] < 0 or values["part_size"] < 1 or values["run"] < 1:
        raise BadRow("a size of an upload is impossible")
    try:
        values["source"], values["key"] = from_sql(values["source"]), from_sql(values["key"])
        values["status"] = UploadStatus(values["status"])
        for name in ("mtime_ns", "inode", "device"):
            values[name] = int(values[name])
        values["ctime_ns"] = optional_int(values["ctime_ns"])
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRow(str(error)[:200]) from error
    return UploadRecord(**values)


def part_from_sql(row: tuple[Any, ...]) -> PartRecord:
    """The record of a row with PART_COLUMNS.

    Raises:
        BadRow
    """
    number, size, etag, checksum, run = row
    if tuple(map(type, row)) != (int, int, str, str, int) or number < 0 or size < 0 or run < 0:
        raise BadRow(f"part {number!r} is not readable"[:200])
    return PartRecord(number=number, size=size, etag=etag, checksum=checksum, run=run)
