"""Which files of a directory, and in which order."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from partway.engine.walk.file_limits import FileLimits
from partway.engine.walk.order import Order
from partway.engine.walk.parse_selection import parse_age, parse_order

from .errors import OptionError
from .sources import absolute
from .values import seconds


def age(name: str, value: object) -> tuple[float | None, float | None]:
    """An age in seconds, or a date in seconds since the epoch; the other one is None.

    A date without a time zone is in local time, as in the command.
    """
    if isinstance(value, str):
        try:
            return parse_age(value)
        except ValueError as error:
            raise OptionError(f"{name}: {error}") from None
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return None, moment.timestamp()
    return seconds(name, value.total_seconds() if isinstance(value, timedelta) else value), None


def order(name: str, value: object) -> Order:
    """Text such as "size,desc"."""
    if not isinstance(value, str):
        raise OptionError(f"{name}: {value!r} is not a str")
    try:
        return parse_order(value)
    except ValueError as error:
        raise OptionError(f"{name}: {error}") from None


@dataclass(frozen=True, slots=True)
class Names:
    """The names of files: in a file, by its absolute path, or in memory, separated by NUL."""

    path: str | None = None
    text: bytes = b""


def names(name: str, value: object) -> Names:
    """A list of names, or the path of a file with them."""
    if isinstance(value, (str, os.PathLike)):
        return Names(path=absolute(value))
    if not isinstance(value, Sequence) or not all(isinstance(each, (str, os.PathLike)) for each in value):
        raise OptionError(f"{name}: {value!r} is neither a path nor a list of names")
    texts = [os.fsencode(each) for each in value]
    if any(not each or b"\0" in each for each in texts):
        raise OptionError(f"{name}: a name is empty, or contains a NUL")
    # Also behind the last one: a single name is no line.
    return Names(text=b"".join(text + b"\0" for text in texts))


def limits(given: Mapping[str, Any]) -> FileLimits:
    """The limits of these options.

    Raises:
        OptionError: no file can be within them.
    """
    smallest, largest = given.get("min_size"), given.get("max_size")
    if smallest is not None and largest is not None and smallest > largest:
        raise OptionError("min_size is greater than max_size: no file has such a size")
    max_age, after = given.get("newer_than", (None, None))
    min_age, before = given.get("older_than", (None, None))
    return FileLimits(min_size=smallest, max_size=largest, max_age=max_age, min_age=min_age, after=after, before=before)
