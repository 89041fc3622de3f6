"""A link and a service, simulated: parts share what there is, second by second, and each waits for its answer."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

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

    def __init__(self, number: int, luck: float) -> None:
        self.number = number
        self.luck = luck
        self.arrived = 0.0
        self.answered_at: float | None = None


class Simulation:
    """Sends parts of one size for ever.  ``limit`` is asked before each step; arrivals are told to ``heard``."""

    def __init__(self, link: Link, part_size: int, *, seed: int = 1) -> None:
        self.now = 0.0
        self.running: list[Part] = []
        self.delivered = 0.0
        self.most_at_risk = 0.0
        self._link = link
        self._part_size = part_size
        self._next = 1
        self._rng = Random(seed)

    def clock(self) -> float:
        """Seconds since the start."""
        return self.now

    def run(
        self,
        seconds: float,
        limit: Callable[[], int],
        sent: Callable[[int, int], None] = lambda number, sent: None,
        done: Callable[[int, int], None] = lambda number, size: None,
        look: Callable[[int], None] = lambda running: None,
    ) -> float:
        """Let time pass; the bytes that arrived in it."""
        before, end = self.delivered, self.now + seconds
        while self.now < end:
            while len(self.running) < limit():
                self.running.append(Part(self._next, self._rng.uniform(0.8, 1.2)))
                self._next += 1
            look(len(self.running))
            self._step(sent, done)
        return self.delivered - before

    def at_risk(self) -> float:
        """Bytes that arrived and that a kill would cost now."""
        return sum(part.arrived for part in self.running)

    def _step(self, sent: Callable[[int, int], None], done: Callable[[int, int], None]) -> None:
        link = self._link
        self.now += STEP
        moving = [part for part in self.running if part.answered_at is None]
        rate = link.rate(self.now) if callable(link.rate) else link.rate
        rate *= (1 - link.crowd) ** max(0, len(self.running) - 1)
        rate *= 1 + link.jitter * self._rng.uniform(-1, 1)
        total = sum(part.luck for part in moving)
        for part in moving:
            share = min(link.each, rate * part.luck / total) * STEP
            news = min(share, self._part_size - part.arrived)
            part.arrived += news
            self.delivered += news
            sent(part.number, int(min(self._part_size, part.arrived + link.buffer)))
            if part.arrived >= self._part_size - 0.5:
                part.answered_at = self.now + link.answer
        for part in list(self.running):
            if part.answered_at is not None and self.now >= part.answered_at:
                self.running.remove(part)
                done(part.number, self._part_size)
