"""Bytes per second over the last ten seconds, or None instead of a guess."""

import pytest

from partway.engine.progress.rate import FixedRate, Rate


def rate_of(*samples: tuple[float, int]) -> Rate:
    """``samples``: time in seconds, and total bytes."""
    rate = Rate()
    for now, total in samples:
        rate.update(total, now)
    return rate


@pytest.mark.parametrize("samples", [(), ((0.0, 5),), ((0.0, 0), (0.4, 100))])
def test_too_few_samples_are_no_rate(samples: tuple[tuple[float, int], ...]) -> None:
    """A bar shows no rate rather than one that jumps."""
    assert rate_of(*samples).value() is None


def test_the_rate_is_of_the_last_ten_seconds() -> None:
    """A fast start does not count once the link is slow."""
    samples = [(0.0, 0), (1.0, 10_000), *((2.0 + second, 10_000 + 100 * second) for second in range(20))]

    assert rate_of(*samples).value() == pytest.approx(100.0)


def test_a_total_that_shrinks_is_a_rate_of_zero() -> None:
    """Parts in flight were lost; the rate is never negative."""
    assert rate_of((0.0, 1000), (2.0, 400)).value() == 0.0


def test_samples_of_before_a_reset_do_not_count() -> None:
    """The time of an outage does not count."""
    rate = rate_of((0.0, 0), (5.0, 5000))
    rate.reset()
    before = rate.value()
    rate.update(5000, 100.0)
    rate.update(5100, 101.0)

    assert before is None
    assert rate.value() == pytest.approx(100.0)


def test_many_events_keep_few_samples() -> None:
    """A thousand events per second cost no memory, and the newest total counts."""
    rate = rate_of(*((index / 1000, index) for index in range(20_001)))

    assert len(rate._samples) <= 110
    assert rate.value() == pytest.approx(1000.0)


def test_a_fixed_rate_is_what_another_process_measured() -> None:
    """Events do not change it."""
    rate = FixedRate(7.0)
    rate.update(1000, 0.0)
    rate.update(9000, 1.0)

    assert (rate.value(), FixedRate(None).value()) == (7.0, None)
