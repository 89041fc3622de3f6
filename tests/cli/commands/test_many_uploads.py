"""Ten thousand uploads in the store: commands query all of them at once, never one by one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
from rich.console import Console

from partway.cli.commands import resume
from partway.cli.main import cli
from partway.cli.runtime import completion
from partway.cli.runtime.safe import safe_of_job
from partway.cli.text.columns import print_columns
from partway.engine.backend.target import ObjectOptions
from partway.engine.job_records.later_uploads import LaterUploads
from partway.engine.walk.spec import JobSpec
from partway.state.files.live import LiveFiles
from partway.state.jobs import FileRecord, FileStatus, JobRecord, JobStatus
from partway.state.live import ProgressSnapshot, RunOutcome
from partway.state.sqlite.connection import connect
from partway.state.sqlite.database import StoreDatabase
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import PartRecord
from tests.support.engine.records import UPLOAD

FEW, MANY = 3, 40
JOB = JobRecord(
    id="00000000",
    status=JobStatus.OPEN,
    spec="{}",
    target="s3://b/",
    endpoint="",
    region=None,
    profile=None,
    created_at=1.0,
    updated_at=1.0,
)
COMMANDS = [
    ("list",),
    ("list", "--all"),
    ("list", "--json"),
    ("show", JOB.id),
    ("show", JOB.id, "--json"),
    ("watch", "--once"),
    ("watch", "--once", "--json"),
    ("clean", "--dry-run"),
]

Count = Callable[[Callable[[], object]], int]


def fill(folder: Path, count: int) -> None:
    """Add this many unfinished uploads of one failed job, and this many jobs."""
    store = SqliteStore(folder)
    store._db.execute("PRAGMA synchronous = OFF")
    for index in range(count):
        job, upload = f"{index:08x}", f"f{index:07x}"
        store.jobs.save(replace(JOB, id=job))
        store.jobs.save_files(job, [FileRecord(key="k", size=5, mtime_ns=1, status=FileStatus.DONE, note="etag")])
        store.save_upload(replace(UPLOAD, id=upload, key=upload, job=JOB.id))
        store.save_parts(upload, [PartRecord(number=1, size=10, etag="e", checksum="c", run=1)])
        for id in (job, upload):
            store.live.publish(
                ProgressSnapshot(id=id, pid=7, host="h", began_at=1.0, updated_at=2.0, ended=RunOutcome.FAILED)
            )
    store.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Count:
    """The number of SQL statements of a call."""
    told: list[str] = []

    def traced(path: Path) -> StoreDatabase:
        database = connect(path)
        database.conn.set_trace_callback(told.append)
        return database

    def count(call: Callable[[], object]) -> int:
        told.clear()
        call()
        return len(told)

    monkeypatch.setattr("partway.state.sqlite.store.connect", traced)
    return count


def run(folder: Path, *words: str) -> None:
    assert cli.main([*words, "--state-dir", str(folder)], "partway", standalone_mode=False) == 0


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_asks_for_each_row(tmp_path: Path, statements: Count, words: tuple[str, ...]) -> None:
    """As many statements for forty uploads and jobs as for three."""
    fill(tmp_path / "few", FEW)
    fill(tmp_path / "many", MANY)
    few = statements(lambda: run(tmp_path / "few", *words))
    many = statements(lambda: run(tmp_path / "many", *words))

    assert few == many > 0


def test_resume_all_finds_what_is_unfinished_at_once(tmp_path: Path, statements: Count) -> None:
    """Including which uploads belong to a job that resumes them."""
    fill(tmp_path / "few", FEW)
    fill(tmp_path / "many", MANY)

    def find(name: str) -> None:
        store = SqliteStore(tmp_path / name)
        store.save_upload(UPLOAD)
        assert [each.id for each in resume._chosen(store, (), True, None, True)] == [UPLOAD.id]
        store.close()

    assert statements(lambda: find("few")) == statements(lambda: find("many"))


def test_resume_all_compares_no_job_with_every_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job has a later one with other options; a comparison would start by reading a spec."""
    reads = []
    read = JobSpec.from_json

    def counted(text: str) -> JobSpec:
        reads.append(text)
        return read(text)

    monkeypatch.setattr(JobSpec, "from_json", counted)
    rare = ObjectOptions(storage_class="STANDARD_IA")

    def resume_all(count: int) -> int:
        store = SqliteStore(tmp_path / str(count))
        for index in range(count):
            spec = JobSpec(sources=(f"/data/{index}",), bucket="b", prefix=f"{index}/")
            store.jobs.save(replace(JOB, id=f"{index:08x}", spec=spec.to_json()))
            later = replace(spec, options=rare).to_json()
            done = replace(JOB, id=f"f{index:07x}", spec=later, status=JobStatus.COMPLETED, created_at=2.0)
            store.jobs.save(done)
        store.close()
        reads.clear()
        assert cli.main(["resume", "--all", "--state-dir", str(tmp_path / str(count))], standalone_mode=False) == 75
        return len(reads)

    assert resume_all(MANY) / MANY == resume_all(FEW) / FEW


def test_an_upload_is_compared_only_with_jobs_that_may_write_its_key(tmp_path: Path, statements: Count) -> None:
    """However many others ran later."""
    fill(tmp_path, MANY)
    store = SqliteStore(tmp_path)
    for index in range(MANY):
        spec = JobSpec(sources=("/data",), bucket=UPLOAD.bucket, prefix=f"{index}/", endpoint=UPLOAD.endpoint)
        later = replace(JOB, id=f"{index:08x}", spec=spec.to_json(), endpoint=UPLOAD.endpoint, updated_at=9e9)
        store.jobs.save(later)
        store.jobs.save_files(
            later.id, [FileRecord(key=f"{index}/k", size=5, mtime_ns=1, status=FileStatus.DONE, note="etag")]
        )
    found = LaterUploads(store)
    assert (one := found.after(replace(UPLOAD, key="7/k"))) is not None and one.id == f"{7:08x}"

    assert statements(lambda: found.after(replace(UPLOAD, key="7/other"))) <= 3
    store.close()


def test_what_is_safe_of_a_job_is_asked_at_once(tmp_path: Path, statements: Count) -> None:
    """However many of its files have parts on S3."""
    fill(tmp_path / "few", FEW)
    fill(tmp_path / "many", MANY)

    def tell(name: str, count: int) -> None:
        store = SqliteStore(tmp_path / name)
        assert f"{count} parts of {count} other files are safe on S3" in safe_of_job(store, JOB)[1]
        store.close()

    assert statements(lambda: tell("few", FEW)) == statements(lambda: tell("many", MANY))


def test_tab_asks_once(tmp_path: Path, statements: Count) -> None:
    """The IDs of forty uploads and jobs take as many statements as those of three."""
    fill(tmp_path / "few", FEW)
    fill(tmp_path / "many", MANY)

    def tab(name: str) -> None:
        context = click.Context(cli, obj=None)
        context.params = {"state_dir": tmp_path / name}
        assert len(completion.unfinished_ids(context, click.Argument(["id"]), "")) >= 2 * FEW

    assert statements(lambda: tab("few")) == statements(lambda: tab("many"))


def test_watch_reads_the_folder_of_what_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many jobs are running."""
    fill(tmp_path, FEW)
    running = LiveFiles(tmp_path / "running")
    for index in range(FEW - 1):
        running.publish(ProgressSnapshot(id=f"{index:08x}", pid=7, host="h", began_at=1.0, updated_at=2.0))
    looks = []
    names = LiveFiles._names

    def counted(files: LiveFiles) -> list[str]:
        looks.append(files)
        return names(files)

    monkeypatch.setattr(LiveFiles, "_names", counted)
    run(tmp_path, "watch", "--once")
    running.close()

    assert len(looks) == 1


def test_one_row_that_is_damaged_hides_none_of_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The options are not needed for a list."""
    fill(tmp_path, FEW)
    store = SqliteStore(tmp_path)
    store.save_upload(replace(UPLOAD, id="damaged", options="{"))
    store.close()
    run(tmp_path, "list")

    assert sum("s3://bucket/" in line for line in capsys.readouterr().out.splitlines()) == FEW + 1


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    """By the cells of a terminal: a wide character takes two."""
    rows = [("a", "1", "x"), ("日本", "1,000", "long")]
    print_columns(Console(width=20), ("NAME", "N", "LAST"), rows, right=("N",))

    assert capsys.readouterr().out.splitlines() == ["NAME      N  LAST", "a         1  x", "日本  1,000  long"]


def test_styles_are_seen_on_a_terminal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """The header is bold, and a cell has the style of its text."""
    console = Console(width=20, force_terminal=True, color_system="standard", no_color=False)
    print_columns(console, ("NAME",), [("open",)], styles={"open": "yellow"})

    assert capsys.readouterr().out.splitlines() == ["\x1b[1mNAME\x1b[0m", "\x1b[33mopen\x1b[0m"]
