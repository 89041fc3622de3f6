"""The progress of one upload: what counts as sent, what a retry takes back, and what is unknown."""

from partway.engine.events import Event
from partway.engine.events.upload import (
    NetworkLost,
    NetworkProbed,
    NetworkRestored,
    OverwriteNotExcluded,
    PartDone,
    PartKept,
    PartProgress,
    PartRetried,
    PartsChecked,
    UploadCompleting,
    UploadStarted,
)
from partway.engine.progress.upload import UploadProgress
from partway.state.live import LivePhase

ID = "0a1b2c3d"
STARTED = UploadStarted(
    upload=ID,
    source="/data/video.mkv",
    target="s3://b/k",
    total_bytes=1000,
    part_size=100,
    part_count=10,
    resumed_bytes=200,
    resumed_parts=2,
)
STREAM = UploadStarted(
    upload=ID,
    source="-",
    target="s3://b/k",
    total_bytes=None,
    part_size=100,
    part_count=None,
    resumed_bytes=0,
    resumed_parts=0,
    expected_bytes=100,
)


def after(*events: Event) -> UploadProgress:
    """The progress after these events, one per second."""
    progress = UploadProgress()
    for number, event in enumerate(events):
        progress.update(event, float(number))
    return progress


def sent(number: int, size: int) -> PartProgress:
    return PartProgress(upload=ID, number=number, sent=size)


def part_done(number: int) -> PartDone:
    return PartDone(upload=ID, number=number, size=100)


def test_bytes_of_earlier_runs_and_of_parts_in_flight_are_there() -> None:
    """A bar starts where the last run stopped, and also moves within a part."""
    progress = after(STARTED, sent(3, 100), part_done(3), sent(4, 50))

    assert (progress.there, progress.sent, progress.parts_there, progress.fraction()) == (350, 150, 3, 0.35)


def test_a_retry_takes_back_what_was_in_flight() -> None:
    """The bytes must be sent again."""
    retried = PartRetried(upload=ID, number=4, attempt=1, wait=0.1, reason="503")
    progress = after(STARTED, sent(4, 50), retried)

    assert (progress.there, progress.retries, progress.reason) == (200, 1, "503")


def test_parts_that_are_adopted_while_checking_count_as_resumed() -> None:
    """They are on S3; this run did not send them."""
    progress = after(PartsChecked(upload=ID, bytes=50, total_bytes=100), PartKept(upload=ID, number=1, size=100))

    assert (progress.phase, progress.resumed, progress.resumed_parts) == (LivePhase.CHECKING, 100, 1)


def test_another_start_counts_from_there() -> None:
    """A vanished upload starts over: nothing of the first attempt counts."""
    progress = after(STARTED, sent(3, 100), part_done(3), sent(4, 50), STARTED)

    assert (progress.sent, progress.done_parts, progress.rate()) == (0, 0, None)


def test_a_stream_is_not_complete_before_it_ends() -> None:
    """A stream may be larger than expected; then the time left is unknown."""
    progress = after(STREAM, sent(1, 100), part_done(1), sent(2, 50))

    assert (progress.there, progress.fraction(), progress.seconds_left()) == (150, 0.99, None)


def test_an_outage_has_a_start_and_the_time_of_the_next_probe() -> None:
    """Both on the clock of the events; the earlier rate no longer applies."""
    lost = NetworkLost(upload=ID, reason="no route", wait=3.0)
    away = after(STARTED, sent(3, 10), lost)
    probed = after(STARTED, sent(3, 10), lost, NetworkProbed(upload=ID, seconds=1.0, wait=5.0))
    back = after(STARTED, sent(3, 10), lost, NetworkRestored(upload=ID, seconds=1.0))

    assert (away.away_since, away.retry_at, away.rate()) == (2.0, 5.0, None)
    assert (probed.away_since, probed.retry_at) == (2.0, 8.0)
    assert (back.away, back.retry_at) == (False, None)


def test_completing_is_a_phase_without_a_rate() -> None:
    """S3 assembles the object, and nothing is sent."""
    progress = after(STARTED, sent(3, 10), sent(3, 90), UploadCompleting(upload=ID))

    assert (progress.phase, progress.rate()) == (LivePhase.COMPLETING, None)


def test_an_event_that_changes_no_number_says_so() -> None:
    """A publisher then writes no snapshot."""
    progress = UploadProgress()

    assert progress.update(STARTED, 0.0)
    assert not progress.update(OverwriteNotExcluded(upload=ID), 1.0)
