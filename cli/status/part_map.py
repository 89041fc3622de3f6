"""The part map: one cell per part or run of parts, by status.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.text import Text

from partway.engine.source.plan import UploadPlan
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..text.palette import AMBER, BLUE, GREEN


class Cell(StrEnum):
    """The status of a part: sent by the last run, kept from an earlier one, in flight, or not on S3 yet."""

    SENT = "sent"
    REUSED = "reused"
    IN_FLIGHT = "in flight"
    MISSING = "missing"


GLYPHS = {Cell.SENT: "█", Cell.REUSED: "▓", Cell.IN_FLIGHT: "▄", Cell.MISSING: "·"}
STYLES = {Cell.SENT: GREEN, Cell.REUSED: BLUE, Cell.IN_FLIGHT: AMBER, Cell.MISSING: "dim"}
_MIXED = {1: "░", 2: "▒"}
_ASCII = str.maketrans("█▓▒░▄·", "#=+->.")  # for terminals whose encoding has no blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMap:
    """The map of one upload.  cells: one per part, in order."""

    cells: Sequence[Cell]

    def rows(self, width: int, max_rows: int = 16, *, ascii_only: bool = False) -> list[Text]:
        """Lines of at most ``width`` cells.  If the parts do not fit into ``max_rows`` lines, a cell stands for a run
        of parts: in flight if one of them is, missing if none is on S3, and otherwise the most common status."""
        run = max(1, -(-len(self.cells) // (width * max_rows)))
        drawn = [summarise(self.cells[start : start + run]) for start in range(0, len(self.cells), run)]
        lines = []
        for start in range(0, len(drawn), width):
            line = Text(no_wrap=True)
            for cell, glyph in drawn[start : start + width]:
                line.append(glyph.translate(_ASCII) if ascii_only else glyph, style=STYLES[cell])
            lines.append(line)
        return lines

    def legend(self, *, ascii_only: bool = False) -> Text:
        """The meaning of the colours, with counts."""
        text = Text()
        for cell in Cell:
            if count := sum(1 for other in self.cells if other is cell):
                glyph = GLYPHS[cell].translate(_ASCII) if ascii_only else GLYPHS[cell]
                text.append(("   " if text else "") + glyph, style=STYLES[cell])
                text.append(f" {cell} {count:,}")
        return text


def summarise(cells: Sequence[Cell]) -> tuple[Cell, str]:
    """The cell for several parts, and its glyph, which shows the share if some are missing."""
    if Cell.IN_FLIGHT in cells:
        return Cell.IN_FLIGHT, GLYPHS[Cell.IN_FLIGHT]
    missing = sum(1 for cell in cells if cell is Cell.MISSING)
    if missing == len(cells):
        return Cell.MISSING, GLYPHS[Cell.MISSING]
    there = [cell for cell in cells if cell is not Cell.MISSING]
    kind = Cell.SENT if there.count(Cell.SENT) >= there.count(Cell.REUSED) else Cell.REUSED
    if missing:
        return kind, _MIXED[1 if missing * 2 > len(cells) else 2]
    return kind, GLYPHS[kind]


def part_map(store: StateStore, record: UploadRecord, in_flight: Iterable[int] = ()) -> PartMap:
    """The map of an upload: parts of the last run are sent, those of earlier runs reused."""
    runs = {part.number: part.run for part in store.parts(record.id)}
    flying = set(in_flight)
    if record.is_stream:
        count = max(runs.keys() | flying, default=0)  # the length of a stream is unknown
    else:
        count = UploadPlan(file_size=record.size, part_size=record.part_size).part_count

    def cell(number: int) -> Cell:
        if number not in runs:
            return Cell.IN_FLIGHT if number in flying else Cell.MISSING
        return Cell.SENT if runs[number] == record.run else Cell.REUSED

    return PartMap(cells=[cell(number) for number in range(1, count + 1)])
