"""Progress without a terminal: lines, one every few seconds."""

import io

import pytest

from partway.cli.output.line_sink import LineSink
from partway.engine.events import Event
from partway.engine.events.upload import UploadCompleting
from tests.support.engine.job_events import JOB, MIB, file_done, lost, part_done, sent, started


def written(*events: Event, every: float | None = None) -> list[str]:
    """The output for these events, one every three seconds."""
    out, now = io.StringIO(), 0.0
    sink = LineSink(out, every=every, clock=lambda: now)
    for event in events:
        sink(event)
        now += 3.0
    return out.getvalue().splitlines()


def test_a_single_upload() -> None:
    """Its name and progress."""
    lines = written(started("a.bin"), part_done("a.bin", 1), sent("a.bin", 2, 2 * MIB))

    assert lines == ["a.bin: 12 %, 12.0 MiB of 100.0 MiB, 2.0 MiB/s, 44.0 s left, 1/10 parts"]


def test_a_job_is_one_line_with_its_uploads() -> None:
    """Whichever of them has progress."""
    uploads: list[Event] = [started("a.bin"), started("b.bin", parts=2), part_done("a.bin", 1), sent("b.bin", 1, MIB)]

    assert written(JOB, *uploads) == [
        "s3://bucket/p/: 0 files, 10.0 MiB, 1.1 MiB/s; now a.bin 10 %, b.bin 0 %",
    ]


@pytest.mark.parametrize(("every", "count"), [(None, 4), (3.0, 9), (10.0, 2)])
def test_the_interval(every: float | None, count: int) -> None:
    """Five seconds, unless another one is chosen."""
    parts = [sent("a.bin", 1, number * MIB) for number in range(9)]

    assert len(written(started("a.bin"), *parts, every=every)) == count


def test_what_an_upload_does_instead_of_sending() -> None:
    """At most three are named, the oldest."""
    uploads: list[Event] = [*map(started, "abcde"), UploadCompleting(upload="id-a"), lost("b")]

    assert written(JOB, *uploads, sent("c", 1, MIB))[-1].endswith(
        "; now a completing, b unreachable, c 1 %, and 2 more files"
    )


def test_small_files() -> None:
    """Without an upload there is the job alone."""
    assert written(JOB, file_done("a", 5), file_done("b", 5)) == ["s3://bucket/p/: 2 files, 10 B, 2 B/s"]
