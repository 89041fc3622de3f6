"""The pace of a run follows its timetable, and the requests of another process."""

from partway.engine.clock import SystemClock
from partway.engine.flow.bandwidth import TokenBucket
from partway.engine.flow.concurrency import Concurrency
from partway.engine.flow.pace import PaceKeeper
from partway.engine.flow.timetable import Timetable
from partway.engine.limits import MIB
from partway.state.live import PaceRequest
from partway.state.memory.live import MemoryLive

ID = "0a1b2c3d"


class SetClock(SystemClock):
    """A clock whose times the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def asked(live: MemoryLive, keeper: PaceKeeper, clock: SetClock, request: PaceRequest | None) -> None:
    live.request_pace(ID, request)
    clock.now += 1.0
    keeper.poll()


def test_a_request_is_followed_within_a_second() -> None:
    """And the run's own pace returns when the request is withdrawn."""
    clock, live, concurrency = SetClock(), MemoryLive(), Concurrency(None)
    keeper = PaceKeeper(8 * MIB, concurrency, clock=clock)
    keeper.follow(live, ID)
    seen = []
    for request in (
        PaceRequest(bandwidth="1M"),
        PaceRequest(bandwidth="off", concurrency=3),
        PaceRequest(bandwidth="nonsense"),
        None,
    ):
        asked(live, keeper, clock, request)
        seen.append((keeper.bucket.rate, concurrency.max_limit))

    assert seen == [(MIB, 4), (None, 3), (8 * MIB, 32), (8 * MIB, 32)]


def test_it_looks_once_a_second() -> None:
    """However often it is called."""
    clock, live = SetClock(), MemoryLive()
    keeper = PaceKeeper(None, Concurrency(None), clock=clock)
    keeper.follow(live, ID)
    keeper.poll()
    live.request_pace(ID, PaceRequest(bandwidth="1M"))
    clock.now += 0.9
    keeper.poll()

    assert keeper.bucket.rate is None


def test_a_request_for_an_earlier_run_is_dropped() -> None:
    """That run was killed, so its request was not withdrawn."""
    live = MemoryLive()
    live.request_pace(ID, PaceRequest(bandwidth="1M"))
    PaceKeeper(None, Concurrency(None)).follow(live, ID)

    assert live.requested_pace(ID) == PaceRequest()


def test_a_timetable_is_followed() -> None:
    """Within a second."""
    clock = SetClock()
    table = Timetable(tuple((minute, (minute % 2 + 1) * MIB) for minute in range(7 * 24 * 60)))
    keeper = PaceKeeper(table, Concurrency(None), clock=clock)
    before = keeper.bucket.rate
    clock.now += 60.0
    keeper.poll()

    assert {before, keeper.bucket.rate} == {MIB, 2 * MIB}


def test_what_several_runs_share_stays_theirs() -> None:
    """A run cannot exceed the shared limit; a slower run does not slow the others down."""
    clock, live, shared = SetClock(), MemoryLive(), TokenBucket(None, lambda: 0.0)
    one, other = (PaceKeeper(4 * MIB, Concurrency(None), shared=shared, clock=clock) for _ in range(2))
    one.follow(live, ID)
    rates = []
    for bandwidth in ("off", "1M"):
        asked(live, one, clock, PaceRequest(bandwidth=bandwidth))
        rates.append((one.bucket.rate, other.bucket.rate, shared.rate))

    assert rates == [(4 * MIB, 4 * MIB, 4 * MIB), (MIB, 4 * MIB, 4 * MIB)]
