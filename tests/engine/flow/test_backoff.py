"""SlowDown makes fewer parts go at the same time, and good parts make it more again."""

import pytest

from partway.engine.flow.backoff import AimdLimit
from tests.support.engine.clock import Clock


def test_it_begins_with_everything() -> None:
    """Nobody is slow before he is told."""
    assert AimdLimit(8, Clock()).limit == 8


def test_a_refusal_halves() -> None:
    """Each second that brings refusals halves, down to one."""
    clock = Clock()
    throttle = AimdLimit(8, clock)
    limits = []
    for second in range(5):
        clock.now = float(second)
        throttle.slow_down(99)
        limits.append(throttle.limit)

    assert limits == [4, 2, 1, 1, 1]


def test_what_runs_is_halved() -> None:
    """Where fewer run than may, the half of what may would change nothing."""
    throttle = AimdLimit(32, Clock())
    throttle.slow_down(6)

    assert throttle.limit == 3


def test_refusals_of_one_moment_are_one() -> None:
    """Eight workers refused at once say the same thing once."""
    throttle = AimdLimit(8, Clock())

    for _ in range(8):
        throttle.slow_down(99)

    assert throttle.limit == 4


def test_good_parts_bring_it_back() -> None:
    """One more for each round of parts, and never more than at the start."""
    throttle = AimdLimit(4, Clock())
    throttle.slow_down(99)
    limits = []
    for _ in range(9):
        throttle.speed_up()
        limits.append(throttle.limit)

    assert limits == [2, 3, 3, 3, 4, 4, 4, 4, 4]


@pytest.mark.parametrize("most", [1, 2, 3, 64])
def test_it_is_never_none_and_never_too_many(most: int) -> None:
    """Whatever happens, one part goes and no more than the user allowed."""
    clock = Clock()
    throttle = AimdLimit(most, clock)
    seen = set()
    for step in range(500):
        clock.now += 0.7
        throttle.slow_down(99) if step % 7 == 0 else throttle.speed_up()
        seen.add(throttle.limit)

    assert min(seen) >= 1 and max(seen) <= most
