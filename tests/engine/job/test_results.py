"""The results of a job's files: when they are stored, what is emitted, and when the job stops."""

from dataclasses import dataclass, field, replace

import pytest

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.errors import PartwayError, SourceError, Transient
from partway.engine.events import Event
from partway.engine.events.upload import ComparisonFailed, FileDone, FileFailed, JobDone
from partway.engine.job import results as module
from partway.engine.job.context import JobRun, JobSettings
from partway.engine.job.results import JobResults, JobStopped
from partway.engine.job.same_object import NotComparable
from partway.engine.progress.job_publisher import JobPublisher
from partway.engine.run.context import EngineContext
from partway.engine.source.identity import SourceIdentity
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.runtime import Runtime
from partway.state.jobs import FileStatus, JobStatus
from partway.state.memory.store import MemoryStore
from tests.state.test_job_store_contract import JOB

SPEC = JobSpec(sources=("/data",), bucket="bucket", prefix="p/")
SOURCE = SourceIdentity(path="/data/a", size=7, mtime_ns=1, ctime_ns=1, inode=1, device=0)
URL = "s3://bucket/p/a"
NO_BACKEND: MultipartBackend = None  # type: ignore[assignment]  # results make no call


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Run:
    """A run of a job with a store, its events, and a clock."""

    store: MemoryStore = field(default_factory=MemoryStore)
    events: list[Event] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def results(self, settings: JobSettings = JobSettings()) -> JobResults:  # noqa: B008 - frozen
        context = EngineContext(
            backend=NO_BACKEND, store=self.store, sink=self.events.append, runtime=Runtime(clock=self.clock)
        )
        publisher = JobPublisher(self.store.live, self.events.append)
        record = replace(JOB, spec=SPEC.to_json(), target=SPEC.url)
        results = JobResults(
            JobRun(spec=SPEC, record=record, context=context, publisher=publisher, settings=settings, is_new=True),
            keep_paths=False,
        )
        results.start()
        return results

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def status(self, key: str) -> FileStatus | None:
        row = self.store.jobs.files(JOB.id, [key]).get(key)
        return None if row is None else row.status


@pytest.fixture
def run() -> Run:
    return Run()


def test_a_result_is_emitted_only_when_it_is_stored(run: Run) -> None:
    """A crash between both repeats the event; it never loses the row of a file that was reported."""
    results = run.results()
    results.done("p/a", SOURCE, URL, "crc64nvme")
    before = run.of(FileDone), run.status("p/a")
    results.flush()

    assert before == ([], None)
    assert (len(run.of(FileDone)), run.status("p/a")) == (1, FileStatus.DONE)


def test_results_wait_for_a_quarter_of_a_second(run: Run) -> None:
    """Many small files share a transaction, and none waits longer."""
    results = run.results()
    results.done("p/a", SOURCE, URL, "crc64nvme")
    run.clock.now += 0.24
    results.flush_if_due()
    early = run.status("p/a")
    run.clock.now += 0.02
    results.flush_if_due()

    assert (early, run.status("p/a")) == (None, FileStatus.DONE)


def test_a_full_batch_is_stored_at_once(run: Run) -> None:
    """However fast files finish, only so many results can be lost."""
    results = run.results()
    for number in range(module._FLUSH_FILES):
        results.done(f"p/{number}", SOURCE, URL, "crc64nvme")

    assert len(run.of(FileDone)) == module._FLUSH_FILES


def test_a_failure_is_stored_for_a_later_look(run: Run) -> None:
    """With its message, which may contain undecodable bytes of a path."""
    results = run.results()
    results.failed("p/a", "/data/a", URL, Transient("away: /data/\udcff"))
    results.flush()

    (row,) = run.store.jobs.failures(JOB.id, 10)
    assert (row.status, row.note) == (FileStatus.FAILED, "away: /data/\\udcff")


@pytest.mark.parametrize(("key", "error"), [("", Transient("busy")), ("p/a", SourceError("it is gone"))])
def test_a_failure_without_a_file_is_only_emitted(run: Run, key: str, error: PartwayError) -> None:
    """A stored failure of a file without a key, or of one that is gone, would count as missing in every later run."""
    results = run.results()
    results.failed(key, "/no/such/file", URL, error)
    results.flush()

    assert len(run.of(FileFailed)) == 1
    assert run.store.jobs.failures(JOB.id, 10) == []


def failed_until_stopped(results: JobResults, error: PartwayError) -> int:
    for count in range(1, 20):
        try:
            results.failed("", "/data/a", URL, error)
        except JobStopped:
            return count
    return 0


def test_ten_failures_in_a_row_stop_the_job(run: Run) -> None:
    """They may have one cause; a success in between resets the count."""
    results = run.results()
    busy = Transient("the service is busy")
    for _ in range(9):
        results.failed("", "/data/a", URL, busy)
    results.done("p/a", SOURCE, URL, "crc64nvme")

    assert failed_until_stopped(results, busy) == 10


def test_files_that_cannot_be_read_stop_nothing(run: Run) -> None:
    """Each has its own cause."""
    assert failed_until_stopped(run.results(), SourceError("it is gone")) == 0


def test_fail_fast_stops_at_the_first_failure(run: Run) -> None:
    """Whatever its cause; the failure is emitted first."""
    assert failed_until_stopped(run.results(JobSettings(fail_fast=True)), SourceError("it is gone")) == 1
    assert len(run.of(FileFailed)) == 1


def test_a_reason_why_objects_cannot_be_compared_is_emitted_once(run: Run) -> None:
    """A permission that is missing for one file is missing for all."""
    results = run.results()
    for reason in ("denied", "denied", "no checksum"):
        results.not_comparable(NotComparable(path="/data/a", target=URL, reason=reason))

    assert len(run.of(ComparisonFailed)) == 2


@pytest.mark.parametrize(
    ("errors", "missing", "resumable"),
    [
        ([], 0, False),
        ([], 1, True),
        ([Transient("away")], 0, True),
        ([Transient("away"), SourceError("gone")], 0, False),
    ],
)
def test_a_job_is_resumable_when_everything_left_is(
    run: Run, errors: list[PartwayError], missing: int, resumable: bool
) -> None:
    """The exit code follows from it; a finished job has nothing to resume."""
    results = run.results()
    for error in errors:
        results.failed("", "/data/a", URL, error)

    assert results.end(missing).resumable is resumable


@pytest.mark.parametrize(("failed", "missing", "status"), [(0, 0, "completed"), (1, 0, "open"), (0, 1, "open")])
def test_a_job_is_completed_when_nothing_is_left(run: Run, failed: int, missing: int, status: str) -> None:
    """Failed and missing files keep it open."""
    results = run.results()
    for _ in range(failed):
        results.failed("", "/data/a", URL, Transient("away"))
    results.end(missing)

    record = run.store.jobs.get(JOB.id)
    assert record is not None
    assert record.status == JobStatus(status)
    assert len(run.of(JobDone)) == 1
