"""Sizes, rates and times: parsed from common forms, shown in one."""

import pytest

from partway.cli.text.units import format_age, format_rate, format_seconds, format_size, format_span
from partway.engine.quantities import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("16777216", 16777216), ("16MiB", 16 << 20), ("16MB", 16 << 20), ("16m", 16 << 20), ("1.5G", 3 << 29), ("0", 0)],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    """With and without a unit, in any case."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "abc", "-1", "1 2", "1e3", "16PiB", "9" * 31])
def test_what_is_not_a_size_is_refused_with_examples(text: str) -> None:
    """The message says what to type, and repeats only the start of a long text."""
    with pytest.raises(ValueError, match=r"is not a valid size; use 16MiB, 1\.5G or 16777216") as refused:
        parse_size(text)

    assert len(str(refused.value)) < 100


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("15min", 900), ("15m", 900), ("2h", 7200)])
def test_times_are_seconds_unless_a_unit_follows(text: str, seconds: float) -> None:
    """Minutes have two spellings."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1w"])
def test_what_is_not_a_time_is_refused_with_examples(text: str) -> None:
    """The message says what to type."""
    with pytest.raises(ValueError, match="is not a valid time; use 90s, 15min or 2h"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), ((1 << 20) - 1, "1.0 MiB"), (5 << 50, "5120.0 TiB")],
)
def test_a_size_has_one_decimal(size: int, text: str) -> None:
    """Whole bytes below 1 KiB; what rounds up to the next unit is shown in it; TiB is the largest."""
    assert format_size(size) == text


def test_rates_and_times_as_they_are_shown() -> None:
    """A tenth of a second below a minute, a clock above; ages and spans in one unit."""
    assert format_rate(1 << 20) == "1.0 MiB/s"
    assert [format_seconds(each) for each in (4.24, 60, 3723)] == ["4.2 s", "1:00", "1:02:03"]
    assert [format_age(each) for each in (5, 60, 7200, 200000)] == ["just now", "1 min ago", "2 h ago", "2 d ago"]
    assert [format_span(each) for each in (604800, 5400, 1.5)] == ["7 d", "90 min", "1.5 s"]
