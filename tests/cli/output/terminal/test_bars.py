"""The display of one upload, and of a job's uploads, on a terminal."""

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from partway.cli.output.terminal.bar_sink import BarSink
from partway.engine.events import Event
from partway.engine.events.upload import (
    JobCounted,
    NetworkLost,
    NetworkProbed,
    PartRetried,
    PartsChecked,
    UploadCompleting,
)
from tests.support.engine.clock import Clock
from tests.support.engine.job_events import (
    JOB,
    JOB_DONE,
    MIB,
    PART,
    done,
    failed,
    lost,
    part_done,
    restored,
    sent,
    started,
)

RETRIED = PartRetried(upload="id-a", number=9, attempt=1, wait=0.0, reason="timed out")


class Screen:
    """A terminal that the test inspects; events come one per second."""

    def __init__(self, width: int = 80, height: int = 24, *, keys: bool = False) -> None:
        self._file = io.StringIO()
        self._console = Console(file=self._file, width=width, height=height, force_terminal=True, color_system=None)
        self._clock = Clock()
        self._sink = BarSink(self._console, self._clock, keys=keys)

    def printed(self, *events: Event) -> list[str]:
        """The lines that scroll away above the bars."""
        for event in events:
            self._sink(event)
        return [line.rstrip() for line in self._file.getvalue().splitlines()]

    def see(self, *events: Event) -> list[str]:
        """The lines of bars after these events."""
        for event in events:
            self._clock.now += 1
            self._sink(event)
        self._file.seek(0)
        self._file.truncate()
        self._console.print(self._sink.shown)
        return [line.rstrip() for line in self._file.getvalue().splitlines()]


def many(count: int) -> list[Event]:
    return [started(f"file-{number}") for number in range(count)]


def test_a_single_upload() -> None:
    """Two lines: name, bar and share; then all facts."""
    screen = Screen()

    assert screen.see() == ["  checking what is on S3"]
    assert screen.see(PartsChecked(upload="id-a", bytes=MIB, total_bytes=2 * MIB)) == [
        "  comparing the file with parts on S3: 50% of 2.0 MiB",
    ]
    assert screen.see(started("a", resumed=5), part_done("a", 6), sent("a", 7, 2 * MIB)) == [
        "a ▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬━━━━━━━━━───────────────────────────  62 %",
        "  62.0 MiB of 100.0 MiB, 6.0 MiB/s, 6.3 s left, 6/10 parts",
    ]
    assert screen.see(UploadCompleting(upload="id-a"))[-1] == ("  all 10 parts are on S3; completing the upload")
    assert screen.see(done("a")) == []


def test_a_job_and_each_of_its_uploads() -> None:
    """A line per upload, oldest first, with the reason if it is not sending."""
    screen = Screen()
    lines = screen.see(
        JOB,
        *(started(name, resumed=2) for name in ("a.bin", "video.mkv", "disk.img", "b.bin")),
        sent("a.bin", 3, 30 * MIB),
        sent("a.bin", 3, 31 * MIB),
        UploadCompleting(upload="id-video.mkv"),
        lost("disk.img"),
        PartsChecked(upload="id-new", bytes=1, total_bytes=2),
    )

    assert lines == [
        "s3://bucket/p/",
        "  0 files, 111.0 MiB, 5.2 MiB/s",
        "a.bin     ▬▬▬▬▬▬▬━━━━━━━━━━──────────────────  51 %     6.2 MiB/s    7.9 s left",
        "video.mkv ▬▬▬▬▬▬▬────────────────────────────  20 %    completing",
        "disk.img  ▬▬▬▬▬▬▬────────────────────────────  20 %   unreachable",
        "b.bin     ▬▬▬▬▬▬▬────────────────────────────  20 %       waiting",
        "id-new    ───────────────────────────────────   0 %     comparing",
    ]


def test_a_job_that_is_away_has_no_rate() -> None:
    """The last rate would otherwise stay for the whole outage."""
    lines = Screen().see(JOB, started("a"), sent("a", 1, MIB), sent("a", 1, 2 * MIB), lost("a", wait=3.0))

    assert lines[1] == "  0 files, 2.0 MiB, retrying in 3 s, unreachable for 0 s"


def counted(files: int, parts: int, *, counting: bool = False) -> JobCounted:
    return JobCounted(job=JOB.job, total_files=files, total_bytes=parts * PART, counting=counting)


def test_a_job_says_of_how_many_files() -> None:
    """At least this many during the count; then a bar, the share and the time left."""
    screen = Screen()
    resumed = replace(JOB, done_files=3, done_bytes=2 * PART)

    assert screen.see(resumed, counted(7, 8, counting=True))[:2] == [
        "s3://bucket/p/",
        "  3 of at least 7 files, 20.0 MiB of at least 80.0 MiB, 3 already done",
    ]
    assert screen.see(counted(12, 10), started("a"), part_done("a", 1), part_done("a", 2))[:2] == [
        "s3://bucket/p/ ▬▬▬▬▬▬▬▬▬▬▬━━━━━━━━━━━━───────────────────────────────────  40 %",
        "  3 of 12 files, 40.0 MiB of 100.0 MiB, 4.0 MiB/s, 15.0 s left, 3 already done",
    ]


def test_a_job_is_never_at_100_percent_before_it_is_done() -> None:
    """All bytes may be on S3 while objects are still missing."""
    parts = [part_done("a", number) for number in range(1, 11)]
    first = Screen().see(JOB, counted(1, 10), started("a"), *parts)[0]

    assert first.endswith("━━━  99 %")


def probed(upload: str, wait: float) -> NetworkProbed:
    return NetworkProbed(upload=upload, seconds=0.0, wait=wait)


def test_the_time_until_the_next_probe_is_counted_down() -> None:
    """With the duration of the outage; during a probe it says so."""
    screen = Screen()
    screen.see(started("a"), sent("a", 1, MIB), lost("a", wait=3.0))

    each_second: list[list[Event]] = [[], [RETRIED], [RETRIED], [RETRIED], [probed("id-a", 5.0)], [RETRIED]]
    seen = [screen.see(*events)[-1] for events in each_second]

    assert [line.split("MiB, ")[1].rpartition(", 0/10")[0] for line in seen] == [
        "retrying in 3 s, unreachable for 0 s",
        "retrying in 2 s, unreachable for 1 s",
        "retrying in 1 s, unreachable for 2 s",
        "retrying now, unreachable for 3 s",
        "retrying in 5 s, unreachable for 4 s",
        "retrying in 4 s, unreachable for 5 s",
    ]
    assert "away" not in screen.see(restored("a"))[-1]


def test_a_job_counts_down_to_the_probe_of_any_of_its_files() -> None:
    """One call probes for all files, whether of a small file or of an upload."""
    screen = Screen()
    screen.see(JOB, started("a"), lost("a", wait=1.0), NetworkLost(upload=JOB.job, reason="timed out", wait=1.0))

    assert screen.see(probed(JOB.job, 4.0))[1].endswith(", retrying in 4 s, unreachable for 2 s")
    assert screen.see(probed("id-a", 5.0))[1].endswith(", retrying in 5 s, unreachable for 3 s")


@pytest.mark.parametrize("keys", [True, False])
def test_what_enter_does_is_said(keys: bool) -> None:
    """If there is a keyboard."""
    screen = Screen(keys=keys)

    assert screen.printed(started("a"), lost("a")) == [
        "endpoint unreachable, retrying in 0.0 s: timed out" + " (press Enter to retry now)" * keys
    ]


def test_an_upload_that_ended_makes_room() -> None:
    screen = Screen()
    screen.see(JOB, *many(3))

    assert [line.split()[0] for line in screen.see(done("file-0"), failed("file-2"))[2:]] == ["file-1"]
    assert screen.see(JOB_DONE) == []


@pytest.mark.parametrize(
    ("height", "count", "bars", "below"),
    [
        (24, 5, 5, []),
        (24, 6, 5, ["  and 1 more file"]),
        (24, 1234, 5, ["  and 1,229 more files"]),
        (8, 4, 4, []),
        (8, 5, 3, ["  and 2 more files"]),
        (5, 2, 0, ["  and 2 more files"]),
        (4, 2, 0, []),
    ],
)
def test_as_many_as_there_is_room_for(height: int, count: int, bars: int, below: list[str]) -> None:
    """Two terminal lines stay free, so that nothing scrolls."""
    lines = Screen(height=height).see(JOB, *many(count))

    assert [line.split()[0] for line in lines[2 : bars + 2]] == [f"file-{number}" for number in range(bars)]
    assert lines[bars + 2 :] == below
    assert len(lines) <= height - 2


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Long and wide names are shortened in the middle, and narrow terminals omit less important facts."""
    events = [started(name) for name in ("日本語のとても長い名前のファイル.bin", "x" * 300, "a", "\x1b[31m\n")]
    lines = Screen(width=width).see(JOB, counted(4, 40), *events, sent("a", 1, MIB), sent("a", 1, 2 * MIB))

    assert len(lines) == 6
    assert max(map(cell_len, lines)) < width
    assert all("─" in line for line in (lines[0], *lines[2:]))
