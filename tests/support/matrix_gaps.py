"""Where the engine does something else than it must, today: what it does, and why that is wrong.

A cell that is mended fails its test until its row is taken out of here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .matrix import Cell, Expected, Operation, Outcome, Times, Trouble
from .matrix_cells import DONE_BEFORE

_done, _final = (Expected(outcome=o) for o in (Outcome.DONE, Outcome.FINAL))
_listed_nothing = Expected(outcome=Outcome.DONE, again=DONE_BEFORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """today: what comes of it once, three times and for ever.  wrong: a sentence for the page.

    is_noisy: What the user reads is no plain sentence.
    """

    today: tuple[Expected, Expected, Expected]
    wrong: str
    is_noisy: bool = False


GAPS: Mapping[tuple[Operation, Trouble], Gap] = {}


def today(cell: Cell) -> Expected:
    """What comes of a cell as the engine is."""
    gap = GAPS.get((cell.operation, cell.trouble))
    return cell.expected if gap is None else gap.today[list(Times).index(cell.times)]


def is_noisy(cell: Cell) -> bool:
    """Whether what the user reads is no plain sentence, as the engine is."""
    gap = GAPS.get((cell.operation, cell.trouble))
    return gap is not None and gap.is_noisy and today(cell).outcome is not Outcome.DONE
