"""The disk of the state folder is full: exit code 75, and how to go on; with space again it does."""

import errno
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from partway.state.errors import StateError, StateFull, state_error
from partway.state.files import locks
from partway.state.files.live import LiveFiles
from partway.state.sqlite.errors import translated
from partway.state.sqlite.store import SqliteStore
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Result, Shell
from tests.support.shell.interrupted import UPLOAD, part_numbers

# SQLite's own refusal to grow, from the n-th part on.
FULL_AFTER_PARTS = """
import sys
from partway.cli import main
from partway.state.sqlite.store import SqliteStore

left = int(sys.argv.pop(1))
save_parts = SqliteStore.save_parts

def save(self, id, parts):
    global left
    left -= 1
    if left < 0:
        self._db.execute("PRAGMA max_page_count = 1")
        self.save_endpoint_algorithm("x" * 100_000, "MD5", 0.0)
    save_parts(self, id, parts)

SqliteStore.save_parts = save
main.main()
"""
NO_SPACE_FOR_THE_FOLDER = """
import errno
from partway.cli import main
from partway.state.sqlite import store

def refuse(path):
    raise OSError(errno.ENOSPC, "No space left on device")

store._make_file = refuse
main.main()
"""


def run(shell: Shell, program: str, *arguments: str) -> Result:
    return shell.run_command([sys.executable, "-c", program, *arguments])


def test_a_disk_that_fills_up_on_the_way(server: StrictS3, shell: Shell) -> None:
    """What was recorded stays, the command that goes on is named, and it sends the rest."""
    full = run(shell, FULL_AFTER_PARTS, "2", *UPLOAD, "--json")
    sent = part_numbers(server)
    again = shell.run(*UPLOAD)

    assert full.code == 75, full
    assert "database or disk is full; free some space there" in full.errors[0]
    assert full.event("upload_failed")["resumable"] is True
    assert "2 parts are safe on S3" in full.err
    assert "to go on:   partway --state-dir" in full.err
    assert again.code == 0
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()
    assert part_numbers(server)[:2] == sent[:2] == [1, 2]


def test_a_disk_that_fills_up_under_a_job(server: StrictS3, shell: Shell) -> None:
    """The same for many files."""
    (shell.folder / "many").mkdir()
    (shell.folder / "source.bin").rename(shell.folder / "many" / "source.bin")
    full = run(shell, FULL_AFTER_PARTS, "2", "upload", "-r", "many", "s3://bucket/p/", *UPLOAD[3:])

    assert full.code == 75, full
    assert "to go on:   partway --state-dir" in full.err
    assert shell.run("resume", "--all").code == 0


def test_a_disk_that_was_full_before(server: StrictS3, shell: Shell) -> None:
    """Nothing is sent that could not be remembered; cron may try again."""
    full = run(shell, NO_SPACE_FOR_THE_FOLDER, *UPLOAD, "--json")

    assert full.code == 75, full
    assert full.event("upload_failed")["resumable"] is True
    assert "free some space there, then run the same command again" in full.errors[0]
    assert not server.calls


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_is_told_from_other_refusals(number: int) -> None:
    """A quota that is used up is a full disk; missing permissions are not."""
    full = state_error("cannot write", OSError(number, "no space"), "fix the permissions")
    denied = state_error("cannot write", PermissionError(errno.EACCES, "denied"), "fix the permissions")

    assert type(full) is StateFull
    assert "permissions" not in str(full)
    assert type(denied) is StateError
    assert str(denied) == "cannot write: denied; fix the permissions"


def of_the_claim(folder: Path) -> AbstractContextManager[None]:
    return locks.hold(folder / "locks" / "x.lock", wait=0.0)


def of_the_live_record(folder: Path) -> AbstractContextManager[None]:
    LiveFiles(folder).end("x")
    raise AssertionError("it did not fail")


def of_the_database(folder: Path) -> AbstractContextManager[None]:
    SqliteStore(folder).close()
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("write", [of_the_claim, of_the_live_record, of_the_database])
def test_every_file_of_the_state_folder(
    write: Callable[[Path], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of them needs the space first."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)

    with pytest.raises(StateFull), write(tmp_path / "state"):
        pass


@pytest.mark.parametrize(("free", "kind"), [(0, StateFull), (1, StateError)])
def test_an_io_error_on_a_full_disk_is_that(
    free: int, kind: type[StateError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SQLite says when its shared memory cannot grow; a broken disk says the same."""
    status = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((*status[:4], free, *status[5:])))

    with pytest.raises(StateError) as failure, translated(tmp_path / "partway.db"):
        raise sqlite3.OperationalError("disk I/O error")
    assert type(failure.value) is kind
