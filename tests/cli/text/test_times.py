"""Points in time as RFC 3339 has them."""

import pytest

from partway.cli.text.times import utc


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1772331424.8529, "2026-03-01T02:17:04.852Z"),
        (59.9999, "1970-01-01T00:00:59.999Z"),
    ],
)
def test_utc(seconds: float, text: str) -> None:
    """In UTC, with milliseconds that are cut, not rounded."""
    assert utc(seconds) == text
