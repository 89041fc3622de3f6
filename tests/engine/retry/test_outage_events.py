"""The events of an outage: one at its start, one for each probe, one at its end."""

from dataclasses import replace

from partway.engine.events import Event
from partway.engine.events.upload import NetworkLost, NetworkProbed, NetworkRestored
from partway.engine.retry.outage_events import Outage
from partway.engine.retry.policy import Retry
from tests.support.engine.clock import Clock

LOST = Retry(number=1, attempt=1, wait=0.12345, reason="refused", unreachable=True, throttled=False)
PROBED = replace(LOST, is_probe=True, wait=5.0)


def test_an_outage_has_a_beginning_probes_and_an_end() -> None:
    clock, events = Clock(10.0), list[Event]()
    outage = Outage(events.append, clock)
    outage.lost("u", LOST)
    clock.now = 12.0
    outage.lost("u", LOST)  # it was in flight when the outage began
    outage.lost("u", PROBED)
    clock.now = 13.5
    outage.reached("u")

    assert events == [
        NetworkLost(upload="u", reason="refused", wait=0.123),
        NetworkProbed(upload="u", seconds=2.0, wait=5.0),
        NetworkRestored(upload="u", seconds=3.5),
    ]


def test_without_an_outage_a_response_is_no_event() -> None:
    events = list[Event]()
    outage = Outage(events.append, Clock())
    outage.reached("u")
    outage.lost("u", LOST)
    outage.reached("u")
    outage.reached("u")

    assert len(events) == 2


def test_a_second_outage_counts_from_its_own_beginning() -> None:
    clock, events = Clock(), list[Event]()
    outage = Outage(events.append, clock)
    for began in (0.0, 100.0):
        clock.now = began
        outage.lost("u", LOST)
        clock.now = began + 1.0
        outage.reached("u")

    assert [event.seconds for event in events if isinstance(event, NetworkRestored)] == [1.0, 1.0]
