"""The limit for parts in flight: fixed or adaptive, and lower when the service is overloaded."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from partway.engine.errors import Transient
from partway.engine.flow.concurrency import Concurrency
from partway.engine.limits import MAX_CONCURRENCY, MAX_SMALL_FILES, MIB
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.clock import Clock
from tests.support.engine.simulated_link import Link, Simulation
from tests.support.engine.upload_case import Uploading
from tests.support.fault_matrix.case import Operation
from tests.support.fault_matrix.switched_backend import Switch, SwitchedBackend
from tests.support.s3_faults.faults import Fault, Hang, Stage
from tests.support.s3_faults.responses import slow_down
from tests.support.s3_server.server import StrictS3

PART = 16 * MIB
FAST = Link(rate=500 * MIB, each=30 * MIB)


def test_a_number_stays() -> None:
    """A fixed number stays, except after SlowDown."""
    concurrency = Concurrency(7, clock=Clock())
    while concurrency.acquire():
        pass
    concurrency.timed_out()
    before = concurrency.limit
    concurrency.slow_down()

    assert (before, concurrency.limit, concurrency.max_limit, concurrency.local) == (7, 3, 7, 7)


def test_more_small_files_than_parts_are_in_flight() -> None:
    """What a small file waits for is an answer; a fixed number counts files like parts."""
    counts = {}
    for number in (None, 7):
        concurrency = Concurrency(number, part_size=PART, clock=Clock())
        concurrency.set_pace(None, None)
        if concurrency._adaptive is not None:
            concurrency._adaptive.limit = MAX_CONCURRENCY
        while concurrency.acquire(concurrency.weight(4096)):
            pass
        counts[number] = concurrency.running

    assert counts == {None: MAX_SMALL_FILES, 7: 7}


def adaptive(simulation: Simulation) -> Concurrency:
    return Concurrency(None, part_size=PART, clock=simulation.clock)


def run(simulation: Simulation, concurrency: Concurrency, seconds: float) -> None:
    simulation.run(seconds, concurrency)


def test_without_a_number_it_climbs() -> None:
    """Few parts at first, then as many as the link carries."""
    simulation = Simulation(FAST, PART)
    concurrency = adaptive(simulation)
    first = concurrency.limit
    run(simulation, concurrency, 10)

    assert first == 2
    assert 14 <= concurrency.limit <= MAX_CONCURRENCY


@pytest.mark.parametrize("trouble", [Concurrency.slow_down, Concurrency.timed_out])
def test_trouble_halves_what_runs_and_it_comes_back(trouble: Callable[[Concurrency], None]) -> None:
    """SlowDown and a timeout both lower an adaptive limit."""
    simulation = Simulation(FAST, PART)
    concurrency = adaptive(simulation)
    run(simulation, concurrency, 10)
    rate = simulation.run(5, concurrency)
    before = concurrency.limit
    trouble(concurrency)
    after = concurrency.limit
    run(simulation, concurrency, 20)

    assert after == before // 2
    assert simulation.run(5, concurrency) >= 0.95 * rate


def test_parts_alone_are_enough_to_go_by() -> None:
    """Workers in other processes report nothing before a part is done."""
    simulation = Simulation(FAST, PART, tells=False)
    concurrency = adaptive(simulation)
    simulation.run(20, concurrency)

    assert concurrency.limit >= 14


@pytest.mark.parametrize(
    ("number", "asked", "bound", "expected"),
    [
        (None, None, None, 32),
        (None, None, 3, 3),
        (None, 5, None, 5),
        (8, None, 3, 3),
        (2, None, 3, 2),
        (2, 8, None, 8),
        (2, 8, 3, 3),
        (2, 99, None, 32),
        (64, 50, None, 50),
    ],
)
def test_another_pace(number: int | None, asked: int | None, bound: int | None, expected: int) -> None:
    """What is asked for replaces a fixed number; a slow bandwidth leaves little to share; and the first comes back."""
    concurrency = Concurrency(number, clock=Clock())
    concurrency.set_pace(asked, bound)
    most = concurrency.max_limit
    concurrency.set_pace(None, None)

    assert (most, concurrency.max_limit) == (expected, number or 32)


def test_a_smaller_number_lets_running_parts_end() -> None:
    """And none starts before a slot is free."""
    concurrency = Concurrency(4, clock=Clock())
    while concurrency.acquire():
        pass
    concurrency.set_pace(2, None)
    waits = [not concurrency.acquire()]
    for _ in range(2):
        concurrency.release()
        waits.append(not concurrency.acquire())
    concurrency.release()

    assert (waits, concurrency.acquire()) == ([True, True, True], True)


def test_an_adaptive_number_climbs_again() -> None:
    """Once a lower limit is lifted, the adaptive number climbs again: the link has not changed."""
    simulation = Simulation(FAST, PART)
    concurrency = adaptive(simulation)
    concurrency.set_pace(2, None)
    run(simulation, concurrency, 10)
    held = concurrency.limit
    concurrency.set_pace(None, None)
    run(simulation, concurrency, 10)

    assert held <= 2
    assert concurrency.limit >= 14


def test_every_part_in_flight_has_a_connection() -> None:
    """Also for callers of the library that do not set a number."""
    assert S3Config().connections > MAX_CONCURRENCY


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ReadTimeoutError", True), ("Stalled", True), ("RequestTimeout", True), ("BadDigest", False)],
)
def test_which_troubles_are_timeouts(code: str, expected: bool) -> None:
    """No response, or a stall."""
    assert Transient("trouble", code=code).timed_out is expected


def test_an_upload_finds_its_number_by_itself(strict: StrictS3, uploading: Uploading, hasty: S3Backend) -> None:
    """Even during SlowDown and timeouts."""
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=slow_down(), part_number=2),
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=Hang(seconds=30), part_number=3),
    )
    uploading.backend = SwitchedBackend(uploading.backend, Switch(Operation.PART, 1, number=3), hasty)
    done = uploading.run(concurrency=None)

    assert done.retries == 2
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_other_processes_need_no_number(strict: StrictS3, uploading: Uploading) -> None:
    """They report nothing while they send."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        uploading.run(executor=executor, concurrency=None)

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
