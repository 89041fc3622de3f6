"""Checks of single values: each returns the value in the engine's form, or raises OptionError with a valid example."""

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from partway.engine.backend.grants import parse_grants
from partway.engine.dates import iso, parse_date
from partway.engine.flow.bandwidth import MIN_BANDWIDTH
from partway.engine.flow.timetable import Timetable, parse_bandwidth
from partway.engine.quantities import parse_duration, parse_size

from .errors import OptionError

_MAX_CONCURRENCY = 256
_MAX_PARTS = 10_000
_MAX_METADATA = 2048  # bytes of names and values
_METADATA_NAME = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")  # the characters of an HTTP header's name
_MAX_TAGS, _MAX_TAG_NAME, _MAX_TAG_VALUE = 10, 128, 256


def size(name: str, value: object) -> int:
    """Bytes: a number, or text such as "16MiB"."""
    if isinstance(value, str):
        try:
            value = parse_size(value)
        except ValueError as error:
            raise OptionError(f"{name}: {error}") from None
    return _number(name, value, "a size, such as '16MiB' or 16777216", least=0)


def bandwidth(name: str, value: object) -> int | Timetable:
    """Bytes per second, at least the rate below which S3 closes the connection; or text as --bwlimit takes it."""
    if isinstance(value, str):
        try:
            return parse_bandwidth(value)
        except ValueError as error:
            raise OptionError(f"{name}: {error}") from None
    found = size(name, value)
    if found < MIN_BANDWIDTH:
        raise OptionError(f"{name}: {found:,} bytes per second is too low; the minimum is {MIN_BANDWIDTH // 1024}KiB")
    return found


def seconds(name: str, value: object) -> float:
    """Seconds: a number, or text such as "15min"."""
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ValueError as error:
            raise OptionError(f"{name}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise OptionError(f"{name}: {value!r} is not a valid time; use seconds, or text such as '15min'")
    return float(value)


def concurrency(name: str, value: object) -> int:
    """Parts in flight at the same time."""
    return _number(name, value, f"a number from 1 to {_MAX_CONCURRENCY}", least=1, most=_MAX_CONCURRENCY)


def max_parts(name: str, value: object) -> int:
    """The number of parts that a service accepts."""
    return _number(name, value, f"a number from 1 to {_MAX_PARTS:,}", least=1, most=_MAX_PARTS)


def flag(name: str, value: object) -> bool:
    """True or False; other truthy or falsy values are refused."""
    if not isinstance(value, bool):
        raise OptionError(f"{name}: {value!r} is neither True nor False")
    return value


def function(name: str, value: object) -> Callable[..., object]:
    """A callable."""
    if not callable(value):
        raise OptionError(f"{name}: {value!r} is not callable")
    return value


def header(name: str, value: object) -> str:
    """Text that an HTTP header can carry."""
    if not isinstance(value, str):
        raise OptionError(f"{name}: {value!r} is not a str")
    if not value.isascii() or not value.isprintable():
        raise OptionError(f"{name}: {value!r} cannot be sent; use printable ASCII")
    return value


def one_of(choices: Sequence[str], *, upper: bool = False) -> Callable[[str, object], str]:
    """A check that the value is one of ``choices``; ``upper`` accepts lower case too."""

    def check(name: str, value: object) -> str:
        text = value.upper() if upper and isinstance(value, str) else value
        if not isinstance(text, str) or text not in choices:
            raise OptionError(f"{name}: {value!r} is not one of {', '.join(choices)}")
        return text

    return check


def account(name: str, value: object) -> str:
    """An AWS account ID."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{12}", value):
        raise OptionError(f"{name}: {value!r} is not a valid account ID; use its 12 digits as a str")
    return value


def time(name: str, value: object) -> str:
    """A point in time, as ISO 8601 text in UTC.  A value without a time zone is in UTC."""
    if isinstance(value, str):
        try:
            value = parse_date(value)
        except ValueError as error:
            raise OptionError(f"{name}: {error}") from None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise OptionError(f"{name}: {value!r} is not a valid date; use 2030-12-31 or a datetime")
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return iso(value.astimezone(UTC))


def metadata(name: str, value: object) -> tuple[tuple[str, str], ...]:
    """User metadata: a mapping of names to strings.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    found = tuple((key, header(f"{name}[{key!r}]", text)) for key, text in _mapping(name, value))
    for key, _ in found:
        if not _METADATA_NAME.fullmatch(key):
            raise OptionError(f"{name}: {key!r} is not a valid name; use letters, digits, - and _")
    if len({key.lower() for key, _ in found}) < len(found):
        raise OptionError(f"{name}: a name is given twice; S3 does not distinguish upper and lower case")
    if (total := sum(len(key) + len(text) for key, text in found)) > _MAX_METADATA:
        raise OptionError(f"{name}: the metadata has {total:,} bytes; S3 accepts at most {_MAX_METADATA:,}")
    return found


def grants(name: str, value: object) -> tuple[tuple[str, str], ...]:
    """ACL grants in the form of ``aws``, one or several."""
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(each, str) and each.isprintable() for each in texts):
        raise OptionError(f"{name}: {value!r} is not a list of grants, such as ['read=id=...']")
    try:
        return parse_grants(texts)
    except ValueError as error:
        raise OptionError(f"{name}: {error}") from None


def tagging(name: str, value: object) -> str:
    """A mapping of tags, or the form that S3 uses, ``name=value&name=value``.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    """
    if isinstance(value, str):
        try:
            pairs = parse_qsl(value, keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_TAGS)
        except ValueError:
            raise OptionError(f"{name}: {value!r} is not valid; use a mapping, or name=value&name=value") from None
    else:
        pairs = _mapping(name, value)
    if len(pairs) > _MAX_TAGS or len({key for key, _ in pairs}) < len(pairs):
        raise OptionError(f"{name}: use at most {_MAX_TAGS} tags, with different names")
    if any(not key or len(key) > _MAX_TAG_NAME or len(text) > _MAX_TAG_VALUE for key, text in pairs):
        raise OptionError(f"{name}: names have 1 to {_MAX_TAG_NAME} characters, and values at most {_MAX_TAG_VALUE}")
    return urlencode(pairs)


def patterns(name: str, value: object) -> tuple[str, ...]:
    """Patterns of file names: a list, or a single string."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise OptionError(f"{name}: {value!r} is not a list of patterns, such as ['*.tmp']")
    return tuple(value)


def encoding(name: str, value: object) -> str:
    """The name of one of Python's text encodings."""
    if not isinstance(value, str):
        raise OptionError(f"{name}: {value!r} is not a str")
    try:
        return codecs.lookup(value).name
    except LookupError:
        raise OptionError(f"{name}: {value!r} is not a known encoding; use one such as latin-1 or cp1252") from None


def _number(name: str, value: object, what: str, *, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        raise OptionError(f"{name}: {value!r} is not {what}")
    return value


def _mapping(name: str, value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, Mapping):
        raise OptionError(f"{name}: {value!r} is not a mapping of names to strings")
    pairs = list(value.items())
    if not all(isinstance(key, str) and isinstance(text, str) for key, text in pairs):
        raise OptionError(f"{name}: names and values must be str")
    return pairs
