"""What other terminals see of a job with concurrent uploads."""

import io
import time
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from partway.cli.commands.show import print_job
from partway.cli.output.terminal.watch_view import JobView, line_of
from partway.cli.status.job import job_row
from partway.cli.status.snapshot import WatchedJob, watched_job
from partway.state.jobs import JobRecord, JobStatus
from partway.state.live import LivePhase, ProgressSnapshot, RunOutcome
from partway.state.memory.store import MemoryStore
from tests.support.engine.records import UPLOAD

MIB = 1024 * 1024
JOB = JobRecord(
    id="10b01234",
    status=JobStatus.OPEN,
    spec="{}",
    target="s3://bucket/p/",
    endpoint="",
    region=None,
    profile=None,
    created_at=1.0,
    updated_at=1.0,
)


@pytest.fixture
def store() -> MemoryStore:
    """A job that runs, and has done some small files."""
    store = MemoryStore()
    store.jobs.save(JOB)
    told = ProgressSnapshot(
        id=JOB.id, pid=7, host="host", began_at=1.0, updated_at=time.time(), phase=LivePhase.SENDING
    )
    store.live.publish(replace(told, rate=999.0, done_files=12, done_bytes=MIB, files=(("/data/small", 100),)))
    return store


def runs(store: MemoryStore, name: str, id: str, began_at: float, **told: object) -> None:
    """An upload of the job runs: a file of 100 MiB in parts of 10, one of them on its way."""
    record = replace(UPLOAD, id=id, job=JOB.id, source=f"/data/{name}", key=f"p/{name}", size=100 * MIB)
    store.save_upload(replace(record, part_size=10 * MIB))
    said = ProgressSnapshot(
        id=id, pid=7, host="host", began_at=began_at, updated_at=time.time(), phase=LivePhase.SENDING
    )
    facts = {"rate": 2.0 * MIB, "resumed_bytes": 20 * MIB, "resumed_parts": 2, "parts": ((3, MIB),)} | told
    store.live.publish(replace(said, **facts))  # type: ignore[arg-type]


def look(store: MemoryStore) -> WatchedJob:
    """The job as seen by a watcher."""
    return watched_job(store, JOB)


def drawn(store: MemoryStore, height: int = 24) -> list[str]:
    """The lines of ``watch`` on a terminal of 80 columns."""
    file = io.StringIO()
    console = Console(file=file, width=80, height=height, force_terminal=True, color_system=None)
    console.print(JobView(look(store)))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_each_upload_has_a_line(store: MemoryStore) -> None:
    """Below the job and its small files; with the ID, which ``show`` and ``watch`` accept."""
    runs(store, "video.mkv", "0a1b2c3d", 5.0, phase=LivePhase.COMPLETING)
    runs(store, "disk.img", "3f2a91bc", 3.0)

    assert drawn(store) == [
        "job to s3://bucket/p/",
        "  12 files, 43.0 MiB, 4.0 MiB/s",
        "  now: small (100 B)",
        "  10b01234, process 7 on host",
        "3f2a91bc disk.img  ▬▬▬▬▬─────────────────────  21 %     2.0 MiB/s   39.5 s left",
        "0a1b2c3d video.mkv ▬▬▬▬▬─────────────────────  21 %    completing",
    ]


def test_as_many_as_there_is_room_for(store: MemoryStore) -> None:
    for number in range(9):
        runs(store, f"file-{number}", f"0000000{number}", float(number))

    assert [line.split()[0] for line in drawn(store, height=9)[4:]] == ["00000000", "00000001", "and"]
    assert drawn(store)[-1] == "  and 4 more files"
    assert max(map(cell_len, drawn(store))) < 80


def test_a_job_has_the_numbers_of_all_its_uploads(store: MemoryStore) -> None:
    """Rates and retries are sums; the job is not unreachable if only one upload is."""
    runs(store, "a", "0000000a", 1.0, retries=2, reason="503", away_since=30.0)
    runs(store, "b", "0000000b", 2.0, retries=1, updated_at=1.0)
    one_away = job_row(store, JOB)
    runs(store, "b", "0000000b", 2.0, away_since=20.0)
    all_away = job_row(store, JOB)

    assert one_away is not None and all_away is not None
    told = one_away.record
    assert (told.rate, told.retries, told.reason, told.away_since) == (2.0 * MIB, 3, "503", None)
    assert (told.resumed_bytes, told.in_flight_bytes) == (40 * MIB, 2 * MIB + 100)
    assert (all_away.record.away_since, all_away.record.rate) == (20.0, 4.0 * MIB)
    assert drawn(store)[1].startswith("  12 files, 43.0 MiB, endpoint unreachable for ")


def test_lines(store: MemoryStore) -> None:
    """Without a terminal: the job's bytes and its uploads, the oldest first."""
    runs(store, "b", "0000000b", 2.0)
    runs(store, "a", "0000000a", 3.0)
    watched = look(store)

    assert line_of(watched) == "10b01234 s3://bucket/p/: 12 files, 43.0 MiB, 4.0 MiB/s, process 7 on host"
    assert [line_of(each).split(":")[0] for each in watched.uploads] == ["0000000b b", "0000000a a"]


def test_an_upload_that_ends_while_it_is_looked_at_is_left_out(store: MemoryStore) -> None:
    """It was running when the list was read, but not when its own record was."""
    runs(store, "a", "0000000a", 1.0)
    before = store.live.all()
    store.live.remove("0000000a")
    store.live.all = lambda: before  # type: ignore[method-assign]

    assert look(store).uploads == ()


def test_show_says_which_run(store: MemoryStore) -> None:
    """The others are unfinished, and wait for the next run."""
    runs(store, "a", "0000000a", 1.0)
    runs(store, "b", "0000000b", 2.0, ended=RunOutcome.FAILED)
    file = io.StringIO()
    print_job(store, JOB, job_row(store, JOB), Console(file=file, width=80))
    lines = file.getvalue().splitlines()

    assert lines[-2:] == [
        "running: 0000000a p/a: 0 B of 100.0 MiB on S3",
        "unfinished: 0000000b p/b: 0 B of 100.0 MiB on S3",
    ]
