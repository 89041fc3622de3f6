"""The part map of ``partway show``: a cell for each part, or for a run of parts."""

from dataclasses import replace

import pytest

from partway.cli.status.part_map import GLYPHS, Cell, PartMap, part_map, summarise
from partway.state.memory.store import MemoryStore
from partway.state.uploads import STREAM, PartRecord
from tests.support.engine.records import UPLOAD

SENT, REUSED, FLYING, MISSING = Cell.SENT, Cell.REUSED, Cell.IN_FLIGHT, Cell.MISSING


def part(number: int, run: int) -> PartRecord:
    return PartRecord(number=number, size=10, etag="e", checksum="c", run=run)


def test_each_part_has_the_state_that_the_store_knows() -> None:
    """Of the last run, of an earlier one, in flight, or missing; a part that is done is no longer in flight."""
    store, record = MemoryStore(), replace(UPLOAD, run=2)
    store.save_upload(record)
    store.replace_parts(record.id, [part(1, 1), part(2, 2)])
    found = part_map(store, record, in_flight=[2, 3])

    assert list(found.cells) == [REUSED, SENT, FLYING, *[MISSING] * 7]


def test_a_stream_has_as_many_cells_as_parts_that_have_begun() -> None:
    store, record = MemoryStore(), replace(UPLOAD, source=STREAM, size=0)
    store.save_upload(record)
    store.replace_parts(record.id, [part(1, 1)])

    assert list(part_map(store, record, in_flight=[3]).cells) == [SENT, MISSING, FLYING]
    assert list(part_map(MemoryStore(), record).cells) == []


@pytest.mark.parametrize(
    ("cells", "cell", "glyph"),
    [
        ([SENT, SENT], SENT, "█"),
        ([MISSING, MISSING], MISSING, "·"),
        ([SENT, FLYING, MISSING], FLYING, "▄"),
        ([SENT, MISSING, MISSING], SENT, "░"),
        ([REUSED, REUSED, MISSING], REUSED, "▒"),
        ([SENT, REUSED], SENT, "█"),
        ([SENT, REUSED, REUSED], REUSED, "▓"),
    ],
)
def test_a_cell_for_several_parts(cells: list[Cell], cell: Cell, glyph: str) -> None:
    """In flight if one is; missing only if all are; otherwise what most of them are, lighter where some are missing."""
    assert summarise(cells) == (cell, glyph)


@pytest.mark.parametrize(("count", "width", "lengths"), [(5, 3, [3, 2]), (10_000, 40, [40] * 15 + [25]), (0, 40, [])])
def test_the_map_fits(count: int, width: int, lengths: list[int]) -> None:
    """At most sixteen lines, however many parts."""
    rows = PartMap(cells=[SENT] * count).rows(width)

    assert [len(row) for row in rows] == lengths


def test_a_terminal_without_blocks_gets_ascii() -> None:
    found = PartMap(cells=[SENT, REUSED, FLYING, MISSING])

    assert found.rows(10)[0].plain == "█▓▄·"
    assert found.rows(10, ascii_only=True)[0].plain == "#=>."
    assert found.legend(ascii_only=True).plain == "# sent 1   = reused 1   > in flight 1   . missing 1"


def test_states_that_do_not_occur_are_not_in_the_legend() -> None:
    assert PartMap(cells=[MISSING, MISSING]).legend().plain == f"{GLYPHS[MISSING]} missing 2"
