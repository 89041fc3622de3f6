"""Parse dates as users write them."""

import re
from datetime import UTC, datetime, tzinfo

_EPOCH = re.compile(r"\d{9,11}(\.\d{1,9})?")  # seconds; ISO 8601 has no date of so many digits
EXAMPLES = "2030-12-31, 2030-12-31T12:00:00Z, 'Tue, 31 Dec 2030 12:00:00 GMT' or seconds since the epoch"


def parse_date(text: str, *, zone: tzinfo | None = UTC) -> datetime:
    """A point in time, in UTC, in one of the forms that ``aws`` accepts: ISO 8601, RFC 822, or seconds since the epoch.

    zone: for a date without a time zone; None means local time.

    Raises:
        ValueError: the text is none of these.
    """
    text = text.strip()
    try:
        date = _read(text)
        return (date.replace(tzinfo=zone) if date.tzinfo is None else date).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise ValueError(f"{text[:60]!r} is not a valid date; use {EXAMPLES}") from None


def _read(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        from email.utils import parsedate_to_datetime  # imported here, because it is slow to load

        return parsedate_to_datetime(text)


def iso(date: datetime) -> str:
    """The date in S3's format, in whole seconds."""
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")
