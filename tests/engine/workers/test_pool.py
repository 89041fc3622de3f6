"""The worker pool: concurrency, when tasks are taken, messages, errors and cancellation."""

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from partway.engine.checksums import ChecksumAlgorithm, checksum
from partway.engine.clock import SystemClock
from partway.engine.errors import Refused, SourceError, UploadCancelled
from partway.engine.flow.concurrency import Concurrency
from partway.engine.source.plan import UploadPlan
from partway.engine.workers.channel import CancelToken, WorkerContext, null_context
from partway.engine.workers.executor import Workers
from partway.engine.workers.outcome import Outcome, TaskFailed
from partway.engine.workers.part_tasks import HashTask, hash_part
from partway.engine.workers.pool import WorkerPool
from partway.engine.workers.runtime import Runtime

LONG = 60.0  # seconds that a test waits for what should happen at once


def ignore_message(_: Any) -> None:
    """Ignore the message."""


def double(number: int, worker: WorkerContext) -> int:
    return 2 * number


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until another thread has made the condition true."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def workers_of(number: int, executor: Executor) -> Workers:
    return Workers(Concurrency(number), executor=executor)


def results(outcomes: Iterator[Outcome[Any, Any]]) -> list[Any]:
    return sorted(outcome.get() for outcome in outcomes)


class Crowd:
    """A task that waits for its release, and counts how many of it run."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.entered = 0
        self.inside = 0
        self.max_inside = 0
        self._lock = threading.Lock()

    def work(self, number: int, worker: WorkerContext) -> int:
        with self._lock:
            self.entered += 1
            self.inside += 1
            self.max_inside = max(self.max_inside, self.inside)
        self.release.wait(LONG)
        with self._lock:
            self.inside -= 1
        return number


# --- how many, and when ---


@pytest.mark.parametrize("size", [1, 3])
def test_never_more_than_size_run_at_once(size: int) -> None:
    """All workers are used, and never more."""
    crowd = Crowd()

    def open_the_door() -> None:
        wait_for(lambda: crowd.entered == size)
        crowd.release.set()

    threading.Thread(target=open_the_door).start()
    with WorkerPool(size, cancel=CancelToken(), on_message=ignore_message) as pool:
        done = results(pool.stream(crowd.work, range(20)))

    assert done == list(range(20))
    assert crowd.max_inside == size


def test_a_task_is_taken_only_when_a_worker_is_free() -> None:
    """Ten thousand tasks are not made in advance: as many run as may, and one follows each that ended, before its
    outcome is told."""
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with WorkerPool(3, cancel=CancelToken(), on_message=ignore_message) as pool:
        outcomes = pool.stream(double, tasks())
        before = len(taken)
        counts = [len(taken) for _ in outcomes]

    assert before == 0
    assert all(count <= 4 + index for index, count in enumerate(counts))


def test_no_tasks_are_no_outcomes() -> None:
    """An upload whose parts are all on S3."""
    with WorkerPool(2, cancel=CancelToken(), on_message=ignore_message) as pool:
        assert list(pool.stream(double, [])) == []


def test_a_pool_is_used_again_and_again() -> None:
    """One pool serves all steps of an upload."""
    with WorkerPool(2, cancel=CancelToken(), on_message=ignore_message) as pool:
        first, call, second = (
            results(pool.stream(double, range(5))),
            pool.run(lambda worker: "answer"),
            results(pool.stream(double, range(3))),
        )

    assert (first, call, second) == ([0, 2, 4, 6, 8], "answer", [0, 2, 4])


def test_work_runs_on_other_threads_than_the_callers() -> None:
    """The caller's thread stays free to record and emit."""
    with WorkerPool(2, cancel=CancelToken(), on_message=ignore_message) as pool:
        names = [outcome.get() for outcome in pool.stream(lambda _, worker: threading.current_thread().name, range(4))]

    assert all(name is not None and name.startswith("partway") for name in names)


# --- outcomes ---


def test_an_outcome_has_its_task_and_its_result() -> None:
    """Outcomes come in the order in which tasks end, so each has its task."""
    with WorkerPool(2, cancel=CancelToken(), on_message=ignore_message) as pool:
        outcomes = list(pool.stream(double, [3, 4, 5]))

    assert sorted((outcome.task, outcome.get()) for outcome in outcomes) == [(3, 6), (4, 8), (5, 10)]


def test_an_error_is_an_outcome_and_the_others_go_on() -> None:
    """A failed part does not discard the finished ones."""

    def divide(number: int, worker: WorkerContext) -> float:
        return 6 / number

    with WorkerPool(2, cancel=CancelToken(), on_message=ignore_message) as pool:
        outcomes = {outcome.task: outcome for outcome in pool.stream(divide, [0, 1, 2, 3])}

    with pytest.raises(ZeroDivisionError):
        outcomes[0].get()
    assert [outcomes[task].get() for task in (1, 2, 3)] == [6, 3, 2]


def test_enough_stops_the_intake_and_running_tasks_end() -> None:
    """After a failure, no part starts, and the outcomes of running parts are still yielded."""
    crowd = Crowd()
    stop = threading.Event()
    got: list[int | None] = []

    def open_the_door() -> None:
        wait_for(lambda: crowd.entered == 3)
        stop.set()
        crowd.release.set()

    threading.Thread(target=open_the_door).start()
    with WorkerPool(3, cancel=CancelToken(), on_message=ignore_message) as pool:
        got = [outcome.get() for outcome in pool.stream(crowd.work, range(50), stop_when=stop.is_set)]

    assert sorted(got, key=str) == [0, 1, 2]


def test_enough_from_the_start_takes_nothing() -> None:
    """Not even the first task."""
    tasks = iter(range(5))
    with WorkerPool(2, cancel=CancelToken(), on_message=ignore_message) as pool:
        assert list(pool.stream(double, tasks, stop_when=lambda: True)) == []

    assert next(tasks) == 0


def test_an_error_of_the_tasks_comes_out() -> None:
    """An error of the iterator of tasks is raised to the caller."""

    def tasks() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with WorkerPool(1, cancel=CancelToken(), on_message=ignore_message) as pool, pytest.raises(LookupError):
        list(pool.stream(double, tasks()))


# --- messages ---


def test_messages_are_heard_in_the_callers_thread_in_order() -> None:
    """The only thread that may use the store and the sink; the messages of each worker keep their order."""
    messages: list[tuple[int, int]] = []
    threads: set[int] = set()

    def on_message(message: tuple[int, int]) -> None:
        messages.append(message)
        threads.add(threading.get_ident())

    def talk(number: int, worker: WorkerContext) -> None:
        for word in range(50):
            worker.emit((number, word))

    with WorkerPool(4, cancel=CancelToken(), on_message=on_message) as pool:
        list(pool.stream(talk, range(8)))

    assert threads == {threading.get_ident()}
    assert {number: [word for who, word in messages if who == number] for number in range(8)} == {
        number: list(range(50)) for number in range(8)
    }


def test_what_a_worker_said_is_heard_before_its_outcome() -> None:
    """Progress of a part is never delivered after its outcome."""
    told: list[str] = []
    with WorkerPool(1, cancel=CancelToken(), on_message=told.append) as pool:
        for outcome in pool.stream(lambda number, worker: worker.emit(f"said {number}"), [1, 2]):
            told.append(f"done {outcome.task}")

    assert told == ["said 1", "done 1", "said 2", "done 2"]


def test_a_message_is_heard_while_the_worker_still_runs() -> None:
    """Messages are delivered while the call runs."""
    messages = threading.Event()
    with WorkerPool(1, cancel=CancelToken(), on_message=lambda _: messages.set()) as pool:

        def talk(worker: WorkerContext) -> bool:
            worker.emit("word")
            return messages.wait(LONG)

        assert pool.run(talk)


def test_what_the_listener_raises_comes_out() -> None:
    """An error of the sink stops the upload, in the caller's thread."""

    def on_message(_: object) -> None:
        raise LookupError("sink")

    with WorkerPool(1, cancel=CancelToken(), on_message=on_message) as pool, pytest.raises(LookupError):
        pool.run(lambda worker: worker.emit("word"))


# --- run ---


def test_run_gives_the_answer() -> None:
    """The result of the call is returned, also when it is None."""
    with WorkerPool(2, cancel=CancelToken(), on_message=ignore_message) as pool:
        assert pool.run(lambda worker: 42) == 42
        assert pool.run(lambda worker: None) is None


def test_run_raises_what_the_call_raises() -> None:
    """The same exception object, not a copy."""
    error = Refused("no")

    def call(worker: WorkerContext) -> None:
        raise error

    with WorkerPool(1, cancel=CancelToken(), on_message=ignore_message) as pool, pytest.raises(Refused) as raised:
        pool.run(call)
    assert raised.value is error


# --- cancel ---


@pytest.fixture
def long_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled task may have to wait for the processor."""
    monkeypatch.setattr("partway.engine.workers.pool.GRACE", LONG)


def check_again_and_again(worker: WorkerContext) -> None:
    while True:
        worker.raise_if_cancelled()
        time.sleep(0.01)


def sleep_long(worker: WorkerContext) -> None:
    worker.sleep(LONG)


@pytest.mark.parametrize("wait", [check_again_and_again, sleep_long])
def test_running_work_ends_within_a_second_of_a_cancel(wait: Callable[[WorkerContext], None], long_grace: None) -> None:
    """A task that checks its context or sleeps ends at once, and its outcome comes before UploadCancelled."""
    cancel = CancelToken()
    messages: list[object] = []
    errors: list[type] = []

    def on_message(message: object) -> None:
        messages.append(message)
        if len(messages) == 3:
            cancel.set()

    def work(number: int, worker: WorkerContext) -> None:
        worker.emit(number)
        wait(worker)

    began = time.monotonic()
    with WorkerPool(3, cancel=cancel, on_message=on_message) as pool, pytest.raises(UploadCancelled):
        for outcome in pool.stream(work, range(9)):
            assert isinstance(outcome, TaskFailed)
            errors.append(type(outcome.error))
    assert time.monotonic() - began < LONG / 4
    assert errors == [UploadCancelled] * 3


def test_what_finishes_is_told_before_the_cancel(long_grace: None) -> None:
    """A part that was almost finished is not sent again by the next run."""
    cancel = CancelToken()
    crowd = Crowd()
    got: list[int | None] = []

    def stop() -> None:
        wait_for(lambda: crowd.entered == 2)
        cancel.set()
        crowd.release.set()

    threading.Thread(target=stop).start()
    with WorkerPool(2, cancel=cancel, on_message=ignore_message) as pool, pytest.raises(UploadCancelled):
        for outcome in pool.stream(crowd.work, range(10)):
            got.append(outcome.get())
    assert sorted(got, key=str) == [0, 1]


def test_after_a_cancel_nothing_starts() -> None:
    """Neither ``stream`` nor ``run``."""
    cancel = CancelToken()
    cancel.set()
    started: list[int] = []
    with WorkerPool(2, cancel=cancel, on_message=ignore_message) as pool:
        with pytest.raises(UploadCancelled):
            list(pool.stream(lambda number, worker: started.append(number), range(5)))
        with pytest.raises(UploadCancelled):
            pool.run(lambda worker: started.append(0))

    assert started == []


def test_a_cancel_from_the_listener_ends_the_stream() -> None:
    """A caller may cancel in response to a message."""
    cancel = CancelToken()

    def work(number: int, worker: WorkerContext) -> None:
        worker.emit("word")
        worker.sleep(LONG)

    with WorkerPool(2, cancel=cancel, on_message=lambda _: cancel.set()) as pool, pytest.raises(UploadCancelled):
        list(pool.stream(work, range(5)))


def test_a_stuck_worker_is_not_waited_for() -> None:
    """It is blocked in a system call: the pool waits about a second for it, then abandons it."""
    cancel = CancelToken()
    crowd = Crowd()

    def get_stuck(worker: WorkerContext) -> None:
        worker.emit("I am in")
        crowd.work(0, worker)

    began = time.monotonic()
    try:
        with WorkerPool(1, cancel=cancel, on_message=lambda _: cancel.set()) as pool, pytest.raises(UploadCancelled):
            pool.run(get_stuck)
        took = time.monotonic() - began
    finally:
        crowd.release.set()

    assert took < LONG / 4


def test_an_error_of_the_caller_ends_the_workers() -> None:
    """When the block ends, results are no longer needed: running tasks are cancelled at their next check."""
    ended = threading.Event()

    def work(_: int, worker: WorkerContext) -> None:
        try:
            worker.emit("word")
            worker.sleep(LONG)
        finally:
            ended.set()

    def on_message(_: object) -> None:
        raise LookupError("sink")

    with contextlib.suppress(LookupError), WorkerPool(1, cancel=CancelToken(), on_message=on_message) as pool:
        list(pool.stream(work, [1]))

    assert ended.wait(LONG)


def test_threads_end_with_the_pool() -> None:
    """A program that uploads many files does not accumulate threads."""
    before = set(threading.enumerate())
    with WorkerPool(4, cancel=CancelToken(), on_message=ignore_message) as pool:
        list(pool.stream(double, range(20)))

    assert set(threading.enumerate()) <= before


# --- the context of a worker ---


def test_a_line_sleeps_as_long_as_it_is_told() -> None:
    """Not shorter, without a cancel."""
    began = time.monotonic()
    null_context().sleep(0.25)

    assert 0.25 <= time.monotonic() - began < 10


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_sleep_of_nothing_still_looks_at_the_cancel(seconds: float) -> None:
    """A loop with waits of zero can still be cancelled."""
    worker = null_context()
    worker.sleep(seconds)
    worker.close()

    with pytest.raises(UploadCancelled):
        worker.sleep(seconds)


def test_an_abandoned_line_says_so() -> None:
    """The worker raises UploadCancelled, because its result is no longer needed."""
    worker = null_context()
    worker.raise_if_cancelled()
    worker.close()

    with pytest.raises(UploadCancelled):
        worker.raise_if_cancelled()


# --- other executors ---


def hash_tasks(path: Path) -> list[HashTask]:
    """What an upload passes to its workers: values, and a module-level function."""
    plan = UploadPlan(file_size=path.stat().st_size, part_size=100)
    return [HashTask(path=str(path), spec=spec, algorithm=ChecksumAlgorithm.CRC32, md5=False) for spec in plan.parts()]


def test_work_can_run_in_other_processes(tmp_path: Path) -> None:
    """The function and its tasks are picklable; they get no context."""
    path = tmp_path / "file"
    path.write_bytes(bytes(range(250)))
    with (
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes,
        WorkerPool(workers_of(2, processes), cancel=CancelToken(), on_message=ignore_message) as pool,
    ):
        done = {o.task.spec.offset: o.get() for o in pool.stream(hash_part, hash_tasks(path))}

    assert {offset: result and result.checksum for offset, result in done.items()} == {
        offset: checksum(ChecksumAlgorithm.CRC32, bytes(range(250))[offset : offset + 100]) for offset in (0, 100, 200)
    }


def test_an_error_comes_back_from_another_process(tmp_path: Path) -> None:
    """With its class and its message."""
    path = tmp_path / "file"
    path.write_bytes(bytes(50))
    tasks = hash_tasks(path)
    path.unlink()
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes,
        WorkerPool(workers_of(1, processes), cancel=CancelToken(), on_message=ignore_message) as pool,
    ):
        (outcome,) = pool.stream(hash_part, tasks)

    with pytest.raises(SourceError, match=f"there is no file {path}"):
        outcome.get()


def test_calls_stay_in_this_process() -> None:
    """``run`` uses a thread even with an executor: its function gets a context and need not be picklable."""
    with ThreadPoolExecutor(1, thread_name_prefix="elsewhere") as elsewhere:
        with WorkerPool(workers_of(1, elsewhere), cancel=CancelToken(), on_message=ignore_message) as pool:
            name = pool.run(lambda worker: threading.current_thread().name)
            (outcome,) = pool.stream(lambda task: threading.current_thread().name, [1])

        assert name.startswith("partway")
        assert outcome.get().startswith("elsewhere")


def test_a_given_executor_is_not_shut_down() -> None:
    """It belongs to the caller, which may use it for the next upload."""
    with ThreadPoolExecutor(1) as elsewhere:
        with WorkerPool(workers_of(1, elsewhere), cancel=CancelToken(), on_message=ignore_message) as pool:
            list(pool.stream(abs, [1]))

        assert elsewhere.submit(abs, -2).result(LONG) == 2


def test_what_finished_is_told_although_the_caller_is_slow(long_grace: None) -> None:
    """The grace period is for the workers; an outcome that is already in the queue is not lost."""
    cancel, go = CancelToken(), threading.Event()
    got: list[int | None] = []
    late = 0.0

    class LateClock(SystemClock):
        """Passes while the caller is busy."""

        def monotonic(self) -> float:
            return time.monotonic() + late

    def work(number: int, worker: WorkerContext) -> int:
        worker.emit(number)
        go.wait(LONG)
        return number

    messages: list[object] = []

    def on_message(message: object) -> None:
        messages.append(message)
        if len(messages) == 2:
            cancel.set()
            threading.Timer(0.1, go.set).start()

    workers = Workers(Concurrency(2), runtime=Runtime(clock=LateClock()))
    with WorkerPool(workers, cancel=cancel, on_message=on_message) as pool, pytest.raises(UploadCancelled):
        for outcome in pool.stream(work, range(9)):
            got.append(outcome.get())
            wait_for(lambda: len(got) == 2 or not pool._messages.empty())
            late += 2 * LONG
    assert sorted(got, key=str) == [0, 1]


def test_a_call_after_a_stream_that_was_left_gets_its_own_answer() -> None:
    """Without the outcomes of tasks that were still running."""

    def work(seconds: float, worker: WorkerContext) -> str:
        time.sleep(seconds)
        return "part"

    def answer(worker: WorkerContext) -> str:
        time.sleep(0.5)
        return "answer"

    with WorkerPool(2, cancel=CancelToken(), on_message=lambda _: None) as pool:
        for _ in pool.stream(work, [0.0, 0.2]):
            break

        assert pool.run(answer) == "answer"
