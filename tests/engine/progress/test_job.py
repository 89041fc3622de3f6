"""The progress of a job whose uploads run concurrently."""

from partway.engine.events import Event
from partway.engine.events.upload import (
    FileFailed,
    NetworkLost,
    NetworkRestored,
    PartRetried,
    PartsChecked,
    UploadSkipped,
)
from partway.engine.progress.job import JobProgress
from tests.support.engine.job_events import (
    JOB,
    JOB_DONE,
    MIB,
    PART,
    done,
    failed,
    file_done,
    lost,
    part_done,
    restored,
    sent,
    started,
)


def told(*events: Event, every: float = 1.0, progress: JobProgress | None = None) -> JobProgress:
    """The progress of a job after these events, one per second."""
    progress = progress or JobProgress()
    for number, event in enumerate(events):
        progress.update(event, number * every)
    return progress


def names(progress: JobProgress) -> list[str]:
    return [upload.name for upload in progress.uploads]


def test_each_upload_has_its_own_numbers() -> None:
    """Parts of different uploads are kept apart, though they have the same numbers; the oldest upload comes first."""
    progress = told(JOB, started("b"), started("a", parts=4), part_done("a", 1), part_done("a", 2), sent("b", 1, MIB))

    assert [(upload.name, upload.there, upload.fraction()) for upload in progress.uploads] == [
        ("b", MIB, 0.01),
        ("a", 2 * PART, 0.5),
    ]


def test_the_end_of_one_upload_leaves_the_others() -> None:
    """An upload that is done or failed is no longer shown."""
    progress = told(JOB, *map(started, "abc"), part_done("b", 1), done("a"), failed("c"))

    assert names(progress) == ["b"]
    assert progress.bytes == 10 * PART + PART


def test_nothing_is_kept_of_what_ended() -> None:
    """Memory depends on the running uploads only, even when some fail before they have an ID."""
    progress = told(JOB)
    for number in range(1000):
        name = f"f{number}"
        retried = PartRetried(upload=f"id-refused{number}", number=0, attempt=1, wait=0.1, reason="503")
        skipped = UploadSkipped(source="/s", target="s3://b/k", reason="there")
        for event in (retried, failed(""), retried, skipped, started(name), done(name), file_done(name)):
            progress.update(event, 1.0 + number)
    kept = [value for value in vars(progress).values() if isinstance(value, set | dict | list)]

    assert names(progress) == []
    assert not any(kept)


def test_a_single_upload_is_there_before_its_first_event() -> None:
    """Including its retries before it started to send."""
    progress = JobProgress()
    (first,) = progress.uploads
    told(
        PartRetried(upload="id-a", number=0, attempt=1, wait=0.1, reason="503"),
        PartsChecked(upload="id-a", bytes=1, total_bytes=2),
        started("a"),
        progress=progress,
    )

    assert [(upload, upload.retries) for upload in progress.uploads] == [(first, 1)]


def test_a_single_upload_is_gone_when_it_ended_without_a_beginning() -> None:
    """Skipped, or failed with or without an ID."""
    skipped = UploadSkipped(source="/s", target="s3://b/k", reason="there")

    assert [names(told(event)) for event in (skipped, failed("a"), failed(""))] == [[], [], []]


def test_an_upload_that_is_skipped_after_it_began_is_gone() -> None:
    """Another writer created its object first; the other uploads continue."""
    skipped = UploadSkipped(source="/data/a", target="s3://b/k", reason="there", upload="id-a")

    assert names(told(JOB, started("a"), started("b"), skipped)) == ["b"]


def test_the_uploads_of_a_job_end_with_it() -> None:
    assert names(told(JOB, started("a"), JOB_DONE)) == []


def test_bytes_go_up_smoothly() -> None:
    """Bytes in flight count, and those of a finished upload count once, before and after its FileDone."""
    progress = JobProgress()
    seen = []
    upload: list[Event] = [started("a", parts=1), sent("a", 1, MIB), part_done("a", 1), done("a", parts=1)]
    for event in [JOB, *upload, file_done("a", PART), file_done("small", 5)]:
        progress.update(event, 0.0)
        seen.append(progress.bytes)

    assert seen == [0, 0, MIB, PART, PART, PART, PART + 5]


def test_the_rate_is_of_this_run_and_of_all_uploads() -> None:
    """Bytes of earlier runs count as done, but not in the rate of this run."""
    progress = told(
        JOB,
        started("a", resumed=9),
        started("b"),
        sent("a", 10, 4 * MIB),
        sent("b", 1, 4 * MIB),
        part_done("a", 10),
        done("a"),
        file_done("a"),
        sent("b", 1, 6 * MIB),
    )

    assert progress.bytes == 10 * PART + 6 * MIB
    assert progress.rate() == (PART + 6 * MIB) / 8


def test_a_part_that_is_sent_again_is_no_progress() -> None:
    """Its bytes in flight are lost."""
    retried = PartRetried(upload="id-a", number=1, attempt=1, wait=0.1, reason="503")
    progress = told(JOB, started("a"), sent("a", 1, 4 * MIB), retried, sent("a", 1, MIB))

    assert (progress.bytes, progress.rate()) == (MIB, MIB / 4)


def test_a_failed_upload_is_no_progress_of_another() -> None:
    """Its bytes are subtracted once."""
    failure = FileFailed(job="10b0", source="/data/a", target="s3://bucket/p/a", error="it is gone", resumable=True)
    progress = told(JOB, started("a"), started("b"), part_done("a", 1), sent("b", 1, MIB), failed("a"), failure)

    assert (progress.bytes, progress.failed) == (MIB, 1)


def test_a_job_is_away_when_all_its_uploads_are() -> None:
    """One upload that sends is enough for a rate."""
    away: list[Event] = [JOB, started("a"), started("b"), lost("a")]

    assert not told(*away).away
    assert told(*away, lost("b")).away
    assert not told(*away, lost("b"), restored("a")).away
    assert not told(JOB).away


def test_a_job_of_small_files_is_away_too() -> None:
    """They are not uploads: their events have the job's ID."""
    files_away = NetworkLost(upload=JOB.job, reason="timed out")

    assert told(JOB, files_away).away
    assert not told(JOB, files_away, started("a")).away
    assert not told(JOB, files_away, NetworkRestored(upload=JOB.job, seconds=1.0)).away
