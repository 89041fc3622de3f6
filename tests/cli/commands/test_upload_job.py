"""``partway upload -r`` and related commands in real processes."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.walk.spec import JobSpec
from partway.state.jobs import JobStatus
from partway.state.sqlite.store import SqliteStore
from tests.support.s3_faults.faults import Answer, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

COUNT = 300


@pytest.fixture
def folder(shell: Shell) -> Path:
    """Many small files, some of them deeper."""
    root = shell.folder / "many"
    for number in range(COUNT):
        path = root / f"d{number % 3}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
    return root


def arrived(server: StrictS3) -> dict[str, bytes]:
    return {key: stored.body for (_, key), stored in server.model.objects.items()}


def expected(folder: Path, prefix: str = "") -> dict[str, bytes]:
    return {f"{prefix}{p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def leave_open(shell: Shell, server: StrictS3) -> str:
    """Run a job with one refused file; returns its ID."""
    refusal = Answer(status=403, code="AccessDenied")
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=refusal, times=1))
    return str(shell.run("upload", "-r", "many", "s3://bucket/", "--json").event("job_done")["job"])


def test_a_folder_that_is_killed_goes_on(shell: Shell, server: StrictS3, folder: Path) -> None:
    """kill -9 in the middle; finished files cause no further requests."""
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(), times=None, skip=150))
    with shell.started("upload", "-r", "many", "s3://bucket/p/") as running:
        running.wait_for("file_done", 100)
        running.stop(signal.SIGKILL)
    keys = expected(folder, "p/")
    store = SqliteStore(shell.state)
    (job,) = store.jobs.all()
    done = store.jobs.files(job.id, keys).keys()
    store.close()
    server.faults.clear()
    before = len(server.journal.calls)

    again = shell.run("upload", "-r", "many", "s3://bucket/p/")

    assert again.code == 0, again.err
    assert arrived(server) == keys
    assert len(done) >= 100
    assert {call.key for call in server.journal.calls[before:]}.isdisjoint(done)
    assert f"{len(done):,} files" in again.out
    assert shell.run("list").out == "no unfinished uploads\n"


def test_ctrl_c_says_how_to_go_on_and_resume_does(shell: Shell, server: StrictS3, folder: Path) -> None:
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(), times=None, skip=150))
    with shell.started("upload", "-r", "many", "s3://bucket/") as running:
        job = running.wait_for("job_started")["job"]
        running.wait_for("file_done", 50)
        result = running.stop(signal.SIGINT)
    server.faults.clear()
    assert result.code == 130
    assert f"resume {job}" in result.err
    assert f"cancel {job}" in result.err
    assert job in shell.run("list").out
    elsewhere = shell.folder / "elsewhere"
    elsewhere.mkdir()

    again = shell.run("resume", job[:5], cwd=elsewhere)

    assert again.code == 0, again.err
    assert arrived(server) == expected(folder)


def test_the_end_says_what_is_safe(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Including the parts of unfinished files, which may be most of the bytes."""
    mixed = shell.folder / "mixed"
    mixed.mkdir()
    (mixed / "small").write_bytes(b"small")
    (shell.folder / "source.bin").rename(mixed / "large")
    for number in (3, 4, 5):
        server.faults.add(
            Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=number, action=Hang(), times=None)
        )
    with shell.started("upload", "-r", "mixed", "s3://bucket/", "-p", "5MiB", "-c", "6") as running:
        running.wait_for("part_done", 2)
        if not any('"file_done"' in line for line in running.lines):
            running.wait_for("file_done")
        result = running.stop(signal.SIGINT)
    server.faults.clear()
    watched = shell.run("watch", "--once", str(json.loads(running.lines[0])["job"]))

    lines = ["  1 file is done (5 B)", "  2 parts of another file are safe on S3 (10.0 MiB)"]
    assert [line for line in result.err.splitlines() if line in lines] == lines
    assert [line for line in watched.out.splitlines() if line in lines] == lines


def test_resume_all_takes_jobs_and_uploads(shell: Shell, server: StrictS3, folder: Path) -> None:
    refusal = Fault(
        operation="PutObject", stage=Stage.BEFORE_READ, action=Answer(status=403, code="AccessDenied"), times=1
    )
    server.faults.add(refusal)
    first = shell.run("upload", "-r", "many", "s3://bucket/")

    assert first.code == 1
    assert first.err.count("failed: ") == 1
    assert "error: 1 file was not uploaded" in first.err
    assert shell.run("resume", "--all").code == 0
    assert arrived(server) == expected(folder)


def test_resume_all_does_not_overwrite_what_a_later_command_decided(
    shell: Shell, server: StrictS3, folder: Path
) -> None:
    """A job that an earlier version left open beside a later one is reported, with 75, and can be resumed by its ID."""
    job = leave_open(shell, server)
    store = SqliteStore(shell.state)
    (record,) = store.jobs.all()
    spec = replace(JobSpec.from_json(record.spec), options=ObjectOptions(storage_class="STANDARD_IA"))
    later = replace(record, id="ffffffff", spec=spec.to_json(), created_at=record.created_at + 1)
    store.jobs.save(replace(later, status=JobStatus.COMPLETED))
    store.close()
    before = arrived(server)

    result = shell.run("resume", "--all", "--quiet")

    assert result.code == 75, result
    assert arrived(server) == before
    (line,) = result.err.splitlines()
    for words in (f"job {job}", "later job ffffffff", "--storage-class", f"cancel {job}"):
        assert words in line
    assert shell.run("resume", job).code == 0
    assert arrived(server) == expected(folder)


def test_show_says_which_files_failed_and_why(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Until a later run in which they succeed."""
    refusal = Answer(status=403, code="AccessDenied")
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=refusal, times=2))
    job = shell.run("upload", "-r", "many", "s3://bucket/", "--json").event("job_done")["job"]
    (facts,) = shell.run("show", job[:6], "--json").events
    shown, listed = shell.run("show", job), shell.run("list")
    key = facts["failures"][0]["key"]
    shell.run("resume", job)
    (after,) = shell.run("show", job, "--json").events

    assert (shown.code, facts["failed_files"], facts["done_files"]) == (0, 2, COUNT - 2)
    assert len(facts["failures"]) == 2 and "AccessDenied" in facts["failures"][0]["error"]
    assert f"failed: {key}: " in shown.out and "failed 2 files" in " ".join(shown.out.split())
    assert listed.out.splitlines()[1].split()[:4] == [job, "open", str(COUNT - 2), "2"]
    assert (after["status"], after["failed_files"], after["failures"]) == ("completed", 0, [])


def test_a_job_is_cancelled_with_its_unfinished_uploads(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Objects that are done stay."""
    (folder / "large").write_bytes(os.urandom(11 * 1024 * 1024))
    server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=Hang(), times=None, skip=1))
    with shell.started("upload", "-r", "many", "s3://bucket/", "-p", "5MiB") as running:
        job = running.wait_for("job_started")["job"]
        running.wait_for("part_done")
        running.stop(signal.SIGKILL)
    server.faults.clear()
    assert len(server.model.open_uploads) == 1

    result = shell.run("cancel", job)

    assert result.code == 0, result.err
    assert not server.model.open_uploads
    assert shell.run("list").out == "no unfinished uploads\n"
    assert shell.run("resume", job).code == 2


def test_filters_in_their_order(shell: Shell, server: StrictS3, folder: Path) -> None:
    """The last matching filter wins, whatever comes first."""
    result = shell.run(
        "upload", "-r", "--exclude", "*", "many", "--include", "d1/*", "s3://bucket/", "--exclude", "*4.txt"
    )

    assert result.code == 0, result.err
    assert set(arrived(server)) == {
        name for name in expected(folder) if name.startswith("d1/") and not name.endswith("4.txt")
    }


@pytest.mark.parametrize("nul", [False, True])
def test_a_list_of_files(shell: Shell, server: StrictS3, folder: Path, nul: bool) -> None:
    names = ["d0/0.txt", "d1/1.txt"]
    (shell.folder / "list").write_text("\0".join(names) if nul else "\n".join(names) + "\n")
    result = shell.run("upload", "--files-from", "list", "many", "s3://bucket/x/")

    assert result.code == 0, result.err
    assert set(arrived(server)) == {f"x/{name}" for name in names}


def test_many_files_by_name(shell: Shell, server: StrictS3, folder: Path) -> None:
    result = shell.run("upload", "many/d0/0.txt", "many/d1/1.txt", "s3://bucket/x/", "--json")

    assert result.code == 0, result.err
    assert set(arrived(server)) == {"x/0.txt", "x/1.txt"}
    assert result.event("job_done")["done"] == 2


BAD = {
    "a folder without -r": (("many", "s3://bucket/x/"), 2, "add -r"),
    "folders without -r": (("many", "source.bin", "s3://bucket/x/"), 2, "add -r"),
    "no slash": (("-r", "many", "source.bin", "s3://bucket/x"), 2, "use s3://bucket/x/"),
    "bucket": (("-r", "many", "s3://buck et/x/"), 2, "has no valid name of a bucket"),
    "no source": (("s3://bucket/x/",), 2, "SOURCE is missing"),
    "no bucket": (("-r", "many", "s3:///x/"), 2, "has no bucket"),
    "no address": (("-r", "many", "bucket/x/"), 2, "is not a valid S3 address; use s3://"),
    "overlap": (("-r", "many/d0", "other", "s3://bucket/"), 2, "nothing was sent"),
    "nothing": (("-r", "many", "s3://bucket/", "--exclude", "*", "--fail-if-empty"), 1, "found no files to upload"),
    "filters for one": (("source.bin", "s3://bucket/x", "--include", "*"), 2, "add -r"),
    "encoding": (("-r", "many", "s3://bucket/", "--key-encoding", "klingon"), 2, "not a known encoding"),
    "list and files": (("--files-from", "source.bin", "source.bin", "s3://bucket/"), 2, "at most one SOURCE"),
    "list leads out": (("--files-from", "out", "many", "s3://bucket/"), 2, "is outside"),
    "gone": (("-r", "gone", "s3://bucket/"), 1, "no such file"),
    "part size": (("-r", "many", "s3://bucket/", "-p", "1MiB"), 2, "5 MiB"),
}


def test_what_cannot_be_done_is_one_sentence(shell: Shell, server: StrictS3, folder: Path) -> None:
    """And nothing is sent, or left to resume."""
    (shell.folder / "out").write_text("../source.bin\n")
    (shell.folder / "other").mkdir()
    (shell.folder / "other" / "0.txt").write_bytes(b"")
    results = shell.run_all({name: ("upload", *arguments) for name, (arguments, _, _) in BAD.items()})

    for name, (_, code, words) in BAD.items():
        result = results[name]
        assert (result.code, words in result.err) == (code, True), f"{name}: {result.code} {result.err}"
        assert "Traceback" not in result.err
    assert arrived(server) == {}


def test_a_job_that_stops_between_two_files_says_so_in_json(shell: Shell, server: StrictS3, folder: Path) -> None:
    """No upload is running, but the last line still has the reason."""
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(), times=None, skip=150))
    with shell.started("upload", "-r", "many", "s3://bucket/") as running:
        running.wait_for("file_done", 50)
        running.process.send_signal(signal.SIGINT)
        assert running.process.stdout is not None
        last = json.loads(running.process.stdout.readlines()[-1])

    assert (last["event"], last["upload"], last["resumable"]) == ("upload_failed", "", True)
    assert last["error"] == "interrupted"
