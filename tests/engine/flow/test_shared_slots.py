"""Parts in flight of several runs together."""

from partway.engine.flow.concurrency import Concurrency
from partway.engine.flow.shared_slots import SharedSlots


def filled(run: Concurrency) -> int:
    """Start as many parts as may be; how many that were."""
    count = 0
    while run.acquire():
        count += 1
    return count


def test_one_run_alone_has_all() -> None:
    """Nobody else waits."""
    run = Concurrency(8, shared=SharedSlots(4))

    assert (filled(run), run.running) == (4, 4)


def test_a_run_that_waits_gets_its_share() -> None:
    """As parts of the other end, which gets no more meanwhile."""
    slots = SharedSlots(4)
    one, other = Concurrency(8, shared=slots), Concurrency(8, shared=slots)
    filled(one)
    seen = [filled(other)]
    for _ in range(4):
        one.release()
        seen.append(filled(one) * 10 + filled(other))

    # Two of four for each; what the other does not take, this one may have.
    assert seen == [0, 1, 1, 10, 10]
    assert (one.running, other.running) == (2, 2)


def test_a_run_that_leaves_is_not_waited_for() -> None:
    """It was refused, and ended without a part."""
    slots = SharedSlots(2)
    one, other = Concurrency(8, shared=slots), Concurrency(8, shared=slots)
    filled(one)
    waited = filled(other)
    other.close()
    one.release()

    assert (waited, filled(one)) == (0, 1)


def test_slots_come_back_after_the_end() -> None:
    """Parts that still run when their upload ends give back theirs."""
    slots = SharedSlots(2)
    one, other = Concurrency(8, shared=slots), Concurrency(8, shared=slots)
    filled(one)
    one.close()
    before = filled(other)
    one.release()
    one.release()

    assert (before, filled(other)) == (0, 2)


def test_more_runs_than_slots() -> None:
    """Each gets one in turn."""
    slots = SharedSlots(2)
    runs = [Concurrency(8, shared=slots) for _ in range(3)]
    first = [filled(run) for run in runs]
    runs[0].release()
    second = [filled(run) for run in (runs[0], runs[2])]

    assert first == [2, 0, 0]
    assert second == [0, 1]
