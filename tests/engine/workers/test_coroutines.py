"""Coroutines: several calls in one thread, each of which continues while the others wait."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from partway.engine.errors import UploadCancelled
from partway.engine.flow.concurrency import Concurrency
from partway.engine.workers.channel import CancelToken, SharedWorkers, WorkerContext
from partway.engine.workers.coroutines import CoroutineScheduler
from partway.engine.workers.executor import Workers
from partway.engine.workers.pool import WorkerPool

LONG = 60.0  # seconds that a test waits for what should happen at once


def nothing(*_: object) -> None:
    """Ignore the arguments."""


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Two slots."""
    workers = Workers(Concurrency(2))
    yield workers
    workers.close()


def pool_of(
    shared: SharedWorkers, *, cancel: CancelToken | None = None, on_message: Callable[[Any], None] = nothing
) -> WorkerPool:
    return WorkerPool(shared, cancel=cancel or CancelToken(), on_message=on_message)


def finish(scheduler: CoroutineScheduler) -> None:
    """Run all coroutines to their end."""
    end = time.monotonic() + LONG
    while scheduler:
        assert time.monotonic() < end, "a coroutine does not end"
        scheduler.run_once()


class Crowd:
    """A task that records how many of it run at the same time."""

    def __init__(self, together: int = 1) -> None:
        self.max_inside = 0
        self._inside = 0
        self._lock = threading.Lock()
        self._together = threading.Barrier(together)

    def work(self, number: Any, worker: WorkerContext) -> Any:
        with self._lock:
            self._inside += 1
            self.max_inside = max(self.max_inside, self._inside)
        self._together.wait(LONG)
        with self._lock:
            self._inside -= 1
        return number


def test_each_goes_on_while_the_others_wait(workers: Workers) -> None:
    """Five calls wait for one another, which would deadlock if they ran one after the other."""
    barrier = threading.Barrier(5)
    answers: list[int] = []

    def call(shared: SharedWorkers) -> None:
        with pool_of(shared) as pool:
            answers.append(pool.run(lambda worker: barrier.wait(LONG)))

    with CoroutineScheduler(workers, nothing) as scheduler:
        for _ in range(5):
            scheduler.spawn(call)
        assert len(scheduler) == 5
        finish(scheduler)

    assert sorted(answers) == [0, 1, 2, 3, 4]


def test_everything_but_the_work_is_in_one_thread(workers: Workers) -> None:
    """Stores and sinks are used only from this thread."""
    threads: set[int] = set()

    def note(*_: object) -> None:
        threads.add(threading.get_ident())

    def call(shared: SharedWorkers) -> None:
        note()
        with pool_of(shared, on_message=note) as pool:
            for _ in pool.stream(lambda number, worker: worker.emit(number), range(10)):
                note()

    with CoroutineScheduler(workers, note) as scheduler:
        scheduler.spawn(call)
        scheduler.spawn(call)
        finish(scheduler)

    assert threads == {threading.get_ident()}


def test_places_are_shared(workers: Workers) -> None:
    """Two slots for four uploads of ten parts: both are used, never more, and every part is done."""
    crowd = Crowd(together=2)
    done: list[int] = []

    def call(shared: SharedWorkers) -> None:
        with pool_of(shared) as pool:
            done.extend(outcome.get() for outcome in pool.stream(crowd.work, range(10)))

    with CoroutineScheduler(workers, nothing) as scheduler:
        for _ in range(4):
            scheduler.spawn(call)
        finish(scheduler)

    assert sorted(done) == sorted([*range(10)] * 4)
    assert crowd.max_inside == 2
    assert workers.concurrency.running == 0


def test_a_place_that_becomes_free_goes_to_the_oldest(workers: Workers) -> None:
    """A few finished files are better than many started ones."""
    ended: list[str] = []

    def call(name: str, parts: int) -> Callable[[SharedWorkers], None]:
        def run(shared: SharedWorkers) -> None:
            with pool_of(shared) as pool:
                for _ in pool.stream(lambda number, worker: worker.sleep(0.01), range(parts)):
                    pass
            ended.append(name)

        return run

    with CoroutineScheduler(workers, nothing) as scheduler:
        scheduler.spawn(call("blocks", 2))
        for name in ("first", "second", "third"):
            scheduler.spawn(call(name, 8))
        finish(scheduler)

    assert ended == ["blocks", "first", "second", "third"]


def test_what_one_raises_comes_out_and_stops_the_others(workers: Workers) -> None:
    """An error of the store or the sink ends the job, and the other calls are stopped."""
    ends: list[type[BaseException] | None] = []

    def waits(shared: SharedWorkers) -> None:
        try:
            with pool_of(shared) as pool:
                pool.run(lambda worker: worker.sleep(LONG))
        except BaseException as error:
            ends.append(type(error))
            raise

    def fails(shared: SharedWorkers) -> None:
        with pool_of(shared) as pool:
            pool.run(lambda worker: None)
        raise LookupError("sink")

    with pytest.raises(LookupError), CoroutineScheduler(workers, nothing) as scheduler:
        scheduler.spawn(waits)
        scheduler.spawn(fails)
        finish(scheduler)

    assert ends == [UploadCancelled]
    assert len(scheduler) == 0


def fails_when_stopped(shared: SharedWorkers) -> None:
    """A call that waits, and raises a disk error when it is stopped."""
    try:
        with pool_of(shared) as pool:
            pool.run(lambda worker: worker.sleep(LONG))
    except UploadCancelled:
        raise OSError("disk full") from None


def test_an_error_of_a_stopped_call_is_a_note_of_the_error_that_stopped_it(workers: Workers) -> None:
    """The first error stays the job's error, and the second one is not lost."""

    def fails(shared: SharedWorkers) -> None:
        raise LookupError("sink")

    with pytest.raises(LookupError) as raised, CoroutineScheduler(workers, nothing) as scheduler:
        scheduler.spawn(fails_when_stopped)
        scheduler.spawn(fails)

    assert raised.value.__notes__ == ["stopping another upload failed: OSError: disk full"]


def test_an_error_of_a_stopped_call_is_raised_when_there_is_no_other(workers: Workers) -> None:
    """The block succeeded, and then a call could not record its progress."""
    with pytest.raises(OSError, match="disk full"), CoroutineScheduler(workers, nothing) as scheduler:
        scheduler.spawn(fails_when_stopped)


def test_an_error_before_the_first_wait_comes_out_too(workers: Workers) -> None:
    """For instance when the file does not exist."""

    def fails(shared: SharedWorkers) -> None:
        raise LookupError("no file")

    with CoroutineScheduler(workers, nothing) as scheduler:
        with pytest.raises(LookupError):
            scheduler.spawn(fails)
        assert len(scheduler) == 0


def test_an_abandoned_part_gives_its_place_back(workers: Workers) -> None:
    """Its upload failed for another reason; the part holds its slot until it ends."""
    go = threading.Event()

    def fails(shared: SharedWorkers) -> None:
        with pool_of(shared) as pool:
            for _ in pool.stream(lambda number, worker: number or go.wait(LONG), [0, 1]):
                raise LookupError("sink")

    with CoroutineScheduler(workers, nothing) as scheduler:
        with pytest.raises(LookupError):
            scheduler.spawn(fails)
            finish(scheduler)
        taken = workers.concurrency.running
        go.set()
        end = time.monotonic() + LONG
        while workers.concurrency.running and time.monotonic() < end:
            time.sleep(0.005)

    assert taken == 1
    assert workers.concurrency.running == 0


def test_what_cannot_be_begun_gives_its_place_back() -> None:
    """The executor is shut down; a small file may need the slot."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    workers = Workers(Concurrency(2), executor=executor)

    def call(shared: SharedWorkers) -> None:
        with pool_of(shared) as pool:
            list(pool.stream(lambda number, worker: number, range(5)))

    with CoroutineScheduler(workers, nothing) as scheduler, pytest.raises(RuntimeError, match="shutdown"):
        scheduler.spawn(call)
    workers.close()

    assert workers.concurrency.running == 0


def test_a_cancel_ends_all_within_a_second(workers: Workers) -> None:
    """Including those that wait for a slot."""
    cancel = CancelToken()
    ends: list[type[BaseException]] = []

    def call(shared: SharedWorkers) -> None:
        try:
            with pool_of(shared, cancel=cancel) as pool:
                list(pool.stream(lambda number, worker: worker.sleep(LONG), range(5)))
        except UploadCancelled as error:
            ends.append(type(error))

    with CoroutineScheduler(workers, nothing) as scheduler:
        for _ in range(4):
            scheduler.spawn(call)
        cancel.set()
        began = time.monotonic()
        finish(scheduler)

    assert ends == [UploadCancelled] * 4
    assert time.monotonic() - began < LONG / 4


def test_the_scheduler_delivers_the_messages_of_a_callback_queue(workers: Workers) -> None:
    """For work outside any coroutine."""
    messages: list[str] = []
    with CoroutineScheduler(workers, nothing) as scheduler:
        channel = scheduler.callback_queue(messages.append)
        threading.Thread(target=channel.put, args=("word",)).start()
        end = time.monotonic() + LONG
        while not messages and time.monotonic() < end:
            scheduler.run_once()

    assert messages == ["word"]


def test_at_rest_is_called_also_while_much_is_said(workers: Workers) -> None:
    """Pending results are written even while messages keep arriving."""
    times: list[float] = []

    def chatter(worker: WorkerContext) -> None:
        end = time.monotonic() + LONG
        while not times[2:] and time.monotonic() < end:
            worker.emit("word")

    def call(shared: SharedWorkers) -> None:
        with pool_of(shared) as pool:
            pool.run(chatter)

    with CoroutineScheduler(workers, lambda: times.append(time.monotonic())) as scheduler:
        scheduler.spawn(call)
        finish(scheduler)

    assert len(times) >= 3
