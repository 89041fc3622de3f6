"""``partway clean``: finds, asks, removes, and reports."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import CONTROL, PARTWAY, TIMEOUT, Shell
from tests.support.shell.interrupted import MIB, UPLOAD, hanging, refuse_parts

DAY = 86400.0
CLEAN = ("clean", "s3://bucket")


@pytest.fixture
def server(server: StrictS3) -> StrictS3:
    """A server with two uploads of someone else from three days ago, and one from this hour."""
    server.model = S3Model(clock=lambda: time.time() - age[0])
    age = [3 * DAY]
    begin(server, "old/a")
    begin(server, "old/b")
    age[0] = 3600.0
    begin(server, "young")
    age[0] = 0.0
    return server


def begin(server: StrictS3, key: str) -> None:
    """An upload of one part of 1 MiB."""
    upload = server.model.create_multipart_upload("bucket", key)
    server.model.upload_part("bucket", key, upload.upload_id, 1, bytes(MIB))


def left(server: StrictS3) -> set[str]:
    """The keys of the remaining uploads."""
    return {upload.key for upload in server.model.open_uploads}


def test_without_a_terminal_it_only_looks(server: StrictS3, shell: Shell) -> None:
    """What could be removed, what is kept and why, what it costs, and how to remove it."""
    result = shell.run(*CLEAN)

    assert (result.code, result.err) == (0, "")
    assert left(server) == {"old/a", "old/b", "young"}
    assert "3 d ago        1  1.0 MiB  old/a" in result.out
    assert "it may be in progress" in result.out
    assert "total 2.0 MiB, less than USD 0.01 per month" in result.out
    assert "to confirm: partway clean s3://bucket --yes" in result.out


@pytest.mark.parametrize("flag", ["-n", "--dryrun", "--dry-run"])
def test_a_dry_run_wins_over_yes(server: StrictS3, shell: Shell, flag: str) -> None:
    """With both, nothing is removed."""
    result = shell.run(*CLEAN, "--yes", flag)

    assert result.code == 0
    assert "dry run: nothing was removed" in result.out
    assert len(left(server)) == 3


def test_yes_removes(server: StrictS3, shell: Shell) -> None:
    """And the server confirms that no parts remain."""
    result = shell.run(*CLEAN, "--yes")

    assert (result.code, result.err) == (0, "")
    assert left(server) == {"young"}
    assert result.out.splitlines()[-3:] == [
        "removed: old/a (1.0 MiB)",
        "removed: old/b (1.0 MiB)",
        "2 uploads removed, 2.0 MiB",
    ]


def test_only_below_the_prefix(server: StrictS3, shell: Shell) -> None:
    """And only uploads of the given age."""
    shell.run("clean", "s3://bucket/you", "--older-than", "30min", "--yes")

    assert left(server) == {"old/a", "old/b"}


def test_json(server: StrictS3, shell: Shell) -> None:
    """One object per upload; nothing is removed without --yes."""
    looked = shell.run(*CLEAN, "--json").events
    done = shell.run(*CLEAN, "--json", "--yes").events

    assert [(row["key"], row["removed"], row["bytes"], row["owner"]) for row in looked] == [
        ("old/a", False, MIB, "stranger"),
        ("old/b", False, MIB, "stranger"),
        ("young", False, MIB, "stranger"),
    ]
    assert {row["key"]: row["removed"] for row in done} == {"old/a": True, "old/b": True, "young": False}
    assert left(server) == {"young"}


@contextmanager
def asked(shell: Shell) -> Iterator[tuple["subprocess.Popen[bytes]", int, bytes]]:
    """The process that asks on its terminal, the terminal's other side, and what was shown."""
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [*PARTWAY, *CLEAN], stdin=terminal, stdout=terminal, stderr=terminal, env=shell.variables
    ) as process:
        os.close(terminal)
        try:
            shown = b""
            while b"[y/N]" not in shown:
                shown += os.read(main, 1000)
            yield process, main, shown
        finally:
            process.kill()
            os.close(main)


@pytest.mark.parametrize(("typed", "gone"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_asks(server: StrictS3, shell: Shell, typed: str, gone: bool) -> None:
    """Only "yes" removes anything."""
    with asked(shell) as (process, main, shown):
        os.write(main, f"{typed}\n".encode())
        code = process.wait(TIMEOUT)

    assert code == 0
    assert b"Remove 2 uploads for good?" in shown
    assert ("old/a" not in left(server)) is gone


def test_ctrl_c_is_no_yes(server: StrictS3, shell: Shell) -> None:
    """It ends the command during the prompt."""
    with asked(shell) as (process, _, _):
        while process.poll() is None:
            # Repeated, as people do: an interrupt right before Python reads takes effect only with the next one.
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        code = process.returncode

    assert code == 130
    assert "old/a" in left(server)


def test_ours_need_a_word(server: StrictS3, shell: Shell) -> None:
    """Resumable uploads are kept and listed; --ours removes them, also from the store."""
    refuse_parts(server)
    id = shell.run(*UPLOAD, "--json").event("upload_failed")["upload"]
    server.faults.clear()
    kept = shell.run("clean", "s3://bucket/key", "--older-than", "0", "--yes")
    removed = shell.run("clean", "s3://bucket/key", "--older-than", "0", "--yes", "--ours")

    assert f"yours, unfinished: partway resume {id}, or cancel" in kept.out
    assert removed.out.splitlines()[-1] == "1 upload removed, 10.0 MiB"
    assert shell.run("list").out == "no unfinished uploads\n"


def test_what_runs_is_left_alone(server: StrictS3, shell: Shell) -> None:
    """With any flags; the upload continues to its end."""
    with hanging(shell, server, *UPLOAD) as running:
        result = shell.run("clean", "s3://bucket/key", "--older-than", "0", "--yes", "--ours")
        server.faults.clear()
        server.refuse()
        server.accept()
        running.stop()
    resumed = shell.run("resume", "--all")

    assert "running now" in result.out
    assert resumed.code == 0, resumed


def test_without_permission(server: StrictS3, shell: Shell) -> None:
    """The error names the permission."""
    server.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.BEFORE_READ, action=access_denied()))
    result = shell.run(*CLEAN)

    assert (result.code, result.out) == (1, "")
    assert "s3:ListBucketMultipartUploads" in result.errors[0] and result.err.count("\n") == 1


def test_one_that_stays_is_an_error(server: StrictS3, shell: Shell) -> None:
    """The others are removed; the exit code reports the one that remains."""
    server.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=access_denied()))
    result = shell.run(*CLEAN, "--yes")

    assert result.code == 1
    assert result.errors[0].startswith("error: cannot remove old/a: S3 refused AbortMultipartUpload")
    assert left(server) == {"old/a", "young"}


def test_keys_are_harmless_on_a_terminal(server: StrictS3, shell: Shell) -> None:
    """Other people choose the keys."""
    begin(server, "evil\x1b[31m\nkey")
    result = shell.run(*CLEAN, "--older-than", "0", "--yes")

    assert result.code == 0, result
    assert not CONTROL.search(result.out)
    assert left(server) == set()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bucket",), "is not a valid S3 address; use s3://bucket or s3://bucket/prefix"),
        (("s3://",), "has no bucket; use s3://bucket or s3://bucket/prefix"),
        (("s3://bucket", "--older-than", "soon"), "'soon' is not a valid time"),
        (("--ours",), "--ours needs a bucket"),
    ],
)
def test_usage(shell: Shell, arguments: tuple[str, ...], sentence: str) -> None:
    """Usage errors."""
    result = shell.run("clean", *arguments)

    assert result.code == 2
    assert sentence in " ".join(result.err.split())


def test_history(shell: Shell) -> None:
    """Old history is deleted, unfinished uploads are not, and no request is made."""
    (shell.folder / "small").write_bytes(b"small")
    shell.run("upload", "small", "s3://bucket/small")
    young = shell.run("clean")
    looked = shell.run("clean", "--older-than", "0")
    done = shell.run("clean", "--older-than", "0", "--yes")

    assert young.out == "no history is older than 30 d\n"
    assert "s3://bucket/small" in looked.out and "--yes" in looked.out
    assert done.out.splitlines()[-1].startswith("forgot 1 upload; the state takes ")
    assert shell.run("list", "--all").out == "no uploads yet\n"


def test_history_as_json(shell: Shell) -> None:
    """One object each."""
    (shell.folder / "small").write_bytes(b"small")
    shell.run("upload", "small", "s3://bucket/small")
    (looked,) = shell.run("clean", "--older-than", "0", "--json").events
    (done,) = shell.run("clean", "--older-than", "0", "--json", "--yes").events

    assert (looked["target"], looked["forgotten"], done["forgotten"]) == ("s3://bucket/small", False, True)
    assert shell.run("list", "--all").out == "no uploads yet\n"


def test_lock_files_that_nobody_holds_go(shell: Shell) -> None:
    """Lock files of older versions, which kept one per upload, are removed; a dry run keeps them."""
    (shell.state / "locks").mkdir(parents=True)
    for index in range(3):
        (shell.state / "locks" / f"{index:032x}.lock").touch()
    dry = shell.run("clean", "--dry-run")
    kept = len(list((shell.state / "locks").iterdir()))
    done = shell.run("clean")

    assert (dry.code, kept) == (0, 3)
    assert done.out.splitlines() == [
        "removed 3 unused lock files",
        "no history is older than 30 d",
    ]
    assert list((shell.state / "locks").iterdir()) == []
