"""The adaptive limit finds the fastest number of parts on many kinds of links, and never collapses."""

import pytest

from partway.engine.flow.adaptive import AdaptiveLimit
from partway.engine.flow.concurrency import Concurrency
from tests.support.engine.simulated_link import MIB, Link, Simulation

MOST = 32
PART = 16 * MIB
LINKS = {
    "this machine": Link(rate=500 * MIB, crowd=0.01),
    "one connection is enough": Link(rate=100 * MIB),
    "each connection is capped": Link(rate=600 * MIB, each=30 * MIB),
    "each is capped low": Link(rate=50 * MIB, each=3 * MIB),
    "a datacenter far away": Link(rate=600 * MIB, each=60 * MIB, answer=0.3),
    "answers come late": Link(rate=600 * MIB, answer=0.2),
    "answers come very late": Link(rate=400 * MIB, answer=1.0),
    "a wavering link": Link(rate=80 * MIB, each=25 * MIB, jitter=0.5),
    "an office": Link(rate=12 * MIB, answer=0.05),
    "a home uplink": Link(rate=1.25 * MIB, answer=0.1),
    "a home uplink with a deep buffer": Link(rate=1.25 * MIB, answer=0.1, buffer=4 * MIB),
    "a phone": Link(rate=0.1 * MIB, answer=0.3),
    "crowds are slow": Link(rate=500 * MIB, crowd=0.05),
}


def best_fixed(link: Link) -> float:
    """Bytes per second with the best fixed number of parts."""
    rates = []
    for number in (1, 2, 4, 6, 8, 12, 16, 20, 26, 32):
        simulation, places = Simulation(link, PART), Concurrency(number)
        simulation.run(5, places)
        rates.append(simulation.run(10, places) / 10)
    return max(rates)


def adaptive(link: Link, *, seed: int = 1) -> tuple[Simulation, Concurrency]:
    """A simulated link, and the slots for its parts."""
    simulation = Simulation(link, PART, seed=seed)
    return simulation, Concurrency(None, part_size=PART, clock=simulation.clock)


def run(simulation: Simulation, limit: Concurrency, seconds: float) -> float:
    """Bytes per second over the next seconds."""
    return simulation.run(seconds, limit) / seconds


@pytest.mark.parametrize("name", LINKS)
def test_after_ten_seconds_it_is_as_fast_as_the_best_fixed_number(name: str) -> None:
    """At least 95 % of the best rate over the next minute, and never below 85 %."""
    best = best_fixed(LINKS[name])
    rates = []
    for seed in range(2):
        simulation, limit = adaptive(LINKS[name], seed=seed)
        run(simulation, limit, 10)
        rates += [run(simulation, limit, 20) / best for _ in range(3)]

    assert sum(rates) / len(rates) >= 0.95
    assert min(rates) >= 0.85


def test_slow_connections_are_made_many() -> None:
    """Each connection is capped at 1 MiB per second: a part takes long, and yet fewer parts would be slower."""
    link = Link(rate=100 * MIB, each=1 * MIB, answer=0.1)
    simulation, limit = adaptive(link)
    run(simulation, limit, 60)

    assert run(simulation, limit, 60) >= 0.9 * best_fixed(link)


@pytest.mark.parametrize("name", ["this machine", "answers come late"])
def test_fast_links_are_climbed_at_once(name: str) -> None:
    """A file of a few GiB is sent in seconds, and most of these must not be spent on trials."""
    simulation, limit = adaptive(LINKS[name])
    sent = run(simulation, limit, 2)

    assert sent >= 0.5 * best_fixed(LINKS[name])


def test_a_link_that_idles_while_answers_are_waited_for_is_filled_at_once() -> None:
    """Everything is sent and no response arrives: more parts cost nothing."""
    simulation, limit = adaptive(LINKS["answers come late"])
    run(simulation, limit, 0.3)

    assert limit.limit >= 8


@pytest.mark.parametrize("seed", [0, 2])
def test_a_rate_that_changes_is_followed(seed: int) -> None:
    """The link changes every twenty seconds; the limit follows it up and down."""
    rates = [1000, 20, 200, 2, 500]

    def rate(now: float) -> float:
        return rates[int(now / 20 + seed) % len(rates)] * MIB

    simulation, limit = adaptive(Link(rate=rate, each=40 * MIB, jitter=0.1), seed=seed)
    run(simulation, limit, 10)
    sent = run(simulation, limit, 200)
    fixed = Simulation(Link(rate=rate, each=40 * MIB, jitter=0.1), PART, seed=seed)
    most = Concurrency(MOST)
    fixed.run(10, most)

    assert sent >= 0.7 * fixed.run(200, most) / 200


@pytest.mark.parametrize("name", ["a home uplink", "a home uplink with a deep buffer", "a phone"])
def test_on_a_slow_link_a_kill_costs_little(name: str) -> None:
    """Never more than two parts, and soon one: a kill costs seconds of work, not minutes."""
    simulation, limit = adaptive(LINKS[name])
    most = 0.0
    for _ in range(600):
        run(simulation, limit, 1)
        most = max(most, simulation.at_risk())
    risks = []
    for _ in range(300):
        run(simulation, limit, 1)
        risks.append(simulation.at_risk())

    assert most <= 2 * PART
    assert sum(risks) / len(risks) <= 0.7 * PART


def test_parts_that_begin_anew_are_not_counted_twice() -> None:
    """Bytes sent again by a retry do not count: a connection that keeps breaking is not fast."""
    now = 0.0
    limit = AdaptiveLimit(part_size=PART, max_limit=MOST, clock=lambda: now)
    for _ in range(100):
        for sent in (MIB, 10 * MIB):
            now += 0.1
            limit.sent(("", 1), sent, PART)
            limit.sent(("", 2), sent, PART)
            limit.update(2, full=True)

    assert limit.limit <= 2


def test_an_empty_part_is_done_too() -> None:
    """An empty file has one empty part, of which nothing is ever in flight."""
    limit = AdaptiveLimit(part_size=PART, max_limit=MOST, clock=lambda: 0.0)
    limit.done(("", 1), 0)
    limit.update(1, full=False)

    assert limit.limit == 2


def test_what_was_not_tried_is_not_judged() -> None:
    """At the end of a file, fewer parts run than the limit allows: such a sample is void."""
    now = 0.0
    limit = AdaptiveLimit(part_size=PART, max_limit=MOST, clock=lambda: now)
    for number in range(1, 100):
        now += 0.1
        limit.done(("", number), PART)
        limit.update(1, full=False)

    assert limit.limit == 2


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_it_never_goes_beyond_the_most(most: int) -> None:
    """The limit stays between one and the maximum."""
    simulation = Simulation(LINKS["each connection is capped"], PART)
    limit = Concurrency(None, part_size=PART, clock=simulation.clock)
    limit.set_pace(None, most)
    seen = set()
    for _ in range(200):
        run(simulation, limit, 0.5)
        seen.add(limit.limit)

    assert min(seen) >= 1
    assert max(seen) == most
