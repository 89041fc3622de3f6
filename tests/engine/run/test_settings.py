"""Settings that cannot be honored are rejected before any request."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from partway.engine.errors import PlanError
from partway.engine.flow.bandwidth import MIN_BANDWIDTH
from partway.engine.limits import MIB
from partway.engine.run.settings import UploadSettings, check_settings, make_workers


def test_the_smallest_bandwidth_is_accepted() -> None:
    """Below the minimum, S3 would time out; one byte per second less is rejected."""
    check_settings(UploadSettings(bandwidth=MIN_BANDWIDTH))

    with pytest.raises(PlanError):
        check_settings(UploadSettings(bandwidth=MIN_BANDWIDTH - 1))


def test_a_bandwidth_needs_workers_of_this_process() -> None:
    """Bytes that an executor sends in other processes cannot be limited."""
    with ThreadPoolExecutor() as executor, pytest.raises(PlanError):
        check_settings(UploadSettings(bandwidth=MIB, executor=executor))


def test_no_bandwidth_is_no_limit() -> None:
    """None is the default, and allows an executor."""
    with ThreadPoolExecutor() as executor:
        check_settings(UploadSettings(executor=executor))


def test_workers_share_the_bandwidth() -> None:
    """Without a limit, no part waits for a token, and parts in other processes have no bucket."""
    with ThreadPoolExecutor() as executor:
        settings = (UploadSettings(), UploadSettings(bandwidth=MIB), UploadSettings(executor=executor))
        made = [make_workers(each, MIB) for each in settings]
    for each in made:
        each.close()

    assert [each.bandwidth and each.bandwidth.take(2 * MIB) for each in made] == [
        0.0,
        pytest.approx(1.75, abs=0.3),
        None,
    ]
    assert [each.concurrency.max_limit for each in made] == [32, 4, 32]
