"""Settings that cannot be kept are refused before anything is asked of S3."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from partway.engine.errors import PlanError
from partway.engine.flow.bandwidth import MIN_BANDWIDTH
from partway.engine.limits import MIB
from partway.engine.run.settings import UploadSettings, check_settings, make_workers


def test_the_smallest_bandwidth_is_accepted() -> None:
    """Below it S3 would end requests that take too long; one byte a second less is refused."""
    check_settings(UploadSettings(bandwidth=MIN_BANDWIDTH))

    with pytest.raises(PlanError):
        check_settings(UploadSettings(bandwidth=MIN_BANDWIDTH - 1))


def test_a_bandwidth_needs_workers_of_this_process() -> None:
    """What an executor sends elsewhere cannot be counted."""
    with ThreadPoolExecutor() as executor, pytest.raises(PlanError):
        check_settings(UploadSettings(bandwidth=MIB, executor=executor))


def test_no_bandwidth_is_no_limit() -> None:
    """None is the default, and an executor may be given with it."""
    with ThreadPoolExecutor() as executor:
        check_settings(UploadSettings(executor=executor))


def test_workers_share_the_bandwidth_only_where_there_is_one() -> None:
    """Without a limit no part waits for a token."""
    free, limited = make_workers(UploadSettings(), MIB), make_workers(UploadSettings(bandwidth=MIB), MIB)
    free.close()
    limited.close()

    assert free.bandwidth is None
    assert limited.bandwidth is not None
