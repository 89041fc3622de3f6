"""While the endpoint is unreachable, one call probes it, the others wait, and all fail together."""

import threading

import pytest

from partway.engine.errors import Transient
from partway.engine.retry.circuit_breaker import CircuitBreaker, Nudge


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def no_sleep(seconds: float) -> None:
    """Fails the test, because no call should wait."""
    raise AssertionError(f"waited {seconds} s")


def test_everybody_passes_while_the_endpoint_answers() -> None:
    """No call is a probe, and none waits."""
    breaker = CircuitBreaker(Clock())

    assert [breaker.acquire(no_sleep) for _ in range(3)] == [False, False, False]


def test_after_a_loss_one_call_asks_at_a_time() -> None:
    """The second call waits while the first one probes, and proceeds when that got a response."""
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure(False, since=100.0)
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            breaker.record_response()

    assert breaker.acquire(no_sleep) is True
    assert breaker.acquire(sleep) is False
    assert len(looks) == 3


def test_nobody_asks_before_the_rest_is_over() -> None:
    """The wait of one call applies to all."""
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure(False, since=100.0)
    breaker.open_for(7.0)

    assert breaker.acquire(clock.sleep) is True
    assert clock.now == pytest.approx(107.0, abs=0.3)


def test_a_later_rest_does_not_put_the_probe_off() -> None:
    """Calls in flight fail one after the other; the wait of the first one applies."""
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure(False, since=100.0)
    breaker.open_for(3.0)
    clock.now = 102.0
    breaker.open_for(5.0)

    breaker.acquire(clock.sleep)

    assert clock.now == pytest.approx(103.0, abs=0.3)


def test_a_rest_that_is_over_leaves_the_next_its_length() -> None:
    """Each failed probe is followed by a wait."""
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure(False, since=100.0)
    breaker.open_for(3.0)
    is_probe = breaker.acquire(clock.sleep)
    breaker.record_failure(is_probe, since=103.0)
    breaker.open_for(5.0)

    breaker.acquire(clock.sleep)

    assert clock.now == pytest.approx(108.0, abs=0.5)


def test_a_nudge_ends_the_rest_for_one_call() -> None:
    """It probes at once; the next call waits for its result."""
    clock, nudge = Clock(), Nudge()
    breaker = CircuitBreaker(clock, nudge=nudge)
    breaker.record_failure(False, since=100.0)
    breaker.open_for(5.0)
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        nudge()

    def answered(seconds: float) -> None:
        looks.append(seconds)
        breaker.record_response()

    assert breaker.acquire(sleep) is True
    assert (len(looks), clock.now) == (1, 100.0)
    assert breaker.acquire(answered) is False
    assert len(looks) == 2


def test_a_nudge_counts_once() -> None:
    """After a failed probe, the next wait has its full length."""
    clock, nudge = Clock(), Nudge()
    breaker = CircuitBreaker(clock, nudge=nudge)
    breaker.record_failure(False, since=100.0)
    nudge()
    breaker.record_failure(breaker.acquire(no_sleep), since=100.0)
    breaker.open_for(5.0)

    breaker.acquire(clock.sleep)

    assert clock.now == pytest.approx(105.0, abs=0.3)


def test_a_nudge_before_the_loss_is_none() -> None:
    """Without an outage, it has no effect."""
    clock, nudge = Clock(), Nudge()
    breaker = CircuitBreaker(clock, nudge=nudge)
    nudge()
    breaker.record_failure(False, since=100.0)
    breaker.open_for(5.0)

    breaker.acquire(clock.sleep)

    assert clock.now == pytest.approx(105.0, abs=0.3)


def test_a_call_that_was_cancelled_lets_the_next_one_ask() -> None:
    """Another call becomes the probe."""
    breaker = CircuitBreaker(Clock())
    breaker.record_failure(False, since=100.0)
    is_probe = breaker.acquire(no_sleep)

    breaker.release(is_probe)

    assert breaker.acquire(no_sleep) is True


def test_failures_of_calls_that_were_under_way_are_one_loss() -> None:
    """Sixty workers that lose the network at once count as one failure, so the first wait is short."""
    breaker = CircuitBreaker(Clock())

    for _ in range(60):
        breaker.record_failure(False, since=100.0)

    assert breaker.probes == 1


def test_when_one_gives_up_all_do() -> None:
    """No other call waits for the budget again."""
    breaker = CircuitBreaker(Clock())
    breaker.record_failure(False, since=100.0)
    last_word = Transient("away for too long")

    breaker.trip(last_word)

    with pytest.raises(Transient, match="away for too long"):
        breaker.acquire(no_sleep)


def test_the_time_away_counts_from_the_first_loss() -> None:
    """A response ends the outage."""
    clock = Clock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure(False, since=95.0)
    clock.now = 120.0
    before = breaker.unreachable_for()
    breaker.record_response()

    assert (before, breaker.unreachable_for()) == (25.0, 0.0)


def test_many_threads_ask_one_at_a_time() -> None:
    """However many workers wait, never more than one probes."""
    breaker = CircuitBreaker()
    breaker.record_failure(False, since=0.0)
    is_probe, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal is_probe, most
        for _ in range(20):
            mine = breaker.acquire(lambda seconds: None)
            with lock:
                is_probe += mine
                most = max(most, is_probe)
            with lock:
                is_probe -= mine
            breaker.record_failure(mine, since=0.0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1
