"""The SQLite store: durable and private on disk, with an error of ours for every failure."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from partway.state.errors import StateDamaged, StateError, StateFull, StateLocked
from partway.state.live import ProgressSnapshot
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import PartRecord
from tests.support.engine.records import UPLOAD
from tests.support.shell.unprivileged import unprivileged


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a closed store with one upload of 2,000 parts."""
    made = SqliteStore(tmp_path_factory.mktemp("made"))
    made.save_upload(UPLOAD)
    made.save_parts(UPLOAD.id, parts(2000))
    made.close()
    return made.path


@pytest.fixture
def filled(tmp_path: Path, made_once: Path) -> Path:
    """A copy of that database, to be damaged."""
    (tmp_path / "state").mkdir(mode=0o700)
    return Path(shutil.copy(made_once, tmp_path / "state"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "state")
    yield made
    made.close()


def parts(count: int) -> list[PartRecord]:
    """Parts with values of realistic length: an MD5 in hex, a CRC64NVME in base64."""
    return [
        PartRecord(number=number, size=16 << 20, etag=f"{number:032x}", checksum=f"{number:011}=", run=1)
        for number in range(1, count + 1)
    ]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def run_python(script: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


# --- on disk ---


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """Whatever the umask: bucket names and paths are private, also in the files beside it."""
    before = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "state")
        store.save_upload(UPLOAD)
        with store.lock("/a", "", "b", "k"):
            modes = {path.name: mode(path) for path in store.folder.rglob("*") if path.is_file()}
        store.close()
    finally:
        os.umask(before)

    assert {"partway.db", "partway.db-wal", "partway.db-shm"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert (mode(store.folder), mode(store.folder / "locks")) == (0o700, 0o700)


def test_files_that_are_open_to_others_are_closed(store: SqliteStore) -> None:
    """Files created by another program, copied, or on a container's disk are corrected when the directory is used."""
    store.save_upload(UPLOAD)
    with store.lock("/a", "", "b", "k"):
        store.live.publish(ProgressSnapshot(id=UPLOAD.id, pid=7, host="host", began_at=1.0, updated_at=2.0))
    wide = [path for path in store.folder.iterdir() if path.is_file()]
    for path in wide:
        path.chmod(0o666)
    for path in (store.folder, store.folder / "locks", store.folder / "running"):
        path.chmod(0o777)
    again = SqliteStore(store.folder)
    again.close()

    assert {path.name for path in wide} == {"partway.db", "partway.db-wal", "partway.db-shm"}
    assert {mode(path) for path in wide} == {0o600}
    assert {mode(path) for path in store.folder.rglob("*") if path.is_dir()} == {0o700}
    assert mode(store.folder) == 0o700
    assert again.exposed == ()


def test_a_folder_that_has_other_files_is_left_as_it_is(tmp_path: Path) -> None:
    """``--state-dir /tmp`` must not change the mode of /tmp; a warning says if others could replace the database."""
    (tmp_path / "other").touch()
    tmp_path.chmod(0o777)
    exposed = SqliteStore(tmp_path)
    tmp_path.chmod(0o1777)
    sticky = SqliteStore(tmp_path)
    exposed.close()
    sticky.close()

    assert mode(tmp_path) == 0o777
    assert [f"any user can replace the files in {tmp_path}" in sentence for sentence in exposed.exposed] == [True]
    assert sticky.exposed == ()


def test_a_mode_that_cannot_be_corrected_is_told(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """On FAT, some network filesystems, or for a file of another user."""
    store.path.chmod(0o666)
    monkeypatch.setattr(Path, "chmod", lambda path, mode: None)
    again = SqliteStore(store.folder)
    again.close()

    assert len(again.exposed) == 1
    assert f"other users can read or change {store.path}" in again.exposed[0]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    """The platform's state directory need not exist."""
    store = SqliteStore(tmp_path / "a" / "b" / "c")
    store.close()

    assert store.path == tmp_path / "a" / "b" / "c" / "partway.db"
    assert store.path.is_file()


def test_a_folder_with_any_name_is_used(tmp_path: Path) -> None:
    """A path is a path, not a URL and not a query."""
    store = SqliteStore(tmp_path / "a?mode=memory#x %20'\U0001f680")
    store.save_upload(UPLOAD)
    store.close()

    assert store.path.stat().st_size > 0


def test_the_journal_is_a_write_ahead_log(store: SqliteStore) -> None:
    """Another process may read while one writes."""
    other = sqlite3.connect(store.path)
    found = other.execute("PRAGMA journal_mode").fetchone()
    other.close()

    assert found == ("wal",)


@pytest.mark.parametrize("pragma", ["synchronous", "fullfsync", "checkpoint_fullfsync"])
def test_every_commit_is_on_disk(tmp_path: Path, pragma: str) -> None:
    """Also when the store is opened again: these belong to the connection, not to the file.

    synchronous is FULL (2); on macOS that ends in the disk's cache without the others.
    """
    for _ in range(2):
        store = SqliteStore(tmp_path / "state")
        found = store._db.execute(f"PRAGMA {pragma}").fetchone()
        store.close()

        assert found == ((2,) if pragma == "synchronous" else (1,))


def test_a_connection_that_cannot_be_set_up_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged database leaves no open file."""
    made: list[sqlite3.Connection] = []
    real = sqlite3.connect

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made.append(real(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", connect)
    monkeypatch.setattr("partway.state.sqlite.connection._PRAGMAS", ("synchronous = (",))

    with pytest.raises(StateError):
        SqliteStore(tmp_path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


def test_a_store_that_is_opened_again_has_everything(tmp_path: Path) -> None:
    """Uploads, parts and what was learned."""
    store = SqliteStore(tmp_path / "state")
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, parts(3))
    store.save_endpoint_algorithm("https://s3.example", "MD5", 5.0)
    store.close()
    again = SqliteStore(tmp_path / "state")
    found = (again.uploads(), again.parts(UPLOAD.id), again.get_endpoint_algorithm("https://s3.example", since=5.0))
    again.close()

    assert found == ([UPLOAD], parts(3), "MD5")


def test_what_was_saved_is_seen_by_others_at_once(store: SqliteStore) -> None:
    """No change stays in an open transaction while another terminal watches."""
    other = SqliteStore(store.folder)
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, parts(2))
    seen = (other.upload(UPLOAD.id), other.parts(UPLOAD.id))
    other.close()

    assert seen == (UPLOAD, parts(2))


def test_ten_thousand_parts_are_small(store: SqliteStore) -> None:
    """The largest upload there can be needs less than 3 MiB."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, parts(10_000))
    store.close()

    assert store.path.stat().st_size < 3 << 20


KILLED = """
import os, signal, sys
from pathlib import Path
from partway.state.uploads import *
from partway.state.sqlite.store import SqliteStore
from tests.state.sqlite.test_store import UPLOAD, parts
store = SqliteStore(Path(sys.argv[1]))
store.save_upload(UPLOAD)
for part in parts(20):
    store.save_parts(UPLOAD.id, [part])
def breaking():
    yield from parts(30)
    os.kill(os.getpid(), signal.SIGKILL)
store.replace_parts(UPLOAD.id, breaking())
"""


def test_a_killed_process_leaves_what_it_had_saved(tmp_path: Path) -> None:
    """Every call that returned is stored, and an interrupted one is not stored partially."""
    process = run_python(KILLED, tmp_path / "state")
    process.communicate(timeout=60)
    store = SqliteStore(tmp_path / "state")
    found = (store.upload(UPLOAD.id), store.parts(UPLOAD.id))
    store.close()

    assert process.returncode == -signal.SIGKILL
    assert found == (UPLOAD, parts(20))


# --- troubles ---


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"x" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_damaged(tmp_path: Path, content: bytes) -> None:
    """The error names the file and the remedy; the file is unchanged."""
    (tmp_path / "partway.db").write_bytes(content)

    with pytest.raises(StateDamaged, match=f"{tmp_path}/partway.db is damaged .* move it elsewhere and run again"):
        SqliteStore(tmp_path)
    assert (tmp_path / "partway.db").read_bytes() == content


@pytest.mark.parametrize("kept", [50, 512, 4096, 5000, 8192, 40_000])
def test_a_truncated_database_is_damaged(filled: Path, kept: int) -> None:
    """A full disk or an interrupted copy never causes an error of SQLite itself."""
    os.truncate(filled, kept)

    with pytest.raises(StateDamaged, match=r"is damaged .* move it elsewhere"):
        SqliteStore(filled.parent)


def test_damage_in_the_middle_is_told_when_it_is_met(filled: Path) -> None:
    """The header of the file is intact, the rows are not."""
    content = filled.read_bytes()
    filled.write_bytes(content[:20_000] + b"\xff" * (len(content) - 20_000))

    with pytest.raises(StateDamaged, match="is damaged"):
        store = SqliteStore(filled.parent)
        try:
            store.parts(UPLOAD.id)
        finally:
            store.close()


def test_a_row_that_no_version_wrote_is_damage(store: SqliteStore) -> None:
    """An unknown status is not guessed."""
    store.save_upload(UPLOAD)
    store._db.execute("UPDATE uploads SET status = 'odd'")

    with pytest.raises(StateDamaged, match="'odd' is not a valid"):
        store.upload(UPLOAD.id)


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    """A process that died right after creating the file left no data."""
    (tmp_path / "partway.db").touch()
    store = SqliteStore(tmp_path)
    store.save_upload(UPLOAD)

    assert store.uploads() == [UPLOAD]
    store.close()


def test_a_folder_in_place_of_the_database_is_told(tmp_path: Path) -> None:
    """It cannot be opened; the error suggests another directory."""
    (tmp_path / "partway.db").mkdir()

    with pytest.raises(StateError, match=r"Is a directory; choose another with --state-dir"):
        SqliteStore(tmp_path)


@pytest.mark.parametrize("below", ["", "below"])
def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path, below: str) -> None:
    """The folder itself, or one above it, is a file."""
    (tmp_path / "file").touch()

    with pytest.raises(StateError, match=r"cannot use the state directory .*; choose another with --state-dir"):
        SqliteStore(tmp_path / "file" / below)


def test_a_lock_that_cannot_be_written_is_told(store: SqliteStore) -> None:
    """There is a file in place of the lock directory."""
    (store.folder / "locks").touch()

    with pytest.raises(StateError, match="cannot write the lock file"), store.lock("/a", "", "b", "k"):
        pytest.fail("nothing is held")


def test_a_schema_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A new database is created under a lock, and not without it."""
    (tmp_path / "schema.lock").mkdir()

    with pytest.raises(StateError, match=f"cannot write in {tmp_path}: Is a directory"):
        SqliteStore(tmp_path)


def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    """A new store cannot be made in it."""
    tmp_path.chmod(0o500)

    with pytest.raises(StateError, match=f"cannot use the state directory {tmp_path}: Permission denied"):
        unprivileged(lambda: SqliteStore(tmp_path).close())
    tmp_path.chmod(0o700)


def test_a_read_only_database_is_told(filled: Path) -> None:
    """A store that may only be read is of no use."""
    filled.chmod(0o400)

    with pytest.raises(StateError, match="Permission denied"):
        unprivileged(lambda: SqliteStore(filled.parent).close())


def test_a_full_disk_is_told_and_loses_nothing(store: SqliteStore) -> None:
    """Earlier data is intact, nothing is stored partially, and the store works again once there is space."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, parts(10))
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(StateError, match=r"database or disk is full; free some space") as raised:
        store.replace_parts(UPLOAD.id, parts(5000))
    assert type(raised.value) is StateFull
    assert store.parts(UPLOAD.id) == parts(10)
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.replace_parts(UPLOAD.id, parts(5000))
    assert store.part_totals(UPLOAD.id)[0] == 5000


def test_a_database_that_another_process_keeps_busy_is_told(store: SqliteStore) -> None:
    """After a timeout; the error says to run again in a moment."""
    store._db.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(store.path)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StateError, match=r"another process keeps .* busy; run again in a moment"):
        store.save_upload(UPLOAD)
    other.close()
    store.save_upload(UPLOAD)
    assert store.uploads() == [UPLOAD]


# --- several processes ---

HELD = """
import sys
from pathlib import Path
from partway.state.sqlite.store import SqliteStore
with SqliteStore(Path(sys.argv[1])).lock("/a", "", "b", "k"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_lock_of_another_process_dies_with_it(store: SqliteStore) -> None:
    """It is held while the process lives, and free once it is killed, with nothing to clean up."""
    process = run_python(HELD, store.folder)
    assert process.stdout is not None
    held = process.stdout.readline()

    assert held == "held\n"
    with pytest.raises(StateLocked, match="another partway process"), store.lock("/a", "", "b", "k"):
        pytest.fail("two hold the same lock")
    process.kill()
    process.communicate(timeout=60)
    with store.lock("/a", "", "b", "k"):
        assert process.returncode == -signal.SIGKILL


def test_two_stores_of_one_process_exclude_each_other(store: SqliteStore) -> None:
    """The lock is the file's, not the object's."""
    other = SqliteStore(store.folder)

    with store.lock("/a", "", "b", "k"), pytest.raises(StateLocked), other.lock("/a", "", "b", "k"):
        pytest.fail("two hold the same lock")
    other.close()


def test_no_lock_file_stays(store: SqliteStore) -> None:
    """A million uploaded files do not leave a million locks."""
    with store.lock("/a", "", "b", "k"):
        assert len(list((store.folder / "locks").iterdir())) == 1

    assert list((store.folder / "locks").iterdir()) == []


LOCKS_OF = """
import fcntl, struct, sys
asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
with open(sys.argv[1], "r+b") as file:
    print(struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="struct flock is laid out in another way")
def test_another_store_of_the_process_leaves_sqlites_locks_in_place(store: SqliteStore) -> None:
    """Closing any descriptor of the database would drop them, and another process could remove the log."""
    store.uploads()
    SqliteStore(store.folder).close()
    answer = run_python(LOCKS_OF, store.path).communicate(timeout=60)[0]

    assert answer == "True\n"


def test_two_stores_write_without_losing_each_others_rows(store: SqliteStore) -> None:
    """They write alternately, like two terminals."""
    other = SqliteStore(store.folder)
    for index in range(10):
        for writer, name in ((store, "a"), (other, "b")):
            writer.save_upload(replace(UPLOAD, id=f"{name}{index}"))
    counts = (len(store.uploads()), len(other.uploads()))
    other.close()

    assert counts == (20, 20)


OPENED_OFTEN = """
import sys
from pathlib import Path
from partway.state.sqlite.store import SqliteStore
print("ready", flush=True)
for folder in sys.stdin:
    SqliteStore(Path(folder.strip())).close()
    print("opened", flush=True)
"""


def test_processes_that_open_new_folders_together_all_succeed(tmp_path: Path) -> None:
    """Four terminals start their first upload at once; repeated thirty times, because the race is rare."""
    processes = [run_python(OPENED_OFTEN) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for index in range(30):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{tmp_path / str(index)}\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert errors == [""] * 4


WROTE_OFTEN = """
import sys, time
from dataclasses import replace
from pathlib import Path
from partway.state.sqlite.store import SqliteStore
from tests.state.sqlite.test_store import UPLOAD, parts
store = SqliteStore(Path(sys.argv[1]))
store.save_upload(replace(UPLOAD, id=sys.argv[2]))
for number in range(150):
    store.save_parts(sys.argv[2], parts(3))
    store.save_upload(replace(UPLOAD, id=sys.argv[2], run=number + 1))
store.close()
"""


def test_processes_that_write_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    """Concurrent uploads share a database: none fails because another writes."""
    SqliteStore(tmp_path / "state").close()
    processes = [run_python(WROTE_OFTEN, tmp_path / "state", index) for index in range(3)]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert errors == [""] * 3


def test_many_parts_take_little_room(store: SqliteStore) -> None:
    """Parts are stored one by one; the log beside the database stays small as well."""
    store._db.execute("PRAGMA synchronous = OFF")
    store.save_upload(UPLOAD)
    for part in parts(2000):
        store.save_parts(UPLOAD.id, [part])

    assert sum(path.stat().st_size for path in store.folder.iterdir()) < 1024 * 1024
