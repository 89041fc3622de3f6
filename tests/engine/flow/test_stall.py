"""The stall guard: a part that trickles is retried, a slow but steady one is not."""

import pytest

from partway.engine.errors import Transient
from partway.engine.flow.stall import MIN_RATE, WINDOW, StallGuard


class Clock:
    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def guard_with(clock: Clock) -> StallGuard:
    """A window of ten seconds, in which 1,000 bytes must be sent."""
    return StallGuard(clock, window=10.0, min_rate=100.0)


def test_a_trickle_is_a_stall(clock: Clock) -> None:
    """Bytes are sent all the time, but too few: an idle timeout would never trigger."""
    guard = guard_with(clock)
    guard.check(0)
    for sent in range(10, 100, 10):
        clock.now += 1
        guard.check(sent)
    clock.now += 1

    with pytest.raises(Transient, match=r"stalled: 100 bytes in 10 s") as raised:
        guard.check(100)
    assert (raised.value.code, raised.value.unreachable, raised.value.once) == ("Stalled", False, False)


@pytest.mark.parametrize("moved", [1, 999])
def test_less_than_the_least_rate_is_a_stall(clock: Clock, moved: int) -> None:
    """One byte less than the minimum rate requires in a window is too few."""
    guard = guard_with(clock)
    clock.now += 10

    with pytest.raises(Transient):
        guard.check(moved)


@pytest.mark.parametrize("moved", [1000, 1001])
def test_the_least_rate_is_enough(clock: Clock, moved: int) -> None:
    """Exactly as many bytes as the minimum rate requires are enough."""
    guard = guard_with(clock)
    clock.now += 10

    guard.check(moved)


def test_nothing_is_judged_before_the_window_has_passed(clock: Clock) -> None:
    """A connection may take time to start."""
    guard = guard_with(clock)
    clock.now += 9.99

    guard.check(1)
    clock.now += 0.01
    with pytest.raises(Transient):
        guard.check(1)


def test_a_slow_part_goes_on_for_ever(clock: Clock) -> None:
    """Each window starts at the end of the previous one."""
    guard = guard_with(clock)
    for sent in range(1000, 100_000, 1000):
        clock.now += 10

        guard.check(sent)


def test_a_fast_start_does_not_pay_for_a_later_stall(clock: Clock) -> None:
    """Only the last window counts, not the average since the start of the part."""
    guard = guard_with(clock)
    clock.now += 10
    guard.check(1_000_000)
    clock.now += 10

    with pytest.raises(Transient, match="stalled: 5 bytes"):
        guard.check(1_000_005)


@pytest.mark.parametrize("sent", [0, 300])
def test_a_part_that_starts_over_starts_the_watch_anew(clock: Clock, sent: int) -> None:
    """Fewer bytes than before mean a retry, or a client that read ahead: that is not a stall."""
    guard = guard_with(clock)
    clock.now += 10
    guard.check(5000)
    clock.now += 9
    guard.check(sent)
    clock.now += 9
    guard.check(sent + 1)
    clock.now += 1

    with pytest.raises(Transient, match="stalled: 2 bytes in 10 s"):
        guard.check(sent + 2)


def test_the_time_before_the_first_byte_does_not_count(clock: Clock) -> None:
    """Reading ahead for a signature may take minutes on a slow disk."""
    guard = guard_with(clock)
    for _ in range(100):
        clock.now += 9
        guard.check(0)

    clock.now += 9
    guard.check(1)


def test_the_usual_limits_let_a_modem_through(clock: Clock) -> None:
    """By default, 30 KiB must be sent in 30 seconds."""
    guard = StallGuard(clock)
    clock.now += 30
    guard.check(30 * 1024)
    clock.now += 30

    assert (WINDOW, MIN_RATE) == (30.0, 1024)
    with pytest.raises(Transient):
        guard.check(60 * 1024 - 1)
