"""A bandwidth limit by the time of day."""

import time
from datetime import datetime

import pytest

from partway.engine.flow.timetable import Timetable, parse_bandwidth
from partway.engine.limits import KIB, MIB

DAY = "08:00,2M 19:00,20M 23:00,off"


def at(text: str) -> float:
    """Local time of a day in the week of Monday, the 4th of January 2027."""
    return datetime.strptime(f"2027-01-{text}", "%Y-%m-%d %H:%M").timestamp()


@pytest.mark.parametrize(
    ("table", "when", "rate"),
    [
        ("20M", "04 03:00", 20 * MIB),
        ("off", "04 03:00", None),
        ("512KiB", "04 03:00", 512 * KIB),
        (DAY, "04 08:00", 2 * MIB),
        (DAY, "05 18:59", 2 * MIB),
        (DAY, "05 19:00", 20 * MIB),
        (DAY, "10 23:59", None),
        (DAY, "04 07:59", None),  # from the Sunday before
        ("Mon-08:00,2M Sat-00:00,off", "08 23:59", 2 * MIB),
        ("Mon-08:00,2M Sat-00:00,off", "09 00:00", None),
        ("mon-08:00,2M sat-00:00,off", "04 07:59", None),
        ("08:00,2M", "04 03:00", 2 * MIB),
    ],
)
def test_the_entry_before_holds(table: str, when: str, rate: int | None) -> None:
    """Also across midnight and the end of the week."""
    assert parse_bandwidth(table).rate_at(at(when)) == rate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast", "'fast' is not a valid rate; use bytes per second"),
        ("1k", "1k is 1,024 bytes per second; the minimum is 4KiB"),
        ("08:00,2M 19:00", "'19:00' is not a valid entry of a timetable"),
        ("24:00,2M", "'24:00,2M' is not a valid entry"),
        ("Foo-08:00,2M", "'Foo-08:00,2M' is not a valid entry"),
        ("08:00,2M 08:00,3M", "second entry of the timetable for this time"),
        ("08:00,fast", "'fast' is not a valid rate"),
        ("2M,3M", "'2M,3M' is not a valid entry"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    """The message shows a valid form."""
    with pytest.raises(ValueError, match=message):
        parse_bandwidth(text)


def test_two_spellings_are_one_table() -> None:
    """The order of entries does not matter."""
    assert parse_bandwidth("19:00,20M 08:00,2M") == parse_bandwidth("08:00,2M  19:00,20M")
    assert Timetable(((0, None),)).rate_at(time.time()) is None
