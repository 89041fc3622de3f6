"""Aligned columns.  A rich Table takes milliseconds per row: a minute for ten thousand rows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

if TYPE_CHECKING:
    from rich.table import Table

GAP = 2  # cells between two columns


def print_columns(
    console: Console,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
    styles: Mapping[str, str] = {},
) -> None:
    """Print the headers in bold, and a line per row, without wrapping or truncation.

    Args:
        right: Headers of right-aligned columns.
        styles: Styles of cells, by their text.
    """
    widths = [max(map(cell_len, cells)) for cells in zip(headers, *rows, strict=True)]
    aligned_right = [header in right for header in headers]
    known = {text: console.get_style(style) for text, style in styles.items()}
    bold = dict.fromkeys(headers, console.get_style("bold"))
    segments = [*_line(headers, widths, aligned_right, bold)]
    for row in rows:
        segments += _line(row, widths, aligned_right, known)
    console.print(Segments(segments), soft_wrap=True)


def print_table(console: Console, table: "Table") -> None:
    """Print a table of rich's without blanks at the ends of lines."""
    for line in console.render_lines(table, pad=False):
        segments = list(line)
        while segments and not segments[-1].text.strip():
            segments.pop()
        if segments:
            last = segments.pop()
            segments.append(Segment(last.text.rstrip(), last.style))
        console.print(Segments([*segments, Segment("\n")]), soft_wrap=True)


def _line(
    cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], styles: Mapping[str, Style]
) -> Iterator[Segment]:
    plain = ""
    for cell, width, is_right in zip(cells, widths, right, strict=True):
        padding = " " * (width - cell_len(cell))
        before, after = (padding, "") if is_right else ("", padding)
        if style := styles.get(cell):
            yield Segment(plain + before)
            yield Segment(cell, style)
            plain = after
        else:
            plain += before + cell + after
        plain += " " * GAP
    yield Segment(plain.rstrip() + "\n")
