"""Dates in the forms that aws takes."""

import pytest

from partway.engine.dates import iso, parse_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-12-31", "2030-12-31T00:00:00Z"),
        ("20301231", "2030-12-31T00:00:00Z"),
        ("2030-12-31 12:00:00", "2030-12-31T12:00:00Z"),
        ("2030-12-31T12:00:00+02:00", "2030-12-31T10:00:00Z"),
        ("Tue, 31 Dec 2030 12:00:00 GMT", "2030-12-31T12:00:00Z"),
        ("31 Dec 2030 12:00:00 +0100", "2030-12-31T11:00:00Z"),
        ("1924948800", "2030-12-31T12:00:00Z"),
        ("1924948800.9", "2030-12-31T12:00:00Z"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    """ISO 8601, RFC 822 and seconds since the epoch; without a zone, UTC."""
    assert iso(parse_date(text)) == expected


@pytest.mark.parametrize("text", ["", "tomorrow", "2030-13-01", "12", "Tue, 31 Foo 2030", "9999999999999", "-1", "1e9"])
def test_anything_else_is_refused(text: str) -> None:
    """With the forms that are valid."""
    with pytest.raises(ValueError, match="is not a valid date; use 2030-12-31"):
        parse_date(text)


def test_a_date_at_the_end_of_time_is_refused() -> None:
    """Its UTC form has no year."""
    with pytest.raises(ValueError, match="is not a valid date"):
        parse_date("9999-12-31T23:59:59-10:00")
