"""Any input: sizes, times, addresses and names are parsed or refused with an error, and printed safely."""

import io
import unicodedata
from collections.abc import Callable
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from partway.cli.options import values
from partway.cli.options.s3_uri import parse_target
from partway.cli.text.escape import printable, shorten
from partway.cli.text.units import format_age, format_rate, format_seconds, format_size
from partway.engine.quantities import parse_duration, parse_size
from tests.support.fuzz.settings import QUICKLY
from tests.support.shell.command import CONTROL

MANY = settings(QUICKLY, max_examples=100)
CONTEXT = click.Context(click.Command("x"))
PARAMETER = click.Option(["--x"])
# Including surrogates, which Python uses for arguments that are not UTF-8.
ANYTHING = st.text(max_size=60) | st.text(st.characters(), max_size=20)
NUMBER = st.from_regex(r"[0-9\u0660-\u0669]{0,40}(\.[0-9]{0,10})?", fullmatch=True)
SIZES = ANYTHING | st.builds(str.__add__, NUMBER, st.sampled_from(["", " ", "k", "MiB", "GB", "t", "b", "kk", "ib"]))
TIMES = ANYTHING | st.builds(str.__add__, NUMBER, st.sampled_from(["", "s", "m", "min", "h", " d", "ms"]))
PORT = st.sampled_from(["", ":", ":0", ":80", ":65536", ":x", ":-1", ":\u0663"])
HOST = (
    st.sampled_from(["host", "", "[::1]", "[", "]", "[::1", "a b", "1.2.3.4", "ü", "user:pw@host", "h\u2100st"])
    | ANYTHING
)
SCHEME = st.sampled_from(["http", "https", "HTTP", "ftp", "", "s3", "file"])
URLS = ANYTHING | st.builds("{}://{}{}/{}".format, SCHEME, HOST, PORT, ANYTHING)
TARGETS = ANYTHING | st.builds("s3://{}{}{}".format, ANYTHING, st.sampled_from(["", "/", "//"]), ANYTHING)
NESTED = st.integers(1, 60_000).map(lambda depth: '{"a":' * depth)
MAPS = ANYTHING | NESTED | st.builds("{}={},{}".format, ANYTHING, ANYTHING, ANYTHING) | st.from_regex(r"\{.*\}")


@given(text=SIZES)
@MANY
def test_a_size_is_read_or_refused(text: str) -> None:
    """Whole bytes from 0 on, or ValueError with a short sentence."""
    try:
        size = parse_size(text)
    except ValueError as error:
        assert "is not a valid size" in str(error) and len(str(error)) < 300
    else:
        assert type(size) is int and size >= 0


@given(text=TIMES)
@MANY
def test_a_time_is_read_or_refused(text: str) -> None:
    """Seconds from 0 on that a clock can count, or ValueError with a short sentence."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        assert "is not a valid time" in str(error) and len(str(error)) < 700
    else:
        assert 0 <= seconds < float("inf")


def test_a_time_beyond_all_clocks_is_refused() -> None:
    """Four hundred digits are not a valid time, and not infinity either."""
    with pytest.raises(ValueError, match="is not a valid time"):
        parse_duration("9" * 400)


@given(size=st.integers(0, 1 << 60))
@MANY
def test_a_size_survives_being_written(size: int) -> None:
    """Up to rounding; whole bytes below 1 KiB exactly."""
    written = format_size(size)

    assert parse_size(written.replace(" B", "")) == pytest.approx(size, rel=0.06, abs=0)
    assert size >= 1024 or parse_size(written) == size


@given(count=st.integers(0, 1 << 30), unit=st.sampled_from([("", 1), ("KiB", 1024), ("m", 1024**2), ("Gb", 1024**3)]))
@MANY
def test_a_whole_number_of_units_is_exact(count: int, unit: tuple[str, int]) -> None:
    """Rounding loses no byte of any size that S3 supports."""
    assert parse_size(f"{count}{unit[0]}") == count * unit[1]


@given(seconds=st.integers(0, 10**9), unit=st.sampled_from([("", 1), ("s", 1), ("min", 60), ("h", 3600), ("d", 86400)]))
@MANY
def test_a_whole_number_of_seconds_is_exact(seconds: int, unit: tuple[str, int]) -> None:
    """In every unit."""
    assert parse_duration(f"{seconds}{unit[0]}") == seconds * unit[1]


@given(number=st.floats(0, 1e18))
@MANY
def test_numbers_are_written_in_one_short_line(number: float) -> None:
    """Sizes, rates, times and ages of any number."""
    written = [format(number) for format in (format_size, format_rate, format_seconds, format_age)]

    assert all(0 < len(text) < 40 and text.isprintable() for text in written)


CALLBACKS: dict[str, tuple[Callable[..., Any], Any]] = {
    "size": (values.size_value, SIZES),
    "time": (values.time_value, TIMES),
    "metadata": (values.metadata_value, MAPS),
    "header": (values.header_value, ANYTHING),
    "url": (values.url_value, URLS),
}


@pytest.mark.parametrize("name", CALLBACKS)
@given(data=st.data())
@settings(QUICKLY, max_examples=100)
def test_an_option_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """click's own error, with exit code 2, and no other."""
    callback, values = CALLBACKS[name]
    try:
        callback(CONTEXT, PARAMETER, data.draw(values))
    except click.BadParameter as error:
        assert error.message


def test_metadata_that_is_nested_without_end_is_refused() -> None:
    """It fits into a command-line argument, but exceeds a parser's stack."""
    with pytest.raises(click.BadParameter, match="is not a valid map"):
        values.metadata_value(CONTEXT, PARAMETER, '{"a":' * 20_000)


@given(text=URLS)
@MANY
def test_an_address_that_is_taken_has_no_password(text: str) -> None:
    """Stored and displayed addresses contain no credentials."""
    try:
        url = values.url_value(CONTEXT, PARAMETER, text)
    except click.BadParameter:
        return
    assert url is not None and "@" not in url


@given(text=TARGETS, source=ANYTHING)
@MANY
def test_a_target_is_read_or_refused(text: str, source: str) -> None:
    """A nonempty bucket and key in UTF-8 that match the input, or click's error."""
    try:
        bucket, key = parse_target(text, f"/folder/{source or 'x'}")
    except click.UsageError as error:
        assert error.message
        return
    f"{bucket}{key}".encode()
    assert bucket and "/" not in bucket
    assert f"s3://{bucket}/{key}".startswith(text)


@given(text=ANYTHING)
@MANY
def test_printable_has_nothing_that_a_terminal_acts_on(text: str) -> None:
    """No control, format, surrogate or separator character but the space; escaping again changes nothing."""
    shown = printable(text)

    assert not CONTROL.search(shown)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    assert printable(shown) == shown
    shown.encode()


@given(text=ANYTHING | st.text(st.sampled_from("[]/\\:smiley bold\x1b\u202e"), max_size=40))
@MANY
def test_rich_shows_it_literally(text: str) -> None:
    """Neither markup nor emoji names nor highlighting change it."""
    out = io.StringIO()
    console = Console(file=out, markup=False, highlight=False, emoji=False, force_terminal=False, width=10_000)
    console.print(Text(printable(text)), soft_wrap=True)

    assert out.getvalue() == printable(text) + "\n"


@given(text=ANYTHING, width=st.integers(-1, 40))
@MANY
def test_shortened_text_fits(text: str, width: int) -> None:
    """In terminal cells, for any characters."""
    assert cell_len(shorten(printable(text), width)) <= max(width, 0)
