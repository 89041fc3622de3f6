"""SlowDown lowers the number of parts in flight, and accepted parts raise it again."""

import pytest

from partway.engine.flow.backoff import AimdLimit
from tests.support.engine.clock import Clock


def test_it_begins_with_everything() -> None:
    """Without SlowDown, the limit is the maximum."""
    assert AimdLimit(8, Clock()).limit == 8


def test_a_refusal_halves() -> None:
    """Each second with a refusal halves the limit, down to one."""
    clock = Clock()
    throttle = AimdLimit(8, clock)
    limits = []
    for second in range(5):
        clock.now = float(second)
        throttle.slow_down(99)
        limits.append(throttle.limit)

    assert limits == [4, 2, 1, 1, 1]


def test_what_runs_is_halved() -> None:
    """If fewer parts run than the limit allows, half of the limit might change nothing."""
    throttle = AimdLimit(32, Clock())
    throttle.slow_down(6)

    assert throttle.limit == 3


def test_refusals_of_one_moment_are_one() -> None:
    """Eight workers that are refused at the same time count once."""
    throttle = AimdLimit(8, Clock())

    for _ in range(8):
        throttle.slow_down(99)

    assert throttle.limit == 4


def test_good_parts_bring_it_back() -> None:
    """One more after each round of parts, and never more than at the start."""
    throttle = AimdLimit(4, Clock())
    throttle.slow_down(99)
    limits = []
    for _ in range(9):
        throttle.speed_up()
        limits.append(throttle.limit)

    assert limits == [2, 3, 3, 3, 4, 4, 4, 4, 4]


@pytest.mark.parametrize("most", [1, 2, 3, 64])
def test_it_is_never_none_and_never_too_many(most: int) -> None:
    """The limit is always at least one, and at most what the user allowed."""
    clock = Clock()
    throttle = AimdLimit(most, clock)
    seen = set()
    for step in range(500):
        clock.now += 0.7
        throttle.slow_down(99) if step % 7 == 0 else throttle.speed_up()
        seen.add(throttle.limit)

    assert min(seen) >= 1 and max(seen) <= most
