"""Which files of a directory, and in which order."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from partway.engine.walk.file_limits import FileLimits
from partway.engine.walk.order import Order
from partway.engine.walk.parse_selection import parse_age, parse_order

from .errors import OptionError
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
