"""A full disk under the state directory: exit code 75 and how to resume, which works once there is space."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from partway.state.errors import StateError, StateFull, state_error
from partway.state.files import locks
from partway.state.files.live import LiveFiles
from partway.state.sqlite import errors
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

store.create = refuse
main.main()
"""
# As `ulimit -f`; Python ignores SIGXFSZ, so that the write fails instead.
LIMIT_FILE_SIZES = """
import resource, sys
from partway.cli import main

size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
main.main()
"""
FILL_UNDER_A_LIMIT = """
import itertools, resource, sys
from dataclasses import replace
from pathlib import Path
from partway.state.errors import StateFull
from partway.state.sqlite.store import SqliteStore
from tests.support.engine.records import UPLOAD

store = SqliteStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
for number in itertools.count():
    try:
        store.save_upload(replace(UPLOAD, id=f"{number:08x}", options="x" * 5_000))
    except StateFull as error:
        assert "ulimit -f" in str(error), error
        print(number)
        break
"""


def run(shell: Shell, program: str, *arguments: str) -> Result:
    return shell.run_command([sys.executable, "-c", program, *arguments])


def test_a_disk_that_fills_up_on_the_way(server: StrictS3, shell: Shell) -> None:
    """Recorded parts stay, the resume command is printed, and it sends the rest."""
    full = run(shell, FULL_AFTER_PARTS, "2", *UPLOAD, "--json")
    sent = part_numbers(server)
    again = shell.run(*UPLOAD)

    assert full.code == 75, full
    assert "database or disk is full; free some space there" in full.errors[0]
    assert full.event("upload_failed")["resumable"] is True
    assert "2 parts are safe on S3" in full.err
    assert "to resume: partway --state-dir" in full.err
    assert again.code == 0
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()
    assert part_numbers(server)[:2] == sent[:2] == [1, 2]


def test_a_disk_that_fills_up_under_a_job(server: StrictS3, shell: Shell) -> None:
    """The same for many files."""
    (shell.folder / "many").mkdir()
    (shell.folder / "source.bin").rename(shell.folder / "many" / "source.bin")
    full = run(shell, FULL_AFTER_PARTS, "2", "upload", "-r", "many", "s3://bucket/p/", *UPLOAD[3:])

    assert full.code == 75, full
    assert "to resume: partway --state-dir" in full.err
    assert shell.run("resume", "--all").code == 0


def test_a_disk_that_was_full_before(server: StrictS3, shell: Shell) -> None:
    """Nothing is sent that could not be recorded; cron may retry."""
    full = run(shell, NO_SPACE_FOR_THE_FOLDER, *UPLOAD, "--json")

    assert full.code == 75, full
    assert full.event("upload_failed")["resumable"] is True
    assert "free some space there, then run the same command again" in full.errors[0]
    assert not server.calls


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_space_is_told_from_other_refusals(number: int) -> None:
    """An exhausted quota counts as a full disk; missing permissions do not."""
    full = state_error("cannot write", OSError(number, "no space"), "fix the permissions")
    denied = state_error("cannot write", PermissionError(errno.EACCES, "denied"), "fix the permissions")

    assert type(full) is StateFull
    assert "permissions" not in str(full)
    assert type(denied) is StateError
    assert str(denied) == "cannot write: denied; fix the permissions"


def of_the_lock(folder: Path) -> AbstractContextManager[None]:
    return locks.acquire(folder / "locks" / "x.lock", wait=0.0)


def of_the_live_record(folder: Path) -> AbstractContextManager[None]:
    LiveFiles(folder).remove("x")
    raise AssertionError("it did not fail")


def of_the_database(folder: Path) -> AbstractContextManager[None]:
    SqliteStore(folder).close()
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("write", [of_the_lock, of_the_live_record, of_the_database])
def test_every_file_of_the_state_folder(
    write: Callable[[Path], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever needs space first."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)

    with pytest.raises(StateFull), write(tmp_path / "state"):
        pass


@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [
        (errno.ENOSPC, StateFull, "No space left on device; free some space there"),
        (errno.EDQUOT, StateFull, "Disk quota exceeded; free some space there"),
        (errno.EFBIG, StateFull, "File too large; raise the limit on file sizes (ulimit -f)"),
        (errno.EIO, StateError, "disk I/O error; fix the permissions or the disk"),
    ],
)
def test_an_io_error_names_what_is_full(
    number: int, kind: type[StateError], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite reports a full disk, a full quota, a file size limit and a broken disk alike."""

    def refuse(path: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(errors, "try_to_grow", refuse)

    with pytest.raises(StateError) as failure, translated(tmp_path / "partway.db"):
        raise sqlite3.OperationalError("disk I/O error")
    assert type(failure.value) is kind
    assert sentence in str(failure.value)


def test_an_io_error_of_a_disk_with_space(tmp_path: Path) -> None:
    """The disk is at fault, and the test write leaves nothing."""
    with pytest.raises(StateError) as failure, translated(tmp_path / "partway.db"):
        raise sqlite3.OperationalError("disk I/O error")

    assert type(failure.value) is StateError
    assert not list(tmp_path.iterdir())


def test_a_file_size_limit_is_reached_at_the_start(server: StrictS3, shell: Shell) -> None:
    """``ulimit -f 20`` leaves no room for the database: nothing is sent; exit code 75 and a remedy."""
    limited = run(shell, LIMIT_FILE_SIZES, "20480", *UPLOAD)

    assert limited.code == 75, limited
    assert "partway.db: File too large; raise the limit on file sizes (ulimit -f)" in limited.errors[0]
    assert not server.calls
    assert shell.run(*UPLOAD).code == 0


def test_a_file_size_limit_is_reached_on_the_way(tmp_path: Path) -> None:
    """The log cannot grow: what was saved before stays."""
    program = [sys.executable, "-c", FILL_UNDER_A_LIMIT, str(tmp_path)]
    saved = int(subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout)

    with closing(SqliteStore(tmp_path)) as store:
        assert saved > 0
        assert len(store.uploads()) == saved
