"""Threads that take turns: one runs at a time, a seed decides which, and time passes only when all of them wait.

tests/support/simulation/runtime.py hands them to the engine.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty
from random import Random
from typing import Any

START = 1_700_000_000.0
_LONGEST = 30 * 86400.0  # seconds of the virtual clock that a story may take
_MOST = 100_000  # turns in one story; who needs more is in a loop


class Ended(BaseException):
    """The process is gone, or the story is over: no code of the engine may catch it."""


class Stuck(Ended):
    """A deadlock: all wait, and none will be woken."""


class Lane:
    """One task on its own thread."""

    def __init__(self, future: "Future[Any]", work: Callable[[], Any]) -> None:
        self.future = future
        self.work = work
        self.wake = 0.0
        self.done = False
        self.last_word: Ended | None = None

    def run(self) -> Ended | None:
        """Do the work; what it ended the process with, if it did."""
        self.future.set_running_or_notify_cancel()
        try:
            if self.last_word is not None:
                raise self.last_word
            result = self.work()
        except BaseException as error:
            self.future.set_exception(error)
            return error if isinstance(error, Ended) and self.last_word is None else None
        else:
            self.future.set_result(result)
            return None
        finally:
            self.done = True


class _Carrier(threading.Thread):
    """An operating-system thread that carries one lane after another; making one for each would take too long."""

    idle: "list[_Carrier]" = []  # noqa: RUF012 - shared by all

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.turn = threading.Lock()
        self.turn.acquire()
        self.job: tuple[Turns, Lane] | None = None
        self.start()

    def run(self) -> None:
        while True:
            self.turn.acquire()
            assert self.job is not None
            turns, lane = self.job
            turns.fatal = lane.run() or turns.fatal
            self.idle.append(self)
            turns.give_back()


class Turns:
    """Who runs, and what time it is."""

    def __init__(self, rng: Random) -> None:
        self.now = START
        self.fatal: Ended | None = None
        self._steps = 0
        self.rng = rng
        self._lanes: dict[Lane, _Carrier] = {}
        self._running: Lane | None = None
        self._back = threading.Lock()
        self._back.acquire()

    @property
    def in_lane(self) -> bool:
        """True in a worker, False in the thread that called the engine."""
        return self._running is not None

    def begin(self, future: "Future[Any]", work: Callable[[], Any]) -> None:
        """A new lane; it runs when it is its turn."""
        carrier = _Carrier.idle.pop() if _Carrier.idle else _Carrier()
        lane = Lane(future, work)
        carrier.job = (self, lane)
        self._lanes[lane] = carrier

    def pause(self) -> None:
        """Let others run."""
        lane = self._running
        if lane is None:
            return
        if lane.last_word is None:
            self._back.release()
            self._lanes[lane].turn.acquire()
        if lane.last_word is not None:
            raise lane.last_word

    def give_back(self) -> None:
        """The running lane ended."""
        self._back.release()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        if self._running is None:
            self.now += seconds
        else:
            self._running.wake = self.now + seconds
            self.pause()

    def step(self) -> bool:
        """Let one lane run up to its next pause; False when all of them sleep."""
        self._steps += 1
        if self._steps > _MOST:
            raise Stuck("the workers turn in a loop")
        ready = [lane for lane in self._lanes if lane.wake <= self.now]
        if not ready:
            return False
        self._turn_of(ready[0] if len(ready) == 1 else self.rng.choice(ready))
        if self.fatal is not None:
            raise self.fatal
        return True

    def _turn_of(self, lane: Lane) -> None:
        before, self._running = self._running, lane
        self._lanes[lane].turn.release()
        self._back.acquire()
        self._running = before
        if lane.done:
            del self._lanes[lane]

    def wait(self, until: float) -> None:
        """Let time pass up to the next lane's waking, or ``until``."""
        self.now = min([until, *(lane.wake for lane in self._lanes)])
        if self.now > START + _LONGEST:
            raise Stuck("the story takes for ever")

    @property
    def busy(self) -> bool:
        """True while there are lanes."""
        return bool(self._lanes)

    def end_some(self) -> None:
        """End some of the lanes; the others go on into the next run, as threads of a library's caller may."""
        self.end([lane for lane in self._lanes if self.rng.random() < 0.5])

    def end(self, lanes: "list[Lane] | None" = None) -> None:
        """End lanes where they are, as the end of a process does; None means all."""
        for lane in list(self._lanes) if lanes is None else lanes:
            lane.last_word = Ended()
            while not lane.done:
                self._turn_of(lane)
        self.fatal = None


class TurnQueue:
    """A SimpleQueue whose ``get`` lets the lanes run."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._items: deque[Any] = deque()
        self._vain = 0

    def put(self, item: object) -> None:
        """As a SimpleQueue."""
        self._items.append(item)

    def empty(self) -> bool:
        """As a SimpleQueue."""
        return not self._items

    def qsize(self) -> int:
        """As a SimpleQueue."""
        return len(self._items)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As a SimpleQueue; raises Stuck when nothing can ever come."""
        end = self._turns.now + (1.0 if timeout is None else timeout)
        while True:
            if self._items and (not self._turns.busy or self._turns.rng.random() < 0.6):
                self._vain = 0
                return self._items.popleft()
            if self._turns.step():
                continue
            if self._items:
                return self._items.popleft()
            self._vain = 0 if self._turns.busy else self._vain + 1
            if self._vain > 100:
                raise Stuck("the engine waits for nothing")
            self._turns.wait(end)
            if self._turns.now >= end:
                raise Empty


class TurnExecutor(Executor):
    """Runs tasks as lanes."""

    def __init__(self, turns: Turns, size: int) -> None:
        self._turns = turns
        self._size = size

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As every executor."""
        future: Future[Any] = Future()
        self._turns.begin(future, lambda: fn(*args, **kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing to do: lanes end by themselves."""
