"""A run publishes its progress: computed from its events, about once a second, and without ever failing."""

from dataclasses import replace

import pytest

from partway.engine.errors import UploadCancelled, UploadFailed
from partway.engine.events import Event
from partway.engine.events.upload import (
    FileDone,
    FileFailed,
    FileSkipped,
    JobStarted,
    NetworkLost,
    NetworkRestored,
    PartDone,
    PartProgress,
    PartRetried,
    UploadCompleting,
    UploadStarted,
)
from partway.engine.progress.job_publisher import JobPublisher
from partway.engine.progress.upload_publisher import UploadPublisher
from partway.engine.workers.channel import CancelToken
from partway.state.errors import StateError
from partway.state.live import LivePhase, LiveSnapshot, ProgressSnapshot, RunOutcome
from partway.state.memory.live import MemoryLive
from tests.support.engine.upload_case import PART, Uploading

ID = "0a1b2c3d"
STARTED = UploadStarted(
    upload=ID,
    source="/s",
    target="s3://b/k",
    total_bytes=1000,
    part_size=100,
    part_count=10,
    resumed_bytes=200,
    resumed_parts=2,
)


class Counted(MemoryLive):
    """Records every snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[ProgressSnapshot] = []

    def publish(self, record: ProgressSnapshot) -> None:
        super().publish(record)
        self.told.append(record)


class Broken(MemoryLive):
    """A disk that is full."""

    def publish(self, record: ProgressSnapshot) -> None:
        raise StateError("no space left")

    def remove(self, id: str) -> None:
        raise StateError("no space left")


class Time:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        raise AssertionError("a publisher never waits")


@pytest.fixture
def live() -> Counted:
    return Counted()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def teller(live: Counted, time: Time) -> UploadPublisher:
    """The publisher of an upload that started five seconds ago."""
    made = UploadPublisher(live, lambda event: None, time)
    made.begin(ID)
    made(STARTED)
    time.now += 5.0
    live.told.clear()
    return made


def sent(number: int, size: int) -> PartProgress:
    return PartProgress(upload=ID, number=number, sent=size)


def test_events_are_passed_on_first(live: Counted) -> None:
    """The caller's sink receives every event."""
    heard: list[Event] = []
    teller = UploadPublisher(live, heard.append)
    teller(STARTED)

    assert heard == [STARTED]


def test_the_record(teller: UploadPublisher, live: Counted, time: Time) -> None:
    """Finished parts, parts in flight, the recent rate, and retries."""
    teller(sent(3, 100))
    time.now += 2.0
    teller(PartDone(upload=ID, number=3, size=100))
    teller(sent(4, 60))
    teller(sent(5, 40))
    teller(PartRetried(upload=ID, number=5, attempt=1, wait=0.1, reason="slow down"))
    time.now += 2.0
    teller(sent(6, 20))
    record = live.told[-1]

    assert (record.phase, record.resumed_bytes, record.resumed_parts) == (LivePhase.SENDING, 200, 2)
    assert (record.done_bytes, record.done_parts, record.parts) == (100, 1, ((4, 60), (6, 20)))
    assert (record.retries, record.reason) == (1, "slow down")
    assert record.rate == pytest.approx(20.0)
    assert record.updated_at == time.now


def test_a_record_a_second(teller: UploadPublisher, live: Counted, time: Time) -> None:
    """However many events arrive."""
    for _ in range(1000):
        teller(sent(1, 10))
        time.now += 0.01

    assert len(live.told) == 10


def test_the_last_events_before_a_silence_are_told(teller: UploadPublisher, live: Counted, time: Time) -> None:
    """A second later, once, and with the time at which they happened."""
    teller(sent(1, 10))
    time.now += 0.1
    teller(sent(1, 20))
    happened = time.now
    for _ in range(100):
        time.now += 0.05
        teller.on_idle()

    assert [record.parts for record in live.told] == [((1, 10),), ((1, 20),)]
    assert live.told[-1].updated_at == happened


def test_what_a_silence_may_follow_is_told_at_once(teller: UploadPublisher, live: Counted, time: Time) -> None:
    """No event may follow for minutes; and the earlier rate no longer applies."""
    teller(sent(1, 10))
    time.now += 2.0
    teller(sent(1, 50))
    assert live.told[-1].rate == pytest.approx(50 / 7)
    time.now += 0.01
    teller(NetworkLost(upload=ID, reason="no route"))
    lost = live.told[-1]
    time.now += 0.01
    teller(NetworkRestored(upload=ID, seconds=0.01))
    restored = live.told[-1]
    teller(UploadCompleting(upload=ID))

    assert lost.away_since == pytest.approx(time.now - 0.01)
    assert lost.rate is None
    assert restored.away_since is None
    assert live.told[-1].phase is LivePhase.COMPLETING


def test_a_network_that_comes_and_goes_makes_no_more_records(
    teller: UploadPublisher, live: Counted, time: Time
) -> None:
    """On average one per second, whatever happens."""
    for _ in range(1000):
        teller(NetworkLost(upload=ID, reason="no route"))
        teller(NetworkRestored(upload=ID, seconds=0.01))
        time.now += 0.02

    assert len(live.told) <= 20 + 5


def test_a_run_that_ends_well_says_nothing_more(teller: UploadPublisher, live: Counted) -> None:
    """Its snapshot is removed: the result is in the store."""
    with teller:
        pass

    assert live.all() == []


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (UploadCancelled("interrupted"), RunOutcome.INTERRUPTED),
        (KeyboardInterrupt(), RunOutcome.INTERRUPTED),
        (UploadFailed("no", resumable=True), RunOutcome.FAILED),
        (ValueError(), RunOutcome.FAILED),
    ],
)
def test_a_run_says_how_it_ended(
    teller: UploadPublisher, live: Counted, error: BaseException, ended: RunOutcome
) -> None:
    """With a reason, which is never empty."""
    with pytest.raises(type(error)), teller:
        raise error
    (row,) = live.all()

    assert (row.alive, row.record.ended) == (False, ended)
    assert row.record.error == (str(error) or type(error).__name__)


def test_another_id_takes_the_place_of_the_first(teller: UploadPublisher, live: Counted) -> None:
    """An upload that starts over under another ID."""
    teller.begin("ffffffff")

    assert [row.record.id for row in live.all()] == ["ffffffff"]


def test_nothing_is_told_before_there_is_an_id(live: Counted) -> None:
    """Nor at the end, if nothing was started."""
    with pytest.raises(UploadFailed), UploadPublisher(live, lambda event: None) as teller:
        teller(NetworkLost(upload="", reason="no route"))
        raise UploadFailed("no", resumable=False)

    assert live.told == []


def test_a_full_disk_is_no_reason_to_fail() -> None:
    """The snapshot cannot be written, and the upload continues."""
    with UploadPublisher(Broken(), lambda event: None) as teller:
        teller.begin(ID)
        teller(STARTED)


def test_the_record_of_a_job(live: Counted, time: Time) -> None:
    """Finished files, and those in flight, largest first; multipart uploads publish their own parts."""
    teller = JobPublisher(live, lambda event: None, time)
    teller.begin("job")
    teller(JobStarted(job="job", target="s3://b/", done_files=3))
    teller(FileDone(job="job", source="/a", target="s3://b/a", bytes=50, proof="crc64nvme"))
    teller(FileSkipped(job="job", source="/b", target="s3://b/b", reason="same"))
    teller(FileSkipped(job="job", source="/link", target="", reason="no file"))
    teller(FileFailed(job="job", source="/c", target="s3://b/c", error="no", resumable=False))
    for number in range(6):
        teller.file_begun(f"/f{number}")
    teller.file_ended("/f0")
    teller.retried("slow down")
    count = len(live.told)
    teller(sent(1, 10))
    time.now += 5.0
    teller.file_sent("/f3", 30)
    record = live.told[-1]

    assert len(live.told) == count + 1
    assert (record.resumed_files, record.done_files, record.skipped_files, record.failed_files) == (3, 1, 1, 1)
    assert (record.done_bytes, record.in_flight_bytes, record.retries) == (50, 30, 1)
    assert [path for path, _ in record.files] == ["/f3", "/f1", "/f2", "/f4"]


def test_the_record_of_a_job_whose_small_files_reach_nobody(live: Counted, time: Time) -> None:
    """Outages of its uploads are published by them."""
    teller = JobPublisher(live, lambda event: None, time)
    teller.begin("job")
    teller(JobStarted(job="job", target="s3://b/", done_files=0))
    teller(NetworkLost(upload="another", reason="refused"))
    time.now += 5.0
    teller(NetworkLost(upload="job", reason="refused"))
    away = live.told[-1].away_since
    time.now += 5.0
    teller(NetworkRestored(upload="job", seconds=5.0))

    assert away == time.now - 5.0
    assert live.told[-1].away_since is None


def test_an_upload_tells_while_it_runs_and_not_after(uploading: Uploading) -> None:
    """From the start, as other processes see the holder of the lock."""
    rows: list[LiveSnapshot] = []
    uploading.on_event = lambda event: rows.extend(uploading.store.live.all())
    uploading.run()

    assert rows[0].alive
    assert rows[0].record.id == uploading.events[0].upload  # type: ignore[union-attr]
    assert uploading.store.live.all() == []


def test_an_upload_that_is_stopped_says_so(uploading: Uploading) -> None:
    """And the next run replaces it."""

    def stop(event: Event) -> None:
        if isinstance(event, PartDone):
            uploading.cancel.set()

    uploading.on_event = stop
    with pytest.raises(UploadCancelled):
        uploading.run()
    (row,) = uploading.store.live.all()
    uploading.cancel, uploading.on_event = CancelToken(), lambda event: None
    uploading.run()

    assert row == LiveSnapshot(record=replace(row.record, ended=RunOutcome.INTERRUPTED), alive=False)
    assert row.record.done_bytes >= PART
    assert uploading.store.live.all() == []
