"""Text on a terminal: escaping, and shortening of names."""

import pytest
from rich.cells import cell_len

from partway.cli.text.escape import printable, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name é.txt", "plain name é.txt"),
        ("[bold]\\", "[bold]\\"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[0m\x9b\x7f", r"\x1b[0m\x9b\x7f"),
        ("a\u202eb\u2066\u200b\ufeff", r"a\u202eb\u2066\u200b\ufeff"),
        ("\u2028\xa0", r"\u2028\xa0"),
        ("caf\udce9", r"caf\xe9"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """Everything that a terminal interprets or does not show is escaped; the rest is unchanged."""
    assert printable(text) == shown


@pytest.mark.parametrize("width", range(12))
@pytest.mark.parametrize("text", ["a long file name.bin", "映画ファイル映画.bin", "", "short"])
def test_shorten_fits(text: str, width: int) -> None:
    """Never wider than the given number of terminal cells."""
    assert cell_len(shorten(text, width)) <= width


def test_shorten_keeps_both_ends() -> None:
    """The middle is omitted, since the ends of a name are the most significant."""
    assert shorten("holiday-2026-07-31.mkv", 11) == "holid…1.mkv"
    assert shorten("映画ファイル.bin", 10) == "映画….bin"
    assert shorten("as it is", 8) == "as it is"
