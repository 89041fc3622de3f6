"""Messages that stay: prefixed with the file in a job, and once for many uploads alike."""

import pytest

from partway.cli.output.messages.notes import Notes
from partway.engine.events import Event
from partway.engine.events.upload import ChecksumFellBack, OrphanAdopted, OrphanFound, UploadRenewed
from partway.engine.progress.job import JobProgress
from tests.support.engine.job_events import JOB, PART, done, failed, lost, restored, started

FOUND = OrphanFound(source="/data/a.bin", target="s3://bucket/p/a.bin", parts=3, bytes=3 * PART, initiated=0.0)
AWAY = "endpoint unreachable, retrying in 0.0 s: timed out"


def fell_back(upload: str) -> ChecksumFellBack:
    return ChecksumFellBack(upload=upload, wanted="CRC64NVME", used="MD5", reason="no checksum")


def lines(*events: Event) -> list[str]:
    """The messages for these events, one event per second."""
    progress = JobProgress()
    notes = Notes(progress)
    said = []
    for now, event in enumerate(events):
        progress.update(event, now)
        if line := notes.line(event, now):
            said.append(line)
    return said


@pytest.mark.parametrize(
    ("event", "name", "words"),
    [
        (started("a.bin", resumed=3), "a.bin", "resuming: 3 of 10 parts (30.0 MiB) are already on S3"),
        (UploadRenewed(upload="id-b.bin", reason="404"), "b.bin", "S3 lost this upload (404)"),
        (UploadRenewed(upload="id-new", reason="404"), "id-new", "S3 lost this upload (404)"),
        (OrphanAdopted(upload="id-new", parts=3, bytes=3), "id-new", "resuming an upload found on S3"),
        (FOUND, "a.bin", "S3 has another unfinished upload of this key"),
    ],
)
def test_a_line_of_a_job_names_its_file(event: Event, name: str, words: str) -> None:
    """The ID is used if the name is not known yet; a single upload needs neither."""
    (in_job,) = lines(JOB, started("b.bin"), event)
    (single,) = lines(event)

    assert in_job.startswith(f"{name}: {words}")
    assert single.startswith(words)


def test_a_name_is_escaped() -> None:
    """Names are data."""
    assert lines(JOB, started("\x1b[31m", resumed=1))[0].startswith(r"\x1b[31m: resuming: ")


def test_the_network_goes_and_comes_once() -> None:
    """From the first upload that becomes unreachable to the last that reconnects."""
    said = lines(JOB, lost("a"), lost("b"), lost("c"), restored("b"), restored("a"), restored("c"))

    assert said == [AWAY, "reconnected after 5.0 s"]


def test_an_upload_that_ends_away_is_not_waited_for() -> None:
    """If it is the last one, its end ends the outage, if others have reconnected."""
    assert lines(JOB, lost("a"), lost("b"), restored("a"), failed("b")) == [AWAY, "reconnected after 3.0 s"]
    assert lines(JOB, lost("a"), lost("b"), failed("a"), restored("b")) == [AWAY, "reconnected after 3.0 s"]
    assert lines(JOB, lost("a"), lost("b"), restored("b"), done("a")) == [AWAY, "reconnected after 3.0 s"]
    assert lines(JOB, lost("a"), lost("b"), done("a"), failed("c")) == [AWAY]


def test_nothing_came_back_when_all_failed() -> None:
    """The next outage is reported separately."""
    back = "reconnected after 1.0 s"

    assert lines(JOB, lost("a"), failed("a"), lost("b"), restored("b")) == [AWAY, AWAY, back]
    assert lines(JOB, lost("a"), restored("a"), lost("b"), failed("b")) == [AWAY, back, AWAY]
    assert lines(JOB, lost("a"), restored("a"), done("a"), done("b")) == [AWAY, back]


def test_a_failure_without_an_id_ends_no_other_outage() -> None:
    """It may be any that has not started, but none that is sending."""
    before: list[Event] = [JOB, started("a"), lost("a"), lost("new"), failed("")]

    assert lines(*before, lost("c")) == [AWAY]
    assert lines(*before, restored("a")) == [AWAY, "reconnected after 3.0 s"]


def test_a_single_upload_says_so_too() -> None:
    assert lines(lost("a"), started("a"), restored("a")) == [AWAY, "reconnected after 2.0 s"]


def test_a_checksum_that_fell_back_is_told_once() -> None:
    """It depends on the service, not on a file."""
    assert lines(JOB, fell_back("id-a"), fell_back("id-b")) == ["no checksum; using MD5 instead"]
