"""Directories that cannot be uploaded completely: failures are reported with reasons, and the rest is uploaded."""

import os
import threading
from pathlib import Path

import pytest

from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Result, Shell
from tests.support.shell.unprivileged import unprivileged

UPLOAD = ("upload", "-r", "some", "s3://bucket/")


@pytest.fixture
def folder(shell: Shell) -> Path:
    """Three files."""
    root = shell.folder / "some"
    for name in ("1.txt", "2.txt", "sub/3.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def arrived(server: StrictS3) -> set[str]:
    """The keys of the objects."""
    return {key for _, key in server.model.objects}


def without_rights(shell: Shell, *arguments: str) -> Result:
    """Run as a user to whom permissions apply."""
    return unprivileged(lambda: shell.run(*arguments))


def test_what_may_not_be_read_is_told(shell: Shell, server: StrictS3, folder: Path) -> None:
    """A file and a directory; once the permissions are fixed, another run sends the rest."""
    (folder / "1.txt").chmod(0)
    (folder / "sub").chmod(0)
    told = without_rights(shell, *UPLOAD, "--dry-run")
    result = without_rights(shell, *UPLOAD)
    assert (told.code, result.code) == (1, 1)
    for each in (told.err, result.err):
        assert "1.txt: it is not readable by this user" in each or "1.txt is not readable by this user" in each, each
        assert "some/sub: it is not readable by this user" in each
    assert arrived(server) == {"2.txt"}
    (folder / "1.txt").chmod(0o600)
    (folder / "sub").chmod(0o700)

    assert shell.run("resume").code == 0
    assert arrived(server) == {"1.txt", "2.txt", "sub/3.txt"}


def test_keys_that_are_too_long_fail_alone(shell: Shell, server: StrictS3, folder: Path) -> None:
    prefix = "p" * 1016
    result = shell.run("upload", "-r", "some", f"s3://bucket/{prefix}/")

    assert result.code == 1
    assert "sub/3.txt: the key has 1,026 bytes; S3 accepts at most 1,024" in result.err
    assert arrived(server) == {f"{prefix}/1.txt", f"{prefix}/2.txt"}


def test_names_that_are_no_utf8_need_a_word(shell: Shell, server: StrictS3, folder: Path) -> None:
    """The error names the option; with it the file is uploaded."""
    (folder / "z\udcfcrich").write_bytes(b"")
    result = shell.run(*UPLOAD)
    assert (result.code, "rename it, or set its encoding with --key-encoding" in result.err) == (1, True)

    again = shell.run(*UPLOAD, "--key-encoding", "latin-1")

    assert again.code == 0, again.err
    assert "z\u00fcrich" in arrived(server)


def test_files_of_one_key_are_listed(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Before anything is sent, one line per key; in JSON as one text."""
    for name in ("1.txt", "2.txt"):
        (shell.folder / "more").mkdir(exist_ok=True)
        (shell.folder / "more" / name).write_bytes(b"")
    command = ("upload", "-r", "some", "more", "s3://bucket/x/")
    result, told = shell.run(*command), shell.run(*command, "--json")

    assert result.code == told.code == 2
    first, *lines = result.err.splitlines()
    assert first == "error: 2 keys would be written by several files; nothing was sent:"
    assert sorted(lines) == [
        f"  s3://bucket/x/{name}: {folder / name}, {shell.folder / 'more' / name}" for name in ("1.txt", "2.txt")
    ]
    assert "s3://bucket/x/2.txt" in told.event("upload_failed")["error"]
    assert not server.calls


NOTHING_TO_ABORT = {
    "a list without names": ("--files-from", "list"),
    "a list of an empty directory": ("--files-from", "folders", "."),
    "filters": ("-r", "some", "--exclude", "*"),
    "filters for a file": ("some/1.txt", "some/2.txt", "--include", "*.jpg", "--exclude", "*.txt"),
    "folders in a folder": ("-r", "folders-only"),
}


def test_nothing_to_do_is_no_failure(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Exit code 0 and a line, with nothing left to resume; 1 with --fail-if-empty."""
    (shell.folder / "list").write_bytes(b"\n\n")
    (shell.folder / "folders-only" / "empty").mkdir(parents=True)
    (shell.folder / "folders").write_text("folders-only\n")
    destinations = {name: f"s3://bucket/{number}/" for number, name in enumerate(NOTHING_TO_ABORT)}
    commands = {name: ("upload", *arguments, destinations[name]) for name, arguments in NOTHING_TO_ABORT.items()}
    well = shell.run_all(commands)
    dry = shell.run_all({name: (*each, "--dry-run") for name, each in commands.items()})
    wrong = shell.run_all({name: (*each, "--fail-if-empty") for name, each in commands.items()})
    quiet, told = shell.run(*commands["filters"], "--quiet"), shell.run(*commands["filters"], "--json")

    for name in NOTHING_TO_ABORT:
        assert (well[name].code, dry[name].code, wrong[name].code) == (0, 0, 1), f"{name}: {well} {dry} {wrong}"
        nothing = f"nothing to upload to {destinations[name]}: the list is empty, or no file matches"
        assert well[name].out.startswith(nothing)
        assert well[name].errors == []
        assert wrong[name].errors[0].startswith("error: found no files to upload; check the ")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    done = told.event("job_done")
    assert [done[each] for each in ("done", "failed", "missing", "resumable")] == [0, 0, 0, False]
    assert shell.run("list", "--all").out == "no uploads yet\n"
    assert not server.calls


def test_an_empty_folder_is_a_failure(shell: Shell, server: StrictS3) -> None:
    """An unmounted disk looks like this."""
    (shell.folder / "empty").mkdir()
    results = shell.run_all(
        {
            "plain": ("upload", "-r", "empty", "s3://bucket/plain/"),
            "filters": ("upload", "-r", "empty", "s3://bucket/filters/", "--exclude", "*.tmp"),
            "dry": ("upload", "-r", "empty", "s3://bucket/dry/", "--dry-run"),
        }
    )

    for result in results.values():
        assert result.code == 1
        assert result.errors == ["error: found no files to upload: the directory is empty (is a disk not mounted?)"]


def test_a_pattern_that_can_match_no_file_is_told(shell: Shell, server: StrictS3, folder: Path) -> None:
    """With the intended pattern, if it can be guessed."""
    patterns = (f"{folder}/sub/*", "sub/", "/elsewhere/*")
    filters = [word for pattern in patterns for word in ("--exclude", pattern)]
    result = shell.run("upload", "-r", "some", "s3://bucket/x/", *filters, "--include", "*.txt")

    assert result.code == 0
    why = "can match no file: patterns are matched against the path below SOURCE"
    assert [line for line in result.err.splitlines() if line.startswith("warning: ")] == [
        f"warning: --exclude '{folder}/sub/*' {why}; use 'sub/*'",
        f"warning: --exclude 'sub/' {why}; for the files in a directory use 'sub/*'",
        f"warning: --exclude '/elsewhere/*' {why}",
    ]


def test_a_link_is_not_followed_where_that_is_not_wanted(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Alone or among others; a regular file is sent with the same flag."""
    (shell.folder / "link").symlink_to(folder / "1.txt")
    flag = "--no-follow-symlinks"
    alone, dry = (shell.run("upload", "link", "s3://bucket/", flag, *more) for more in ((), ("--dry-run",)))
    told = shell.run("upload", "link", "s3://bucket/", flag, "--json")
    beside = shell.run("upload", "link", "some/2.txt", "s3://bucket/", flag)

    assert (alone.code, dry.code, told.code, beside.code) == (0, 0, 0, 0)
    assert alone.out == "skipped s3://bucket/link: the source is a symbolic link; nothing was sent\n"
    assert "would skip s3://bucket/link: the source is a symbolic link" in dry.out
    assert told.event("upload_skipped")["reason"] == "the source is a symbolic link; nothing was sent"
    assert f"skipped: {shell.folder / 'link'}: a symbolic link" in beside.err
    assert arrived(server) == {"2.txt"}
    assert shell.run("upload", "some/1.txt", "s3://bucket/", flag).code == 0
    assert arrived(server) == {"1.txt", "2.txt"}


def test_a_job_is_allowed_the_files_that_it_opens(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Each of 32 concurrent files needs a file, a connection and more: too many for a limit of 64."""
    for number in range(32):
        (folder / str(number)).write_bytes(b"%d" % number)
    together = threading.Barrier(32)
    wait = CallFunction(function=lambda: together.wait(60))
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=wait, times=32))
    result = shell.run_command(["sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh", *PARTWAY, *UPLOAD, "-c", "32"])

    assert result.code == 0, result.err
    assert len(arrived(server)) == 35


def test_a_file_that_vanishes_and_one_that_changes(shell: Shell, server: StrictS3, folder: Path) -> None:
    """During the job: both are reported, the others are uploaded, and a resume sends the rest."""
    gone: list[Path] = []

    def change() -> None:
        sent = folder / (server.calls[-1].key or "")
        sent.write_bytes(b"other")  # as many bytes as before
        gone.append(next(path for path in (folder / "1.txt", folder / "2.txt") if path != sent))
        gone[0].unlink()

    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=CallFunction(function=change)))
    result = shell.run(*UPLOAD, "-c", "1")
    assert result.code == 1
    assert f"there is no file {gone[0]}" in result.err and "changed while it was sent" in result.err
    assert result.err.splitlines().count("error: 2 files were not uploaded:") == 1

    assert shell.run("resume").code == 0
    left = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.txt")}
    assert {key: stored.body for (_, key), stored in server.model.objects.items()} == left


@pytest.mark.parametrize("flag", ["--quiet", "--no-progress", "--json"])
def test_the_end_names_what_failed_and_why(shell: Shell, server: StrictS3, folder: Path, flag: str) -> None:
    """Even if it was reported during the run."""
    (folder / "gone").symlink_to("nowhere")
    result = shell.run(*UPLOAD, flag)

    assert result.code == 1
    assert result.errors == ["error: 1 file was not uploaded:"]
    assert f"  {folder / 'gone'}: a symbolic link to a file that does not exist" in result.err.splitlines()


def test_only_the_first_failures_are_named(shell: Shell, server: StrictS3, folder: Path) -> None:
    """The rest is only counted."""
    for number in range(25):
        (folder / f"gone{number}").symlink_to("nowhere")
    result = shell.run(*UPLOAD, "--quiet")

    assert result.err.count("a symbolic link to a file that does not exist") == 20
    assert "  and 5 more; --json lists all of them" in result.err.splitlines()


def test_empty_folders_are_in_the_summary(shell: Shell, server: StrictS3, folder: Path) -> None:
    """S3 has no folders."""
    (folder / "empty").mkdir()
    (folder / "also").mkdir()
    result = shell.run(*UPLOAD)

    assert result.code == 0
    assert "  2 empty directories skipped: S3 has no directories" in result.out.splitlines()
    assert shell.run(*UPLOAD, "--json").event("job_done")["empty_folders"] == 2


def test_a_stream_that_outgrows_what_was_expected(shell: Shell, server: StrictS3) -> None:
    """Nothing is completed, and the error says what to do."""
    command = f"head -c {16 * 1024 * 1024} /dev/zero"
    result = shell.run(
        "upload",
        "-",
        "s3://bucket/x",
        "--from-command",
        command,
        "--expected-size",
        "6M",
        "-p",
        "5M",
        "--max-parts",
        "2",
    )

    assert result.code == 2, result
    assert "start over with --restart and a larger --expected-size or --part-size" in " ".join(result.err.split())
    assert os.geteuid() >= 0 and not arrived(server)
