"""Unfinished uploads: resume, list, show, cancel, restart."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest

from partway.cli.commands import resume
from partway.cli.runtime.backend import backend_for as make_backend_for
from partway.state.jobs import JobStatus
from partway.state.sqlite.store import SqliteStore
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord, UploadStatus
from tests.state.test_job_store_contract import JOB
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import (
    MIB,
    OPTIONS,
    PARTS,
    UPLOAD,
    hanging,
    make_source,
    part_numbers,
    refuse_parts,
)

OBJECT = ("--acl", "public-read", "--storage-class", "STANDARD_IA", "--metadata", "a=1", "--content-type", "x/y")


def leave_unfinished(server: StrictS3, shell: Shell, *arguments: str) -> str:
    """Interrupt an upload after two parts; returns its ID."""
    refuse_parts(server)
    failed = shell.run(*arguments, "--json").event("upload_failed")
    server.faults.clear()
    assert failed["upload"]
    return str(failed["upload"])


def test_resume_by_prefix_needs_no_options(server: StrictS3, shell: Shell) -> None:
    """The start of an ID is enough, and the options of the upload are stored."""
    id = leave_unfinished(server, shell, *UPLOAD, *OBJECT)

    resumed = shell.run("resume", id[:5], variables={"AWS_ENDPOINT_URL": ""})

    stored = server.model.objects["bucket", "key"]
    assert resumed.code == 0, resumed
    assert (stored.options.acl, stored.options.storage_class, stored.options.content_type) == (
        "public-read",
        "STANDARD_IA",
        "x/y",
    )
    assert stored.options.metadata == {"a": "1"}
    assert part_numbers(server) == list(range(1, PARTS + 1))


def test_changed_options_are_refused(server: StrictS3, shell: Shell) -> None:
    """S3 fixes the options at the start; others are not silently dropped."""
    leave_unfinished(server, shell, *UPLOAD, *OBJECT)

    acl = shell.run(*UPLOAD, "--acl", "private")
    metadata = shell.run(*UPLOAD, "--metadata", "a=2")
    checksum = shell.run(*UPLOAD, "--checksum-algorithm", "CRC32")

    assert [result.code for result in (acl, metadata, checksum)] == [2, 2, 2]
    assert all("--restart" in result.errors[0] for result in (acl, metadata, checksum))
    assert part_numbers(server) == [1, 2]


def test_part_size_is_kept(server: StrictS3, shell: Shell) -> None:
    """The part size of the unfinished upload takes precedence over another."""
    leave_unfinished(server, shell, *UPLOAD)

    again = shell.run(*UPLOAD[:3], "-p", "8MiB", "--json")

    assert again.code == 0, again
    assert again.event("upload_started")["part_size"] == 5 * MIB
    assert part_numbers(server) == list(range(1, PARTS + 1))


def test_only_differing_parts_of_a_changed_source(server: StrictS3, shell: Shell) -> None:
    """Changed parts are sent again; unchanged ones are kept."""
    leave_unfinished(server, shell, *UPLOAD)
    with (shell.folder / "source.bin").open("r+b") as source:
        source.seek(100)
        source.write(b"changed")

    again = shell.run(*UPLOAD)

    assert again.code == 0, again
    assert part_numbers(server) == [1, 1, 2, 3, 4, 5]
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()


def test_restart(server: StrictS3, shell: Shell) -> None:
    """--restart aborts the old upload on the server, too, and accepts other options."""
    leave_unfinished(server, shell, *UPLOAD, *OBJECT)

    again = shell.run(*UPLOAD, "--acl", "private", "--restart", "--json")

    assert again.code == 0, again
    assert again.event("upload_started")["resumed_parts"] == 0
    assert part_numbers(server) == [1, 1, 2, 2, 3, 4, 5]
    assert server.counts["AbortMultipartUpload"] == 1 and not server.model.open_uploads
    assert server.model.objects["bucket", "key"].options.acl == "private"


def test_cancel(server: StrictS3, shell: Shell) -> None:
    """Cancelling removes the parts from the server; then there is nothing to cancel, resume or list."""
    id = leave_unfinished(server, shell, *UPLOAD)

    cancelled = shell.run("cancel", id)
    twice, resumed, listed = shell.run("cancel", id), shell.run("resume", id), shell.run("list")

    assert (cancelled.code, cancelled.err) == (0, "")
    assert cancelled.out == f"cancelled {id}: s3://bucket/key; removed 2 parts (10.0 MiB) from S3\n"
    assert not server.model.open_uploads
    assert (twice.code, resumed.code) == (2, 2)
    assert f"upload {id} is cancelled; there is nothing to cancel" in twice.err
    assert listed.out == "no unfinished uploads\n"
    assert json.loads(shell.run("list", "--all", "--json").out)["status"] == "cancelled"


def test_resume_all(server: StrictS3, shell: Shell) -> None:
    """--all finishes every upload that it can; one whose source is missing is skipped, with advice."""
    names = ("a.bin", "gone.bin", "z.bin")
    refuse_parts(server)
    for seed, name in enumerate(names):
        make_source(shell, name, seed)
    shell.run_all({name: ("upload", name, "s3://bucket/", *OPTIONS) for name in names})
    server.faults.clear()
    (shell.folder / "gone.bin").unlink()

    alone, everything = shell.run("resume"), shell.run("resume", "--all")

    assert alone.code == 2 and "3 uploads are unfinished; give an ID, or --all" in alone.err
    assert f"{shell.folder / 'a.bin'} to s3://bucket/a.bin\n" in alone.err
    assert everything.code == 75
    assert [key for _, key in sorted(server.model.objects)] == ["a.bin", "z.bin"]
    (left,) = shell.run("list", "--json").events
    assert left["target"] == "s3://bucket/gone.bin"
    (line,) = [line for line in everything.err.splitlines() if line.startswith("not resumed: ")]
    assert f"there is no file {shell.folder / 'gone.bin'}" in line and line.endswith(f" cancel {left['upload']}")


def test_resume_all_leaves_alone_what_runs(server: StrictS3, shell: Shell) -> None:
    """Run by cron while the nightly upload and job are running: exit code 0, and no output with --quiet."""
    (shell.folder / "many").mkdir()
    make_source(shell, "many/large.bin", seed=2)
    with (
        hanging(shell, server, *UPLOAD),
        hanging(shell, server, "upload", "-r", "many", "s3://bucket/x/", *OPTIONS),
    ):
        quiet, told = shell.run("resume", "--all", "--quiet"), shell.run("resume", "--all")

    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert told.code == 0
    lines = told.err.splitlines()
    assert len(lines) == 2 and all(line.startswith("not resumed: process ") for line in lines)
    assert f"already sending {shell.folder / 'source.bin'} to s3://bucket/key" in told.err


def set_variables(monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    """For a command in this process."""
    for name, value in shell.variables.items():
        monkeypatch.setenv(name, value)


def in_process(shell: Shell, *arguments: str) -> int:
    """``partway resume`` in this process; its exit code."""
    return int(resume.command.main([*arguments, "--state-dir", str(shell.state)], standalone_mode=False))


@pytest.fixture
def locks() -> Iterator[ExitStack]:
    """Locks that a test takes, released at its end."""
    with ExitStack() as locks:
        yield locks


def complete(store: StateStore, record: UploadRecord, locks: ExitStack) -> None:
    """Change the store as a process that completed the upload would."""
    store.save_upload(replace(record, status=UploadStatus.COMPLETED))


def lock(store: StateStore, record: UploadRecord, locks: ExitStack) -> None:
    """A process that sends the upload."""
    locks.enter_context(store.lock(record.source, record.endpoint, record.bucket, record.key))


@pytest.mark.parametrize(
    ("named", "other", "code"), [(False, complete, 0), (False, lock, 0), (True, complete, 1), (True, lock, 75)]
)
def test_what_another_process_takes_after_the_check(
    server: StrictS3,
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: bool,
    locks: ExitStack,
    other: Callable[[StateStore, UploadRecord, ExitStack], None],
    code: int,
) -> None:
    """Of two concurrent ``resume --all``, the second skips it; with an ID it is an error."""
    id = leave_unfinished(server, shell, *UPLOAD)
    set_variables(monkeypatch, shell)

    def backend_for(record: UploadRecord, **options: Any) -> object:
        with closing(SqliteStore(shell.state)) as store:
            other(store, record, locks)
        return make_backend_for(record, **options)

    monkeypatch.setattr("partway.cli.commands.resume.backend_for", backend_for)

    assert in_process(shell, id if named else "--all", "--json") == code
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("error: " if named else "not resumed: ") and id in line
    assert len(out.splitlines()) == named


def test_a_job_that_another_process_ends_after_the_check(
    server: StrictS3,
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    locks: ExitStack,
) -> None:
    """``resume --all`` leaves it alone, too."""
    (shell.folder / "files").mkdir()
    make_source(shell, "files/large.bin")
    refuse_parts(server)
    shell.run("upload", "-r", "files", "s3://bucket/x/", *OPTIONS)
    set_variables(monkeypatch, shell)

    def backend_for(*arguments: Any, **options: Any) -> object:
        with closing(SqliteStore(shell.state)) as store:
            (job,) = store.jobs.all()
            store.jobs.save(replace(job, status=JobStatus.COMPLETED))
            (record,) = store.uploads()
            complete(store, record, locks)
        return make_backend_for(*arguments, **options)

    monkeypatch.setattr("partway.cli.uploading.job.backend_for", backend_for)

    assert in_process(shell, "--all", "--json") == 0
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("not resumed: job ") and "already completed" in err


def test_resume_all_finishes_the_rest_beside_what_runs(server: StrictS3, shell: Shell) -> None:
    """Skipped running uploads do not affect the exit code."""
    make_source(shell, "other.bin", seed=2)
    leave_unfinished(server, shell, "upload", "other.bin", "s3://bucket/other", *OPTIONS)
    with hanging(shell, server, *UPLOAD) as running:
        server.faults.clear()
        with running.paused():
            result = shell.run("resume", "--all", "--quiet")

    assert (result.code, result.err) == (0, "")
    assert ("bucket", "other") in server.model.objects


def test_resume_all_does_not_overwrite_what_a_later_upload_wrote(server: StrictS3, shell: Shell) -> None:
    """Another file to the same key: the older upload is reported, with 75, and can be resumed by its ID."""
    id = leave_unfinished(server, shell, *UPLOAD)
    (shell.folder / "other.bin").write_bytes(b"other")
    later = shell.run("upload", "other.bin", "s3://bucket/key", "--json").event("upload_done")["upload"]

    result = shell.run("resume", "--all", "--quiet")

    assert result.code == 75
    (line,) = result.err.splitlines()
    for words in (f"upload {id}", f"later upload {later}", "s3://bucket/key", f"cancel {id}", f"resume {id}"):
        assert words in line
    assert server.model.objects["bucket", "key"].body == b"other"
    assert shell.run("resume", id).code == 0
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()


def test_resume_all_does_not_overwrite_what_a_later_job_wrote(server: StrictS3, shell: Shell) -> None:
    """Small files of a job have no uploads in the store."""
    id = leave_unfinished(server, shell, *UPLOAD)
    (shell.folder / "files").mkdir()
    (shell.folder / "files" / "key").write_bytes(b"other")
    later = shell.run("upload", "-r", "files", "s3://bucket/", "--json").event("job_done")["job"]

    result = shell.run("resume", "--all", "--quiet")

    assert result.code == 75
    (line,) = result.err.splitlines()
    for words in (f"upload {id}", f"later job {later}", "s3://bucket/key", f"cancel {id}", f"resume {id}"):
        assert words in line
    assert server.model.objects["bucket", "key"].body == b"other"


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_resume_all_passes_over_an_upload_whose_path_has_no_file_now(server: StrictS3, shell: Shell, kind: str) -> None:
    """The error names what is there instead, and how to cancel; cron resumes it once the file is back."""
    id = leave_unfinished(server, shell, *UPLOAD)
    path = shell.folder / "source.bin"
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)

    result = shell.run("resume", "--all", "--quiet")

    assert result.code == 75
    (line,) = result.err.splitlines()
    assert line.startswith(f"not resumed: upload {id}: ") and str(path) in line and line.endswith(f"cancel {id}")


def test_one_that_cannot_be_resumed_keeps_nothing_else_from_it(server: StrictS3, shell: Shell) -> None:
    """Its error is printed, and the following ones are finished."""
    leave_unfinished(server, shell, *UPLOAD)
    store = SqliteStore(shell.state)
    store.jobs.save(replace(JOB, id="ffffffff", spec="{}"))
    store.close()

    result = shell.run("resume", "--all")

    assert result.code == 2
    assert result.errors == ["error: the options of job ffffffff in the state are not readable; run its command again"]
    assert [key for _, key in server.model.objects] == ["key"]


def test_nothing_to_resume(shell: Shell) -> None:
    """Having nothing to resume is not a failure."""
    result = shell.run("resume")

    assert (result.code, result.out, result.err) == (0, "", "no unfinished uploads\n")


def test_both_ids_and_all(shell: Shell) -> None:
    """IDs and --all together are refused."""
    result = shell.run("resume", "abc", "--all")

    assert result.code == 2
    assert "not both" in result.err
