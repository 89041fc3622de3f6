"""Every call with every fault, once, three times and always: done and verified, or a clear, resumable error."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fault_matrix.case import Cell, Operation, Outcome
from tests.support.fault_matrix.expected import CELLS
from tests.support.fault_matrix.runner import Lab, Story
from tests.support.pages.reliability import page

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

# Text that must not appear in messages.
NOISE = re.compile(r"\n|Traceback|<html|object at 0x|botocore|None\b")


@pytest.fixture(scope="module")
def http() -> Iterator[Lab]:
    """One server over plain HTTP for all cells."""
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def https() -> Iterator[Lab]:
    """One over TLS."""
    with Lab(tls=True) as lab:
        yield lab


@pytest.fixture
def story(http: Lab, https: Lab, cell: Cell) -> Story:
    """The outcome of the cell."""
    return (https if cell.trouble.is_tls else http).tell(cell)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_fault_has_its_outcome(cell: Cell, story: Story) -> None:
    """The outcome is the right one and is said in a sentence; without the fault the same command then finishes;
    no part that was recorded goes again, nothing is aborted, nothing is lost, and the object is proven."""
    expected = cell.expected
    proofs = {"crc64nvme"} if cell.operation is not Operation.ABORT else {None}

    assert (story.first.outcome, story.again) == (expected.outcome, expected.again), story.first.sentence
    assert bool(story.first.sentence) == (expected.outcome is not Outcome.DONE)
    assert not NOISE.search(story.first.sentence), story.first.sentence
    assert story.second.outcome is Outcome.DONE, story.second.sentence
    assert (story.aborts, story.lost) == (0, 0)
    assert story.is_right
    assert story.proof in proofs


def test_the_page_is_what_the_matrix_says() -> None:
    """docs/reliability.md is what ``python -m tests.support.pages.reliability > docs/reliability.md`` writes."""
    assert PAGE.read_text() == page(lambda cell: cell.expected)
