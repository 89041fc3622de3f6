"""Lock files: exclusive although they are removed at the end, and an error on a filesystem without locks."""

import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import FAILED, exit_code
from partway.state.errors import LocksUnsupported, StateLocked
from partway.state.files import file_lock
from partway.state.sqlite.store import SqliteStore

ABSENT = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL]
NEITHER = r"does not support the file locks .* local disk with --state-dir"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.lock"


def failing(number: int) -> Callable[..., None]:
    """A lock call that fails with this errno."""

    def call(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def is_held(path: Path) -> bool:
    try:
        with file_lock.acquire(path):
            return False
    except StateLocked:
        return True


def test_the_file_is_there_only_while_it_is_held(path: Path) -> None:
    """A million uploads do not leave a million files."""
    with file_lock.acquire(path):
        assert path.exists()
        assert is_held(path)

    assert not path.exists()
    assert not is_held(path)


def test_a_lock_of_a_file_that_was_removed_meanwhile_is_not_a_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process removes the file after we opened it and before we locked it: the path is opened again."""
    real, removals = fcntl.flock, [path]

    def flock(descriptor: int, how: int) -> None:
        while removals:
            removals.pop().unlink()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with file_lock.acquire(path):
        assert is_held(path)


def test_a_file_that_another_process_made_anew_is_not_removed(path: Path) -> None:
    """The directory's content was deleted; the lock of the next process is not affected."""
    with file_lock.acquire(path):
        path.unlink()
        other = os.open(path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(other, fcntl.LOCK_EX)

    assert is_held(path)
    os.close(other)


def test_a_holder_that_lets_go_soon_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The brief check by `clean` does not make an upload that starts at that moment fail."""
    held = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    monkeypatch.setattr("time.sleep", lambda seconds: fcntl.flock(held, fcntl.LOCK_UN))

    with file_lock.acquire(path, wait=60.0):
        assert is_held(path)
    os.close(held)


EXCLUDE = """
import os, sys
from pathlib import Path
from partway.cli.runtime.exit_codes import FAILED, exit_code
from partway.state.files import file_lock
lock, inside = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(300):
    with file_lock.acquire(lock, wait=60.0):
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
        inside.unlink()
"""


def test_processes_that_take_turns_never_meet(path: Path, tmp_path: Path) -> None:
    """Three processes lock and remove the same file a thousand times; two inside at once would be an error."""
    commands = [[sys.executable, "-c", EXCLUDE, str(path), str(tmp_path / "inside")]] * 3
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    errors = [process.communicate(timeout=120)[1] for process in processes]

    assert errors == [""] * 3
    assert list(tmp_path.iterdir()) == []


def test_only_a_file_that_nobody_holds_is_removed(path: Path, tmp_path: Path) -> None:
    """What `clean` removes."""
    (tmp_path / "left").touch()
    with file_lock.acquire(path):
        removed = [file_lock.remove_if_free(each) for each in (path, tmp_path / "left", tmp_path / "missing")]

        assert path.exists()
    assert removed == [False, True, False]
    assert not (tmp_path / "left").exists()


# --- filesystems without locks ---


@pytest.mark.parametrize("number", ABSENT)
def test_without_flock_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Lustre without ``-o flock``: an error, never a lock that outlives its process."""
    store = SqliteStore(tmp_path)
    monkeypatch.setattr(fcntl, "flock", failing(number))

    with pytest.raises(LocksUnsupported, match=NEITHER) as raised, store.lock("/a", "", "b", "k"):
        pytest.fail("nothing is held")
    store.close()
    assert exit_code(raised.value) == FAILED


def test_inode_numbers_that_are_not_stable_are_no_base_for_a_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is unknown whether two processes lock the same file, neither gets the lock."""
    monkeypatch.setattr(file_lock, "_is_named", lambda descriptor, path: False)

    with pytest.raises(LocksUnsupported), file_lock.acquire(path):
        pytest.fail("nothing is held")


@pytest.mark.parametrize("number", ABSENT)
@pytest.mark.parametrize("exists", [False, True], ids=["new", "existing"])
def test_without_record_locks_no_store_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, exists: bool
) -> None:
    """NFSv3 without lockd: reported at once, instead of SQLite's "database is locked" after half a minute."""
    if exists:
        SqliteStore(tmp_path).close()
    monkeypatch.setattr(fcntl, "lockf", failing(number))

    with pytest.raises(LocksUnsupported, match=NEITHER):
        SqliteStore(tmp_path)


@pytest.mark.parametrize(
    ("text", "name"), [("database is locked", "SQLITE_BUSY"), ("disk I/O error", "SQLITE_IOERR_WRITE")]
)
def test_locks_that_are_lost_later_are_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str
) -> None:
    """lockd ends, or the filesystem is remounted: SQLite's own message suggests the wrong remedy."""
    store = SqliteStore(tmp_path)
    monkeypatch.setattr(fcntl, "lockf", failing(errno.ENOLCK))

    with pytest.raises(LocksUnsupported, match=NEITHER), store._translated():
        raise sqlite_error(text, name)
    store.close()


def test_a_lock_that_sqlite_cannot_have_is_told_as_such(tmp_path: Path) -> None:
    """SQLite reports ENOSYS from fcntl as "disk I/O error"; free space would not help."""
    store = SqliteStore(tmp_path)

    with pytest.raises(LocksUnsupported, match=NEITHER), store._translated():
        raise sqlite_error("disk I/O error", "SQLITE_IOERR_SHMLOCK")
    store.close()


def sqlite_error(text: str, name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


def test_nothing_is_left_of_the_look_at_the_filesystem(tmp_path: Path) -> None:
    """The check uses a separate file, which is removed."""
    SqliteStore(tmp_path / "state").close()

    assert [path.name for path in (tmp_path / "state").iterdir()] == ["partway.db"]
