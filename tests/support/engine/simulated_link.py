"""A link and a service, simulated: parts share what there is, second by second, and each waits for its answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from random import Random

from partway.engine.flow.concurrency import Concurrency

MIB = 1024 * 1024
STEP = 0.02  # seconds


@dataclass(frozen=True, kw_only=True)
class Link:
    """How fast parts arrive.

    rate: bytes a second for all connections together; a function of time where it changes.
    each: bytes a second that one connection gets at the most.
    answer: seconds from the last byte to the answer.
    buffer: bytes that the sender's socket takes at once, for each connection.
    crowd: part of the rate that each further connection costs.
    jitter: how much the rate varies from step to step, from 0 to 1.

    Connections do not share alike: each has its own luck, as on real links.
    """

    rate: float | Callable[[float], float]
    each: float = float("inf")
    answer: float = 0.02
    buffer: int = 512 * 1024
    crowd: float = 0.0
    jitter: float = 0.0


class Part:
    """One part on its way."""

    def __init__(self, number: int, size: int, luck: float) -> None:
        self.number = number
        self.size = size
        self.luck = luck
        self.arrived = 0.0
        self.answered_at: float | None = None


class Simulation:
    """Sends parts for ever, as many at a time as there are places.

    Args:
        sizes: Bytes of each part; a number when all are alike.
        tells: False where workers say nothing before a part is done.
    """

    def __init__(self, link: Link, sizes: int | Iterator[int], *, seed: int = 1, tells: bool = True) -> None:
        self.now = 0.0
        self.running: list[Part] = []
        self.delivered = 0.0
        self.most_at_risk = 0.0
        self._link = link
        self._sizes = repeat(sizes) if isinstance(sizes, int) else sizes
        self._tells = tells
        self._next = 1
        self._rng = Random(seed)

    def clock(self) -> float:
        """Seconds since the start."""
        return self.now

    def run(self, seconds: float, places: Concurrency) -> float:
        """Let time pass; the bytes that arrived in it."""
        before, end = self.delivered, self.now + seconds
        while self.now < end:
            while places.acquire():
                self.running.append(Part(self._next, next(self._sizes), self._rng.uniform(0.8, 1.2)))
                self._next += 1
            self._step(places)
        return self.delivered - before

    def at_risk(self) -> float:
        """Bytes that arrived and that a kill would cost now."""
        return sum(part.arrived for part in self.running)

    def _step(self, places: Concurrency) -> None:
        link = self._link
        self.now += STEP
        moving = [part for part in self.running if part.answered_at is None]
        rate = link.rate(self.now) if callable(link.rate) else link.rate
        rate *= (1 - link.crowd) ** max(0, len(self.running) - 1)
        rate *= 1 + link.jitter * self._rng.uniform(-1, 1)
        total = sum(part.luck for part in moving)
        for part in moving:
            share = min(link.each, rate * part.luck / total) * STEP
            news = min(share, part.size - part.arrived)
            part.arrived += news
            self.delivered += news
            if self._tells:
                places.sent((self, part.number), int(min(part.size, part.arrived + link.buffer)), part.size)
            if part.arrived >= part.size - 0.5:
                part.answered_at = self.now + link.answer
        for part in list(self.running):
            if part.answered_at is not None and self.now >= part.answered_at:
                self.running.remove(part)
                places.release()
                places.done((self, part.number), part.size)
