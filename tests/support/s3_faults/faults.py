"""Scripted faults: what goes wrong, at which moment of which request, and how often."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """A moment in the life of a request, in this order.

    BEFORE_READ: the head was read, nothing of the body.
    HALF_BODY: half of the body was read; never comes for a request without one.
    AFTER_BODY: the body was read, nothing was checked or changed by it.
    AFTER_EFFECT: it took effect, nothing was answered; never comes for a refused request.
    HALF_ANSWER: half of the answer's body was sent; of an answer without one, half of its head.
    """

    BEFORE_READ = "before_read"
    HALF_BODY = "half_body"
    AFTER_BODY = "after_body"
    AFTER_EFFECT = "after_effect"
    HALF_ANSWER = "half_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseConnection:
    """End the connection with a FIN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetConnection:
    """End the connection with an RST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Wait, then continue; seconds None: until the server stops, which ends every hang."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outwait:
    """Do nothing until the client has given up and left, and ``seconds`` longer; then go on."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer this instead.

    code: an S3 error document with this code; None: ``body`` as it is.
    message: the document's message; empty: one made from the code.
    details: further elements of the document.
    """

    status: int
    code: str | None = None
    message: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipBit:
    """Flip the lowest bit of the received body's byte ``index`` (0-based, modulo its length), before any check."""

    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trickle:
    """Read the rest of the body at this rate."""

    bytes_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """Send these bytes as they are and end the connection."""

    data: bytes = b"\x00\xff this is no HTTP \xfe\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakTls:
    """Send a TLS record that nobody encrypted and end the connection; over plain HTTP it is mere garbage."""

    data: bytes = b"\x17\x03\x03\x00\x20" + bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFunction:
    """Run a test's function in the server's thread, then continue."""

    function: Callable[[], object]


Action = (
    CloseConnection | ResetConnection | Hang | Outwait | Answer | FlipBit | Trickle | Garbage | BreakTls | CallFunction
)

_READING = frozenset({Stage.BEFORE_READ, Stage.HALF_BODY})
_POSSIBLE: dict[type[Action], frozenset[Stage]] = {
    Answer: frozenset(Stage) - {Stage.HALF_ANSWER},
    FlipBit: frozenset({Stage.AFTER_BODY}),
    Trickle: _READING,
    Outwait: frozenset(Stage) - _READING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    operation: as S3 names it ("UploadPart"); None: any.
    action: one, or several that happen in a row.
    times: how many requests it hits; None: for ever.
    skip: how many matching requests pass before the first hit.
    part_number: only requests for this part; None: any.

    Raises:
        ValueError: the action is impossible at that stage, so the fault could never be seen.
    """

    operation: str | None
    stage: Stage
    action: Action | tuple[Action, ...]
    times: int | None = 1
    skip: int = 0
    part_number: int | None = None

    def __post_init__(self) -> None:
        for action in self.actions:
            if self.stage not in _POSSIBLE.get(type(action), frozenset(Stage)):
                raise ValueError(f"{type(action).__name__} is impossible at {self.stage}")

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions in order."""
        return self.action if isinstance(self.action, tuple) else (self.action,)

    def matches(self, operation: str, stage: Stage, part_number: int | None) -> bool:
        """Whether it is about this moment of this request."""
        return self.stage is stage and self.operation in (None, operation) and self.part_number in (None, part_number)


class FaultScript:
    """Hands faults out in the order they were added; safe to use from any thread.

    The first fault that matches and has hits left acts, one for each moment.  ``skip`` counts the matching
    requests that no earlier fault took.
    """

    def __init__(self, *faults: Fault) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self.add(*faults)

    def add(self, *faults: Fault) -> None:
        """Append to the script."""
        with self._lock:
            self._entries += [_Entry(fault=fault, skip=fault.skip) for fault in faults]

    def clear(self) -> None:
        """Forget every fault: from now on all is well."""
        with self._lock:
            self._entries.clear()

    @property
    def unused(self) -> tuple[Fault, ...]:
        """Faults that have not hit as often as they should (for ``times=None``: not once)."""
        with self._lock:
            return tuple(e.fault for e in self._entries if e.hits < (1 if e.fault.times is None else e.fault.times))

    def take(self, operation: str, stage: Stage, part_number: int | None) -> tuple[Action, ...]:
        """The actions for this moment; empty when nothing goes wrong."""
        with self._lock:
            for entry in self._entries:
                times = entry.fault.times
                if (times is not None and entry.hits >= times) or not entry.fault.matches(
                    operation, stage, part_number
                ):
                    continue
                if entry.skip:
                    entry.skip -= 1
                    continue
                entry.hits += 1
                return entry.fault.actions
        return ()


@dataclass(slots=True, kw_only=True)
class _Entry:
    fault: Fault
    skip: int
    hits: int = 0
