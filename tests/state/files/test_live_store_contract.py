"""The contract for snapshots, and how snapshot files distinguish a running process from a dead one."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from partway.state.errors import LocksUnsupported, StateError
from partway.state.files.live import LiveFiles
from partway.state.live import LivePhase, LiveSnapshot, PaceRequest, ProgressSnapshot, RunOutcome
from partway.state.memory.store import MemoryStore
from partway.state.sqlite.store import SqliteStore
from partway.state.store import StateStore
from tests.support.engine.records import UPLOAD

TOLD = ProgressSnapshot(id=UPLOAD.id, pid=7, host="host", began_at=1.0, updated_at=2.0)
TELL_AND_WAIT = """
import sys, time
from pathlib import Path
from partway.state.live import ProgressSnapshot
from partway.state.files.live import LiveFiles
LiveFiles(Path(sys.argv[1])).publish(ProgressSnapshot(id="0a1b2c3d", pid=7, host="host", began_at=1.0, updated_at=2.0))
print("told", flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateStore]:
    made: StateStore = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path)
    yield made
    made.close()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[LiveFiles]:
    """The snapshot files, opened as by a process that runs an upload."""
    made = LiveFiles(tmp_path / "running")
    yield made
    made.close()


def test_a_record_comes_back_as_it_was_told(store: StateStore) -> None:
    """Every field is kept, including a path that is not UTF-8."""
    full = replace(
        TOLD,
        phase=LivePhase.COMPLETING,
        rate=0.5,
        parts=((1, 10), (7, 0)),
        files=(("/a/\udcff", 3),),
        expected_bytes=4,
        away_since=5.25,
        reason="ü\n",
    )
    store.live.publish(full)

    assert store.live.get(TOLD.id) == LiveSnapshot(record=full, alive=True)
    assert store.live.all() == [LiveSnapshot(record=full, alive=True)]
    assert full.in_flight_bytes == 13


def test_the_last_word_counts(store: StateStore) -> None:
    """Even if it is shorter than the previous one."""
    store.live.publish(replace(TOLD, reason="long " * 100, updated_at=3.0))
    store.live.publish(replace(TOLD, updated_at=4.0))

    assert store.live.get(TOLD.id) == LiveSnapshot(record=replace(TOLD, updated_at=4.0), alive=True)


@pytest.mark.parametrize("ended", RunOutcome)
def test_a_run_that_said_how_it_ended_is_not_alive(store: StateStore, ended: RunOutcome) -> None:
    """Its last snapshot stays until the next run starts or it is removed."""
    last = replace(TOLD, ended=ended, error="why")
    store.live.publish(TOLD)
    store.live.publish(last)
    assert store.live.get(TOLD.id) == LiveSnapshot(record=last, alive=False)
    store.live.publish(TOLD)

    assert store.live.get(TOLD.id) == LiveSnapshot(record=TOLD, alive=True)


def test_ids_are_apart(store: StateStore) -> None:
    """They are sorted by ID; one ends without affecting the other."""
    store.live.publish(replace(TOLD, id="ffffffff"))
    store.live.publish(TOLD)
    assert [row.record.id for row in store.live.all()] == [TOLD.id, "ffffffff"]
    store.live.remove("ffffffff")
    store.live.remove("ffffffff")

    assert [row.record.id for row in store.live.all()] == [TOLD.id]
    assert store.live.get("ffffffff") is None


def test_what_runs_is_told_apart(store: StateStore) -> None:
    """Runs that have ended are not listed as running."""
    store.live.publish(replace(TOLD, id="ffffffff", ended=RunOutcome.FAILED))
    store.live.publish(TOLD)

    assert store.live.running() == [LiveSnapshot(record=TOLD, alive=True)]


def test_what_is_removed_says_nothing(store: StateStore) -> None:
    """A deleted upload leaves no snapshot."""
    store.save_upload(UPLOAD)
    store.live.publish(TOLD)
    store.delete_upload(UPLOAD.id)

    assert store.live.all() == []


def test_a_pace_is_asked_for(store: StateStore) -> None:
    """The last request counts; it is no snapshot, and goes with the run."""
    first = store.live.requested_pace(TOLD.id)
    store.live.publish(TOLD)
    store.live.request_pace(TOLD.id, PaceRequest(bandwidth="off"))
    store.live.request_pace(TOLD.id, request := PaceRequest(bandwidth="5M", concurrency=2))
    asked = store.live.requested_pace(TOLD.id)
    ids = [row.record.id for row in store.live.all()]
    store.live.remove(TOLD.id)

    assert (first, asked, ids) == (None, request, [TOLD.id])
    assert store.live.requested_pace(TOLD.id) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"speed": 1}', '{"concurrency": "2"}', '{"concurrency": 0}'])
def test_a_request_that_is_not_readable_is_none(files: LiveFiles, tmp_path: Path, text: str) -> None:
    """Of a later version, or damaged."""
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / f"{TOLD.id}.pace").write_text(text)

    assert files.requested_pace(TOLD.id) is None


def test_a_request_is_private(files: LiveFiles, tmp_path: Path) -> None:
    """And leaves no other file."""
    files.request_pace(TOLD.id, PaceRequest(concurrency=2))
    (path,) = (tmp_path / "running").iterdir()

    assert (path.name, path.stat().st_mode & 0o777) == (f"{TOLD.id}.pace", 0o600)


def test_another_process_is_seen_and_its_death_too(tmp_path: Path) -> None:
    """kill -9: the snapshot remains without a live process; then another process may continue it."""
    with subprocess.Popen([sys.executable, "-c", TELL_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        files = LiveFiles(tmp_path)
        living = files.get(TOLD.id)
        process.send_signal(signal.SIGKILL)
        process.wait()
    dead = files.get(TOLD.id)
    files.publish(TOLD)
    again = files.get(TOLD.id)
    files.close()

    assert living == LiveSnapshot(record=TOLD, alive=True)
    assert dead == LiveSnapshot(record=TOLD, alive=False)
    assert again == LiveSnapshot(record=TOLD, alive=True)


def test_looking_takes_nothing_from_who_starts(tmp_path: Path) -> None:
    """Repeated checks never block a process that starts, and it is then seen as running."""
    look = "import sys\nfrom pathlib import Path\nfrom partway.state.files.live import LiveFiles\nprint(flush=True)\n"
    look += "while True: LiveFiles(Path(sys.argv[1])).all()"
    store = SqliteStore(tmp_path)
    store.live.publish(replace(TOLD, ended=RunOutcome.FAILED))
    told = 0
    with subprocess.Popen([sys.executable, "-c", look, str(tmp_path / "running")], stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        while told < 250:
            with store.lock("source", "", "bucket", "key"):
                try:
                    store.live.publish(TOLD)
                except StateError:
                    time.sleep(0.001)  # the watcher may have been interrupted during a check
                    continue
                told += 1
                row = store.live.get(TOLD.id)
                store.live.publish(replace(TOLD, ended=RunOutcome.FAILED))
                assert row == LiveSnapshot(record=TOLD, alive=True)
        assert watcher.poll() is None
        watcher.kill()
    store.close()


def test_those_who_look_do_not_take_each_other_for_a_process_that_lives(files: LiveFiles, tmp_path: Path) -> None:
    """A check in progress is not mistaken for a run."""
    import fcntl

    files.publish(TOLD)
    files.close()
    with (tmp_path / "running" / TOLD.id).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        row = files.get(TOLD.id)

    assert row is not None
    assert not row.alive


def test_the_file_of_an_earlier_version_is_read(files: LiveFiles, tmp_path: Path) -> None:
    """The keys are stable: `watch` of one version shows the runs of another."""
    text = b'{"id": "0a1b2c3d", "pid": 7, "host": "host", "began_at": 1.0, "told_at": 2.0, "phase": "sending",'
    text += b' "parts": [[1, 5]], "files": [], "ended": "failed", "error": "no"}'
    path = tmp_path / "running" / TOLD.id
    path.parent.mkdir()
    path.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    found = files.get(TOLD.id)
    files.publish(TOLD)

    failed = replace(TOLD, phase=LivePhase.SENDING, parts=((1, 5),), ended=RunOutcome.FAILED, error="no")
    assert found == LiveSnapshot(record=failed, alive=False)
    assert b'"told_at": 2.0' in path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"garbage", b"00000000 {}", b"\xff" * 5000, b"d202ef8d "])
def test_what_nobody_can_read_is_nothing(files: LiveFiles, tmp_path: Path, content: bytes) -> None:
    """A truncated file, or one of a newer version, is neither an error nor an upload."""
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / TOLD.id).write_bytes(content)

    assert files.get(TOLD.id) is None
    assert files.all() == []


def test_who_lives_is_seen_although_it_cannot_be_read(files: LiveFiles, tmp_path: Path) -> None:
    """An unreadable snapshot must not be mistaken for the end of the run."""
    files.publish(TOLD)
    (tmp_path / "running" / TOLD.id).write_bytes(b"garbage")
    row = files.get(TOLD.id)

    assert row is not None
    assert (row.alive, row.record.id, row.record.pid) == (True, TOLD.id, 0)


def test_a_name_that_goes_while_it_is_read_is_no_death(files: LiveFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ended successfully between two reads."""
    files.publish(TOLD)
    other = LiveFiles(files._folder)
    pread = os.pread

    def end_and_read(*arguments: int) -> bytes:
        content = pread(*arguments)
        files.remove(TOLD.id)
        return content

    monkeypatch.setattr("fcntl.flock", lambda descriptor, how: None)
    monkeypatch.setattr(os, "pread", end_and_read)

    assert other.get(TOLD.id) is None


def test_where_there_are_no_locks_nothing_runs(
    files: LiveFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run starts by taking a lock; `list` and `watch` still show stored uploads."""
    files.publish(TOLD)

    def flock(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)

    assert files.all() == [LiveSnapshot(record=TOLD, alive=False)]
    with pytest.raises(LocksUnsupported):
        LiveFiles(tmp_path / "other").publish(TOLD)


def test_files_are_for_their_owner_alone(files: LiveFiles, tmp_path: Path) -> None:
    """They contain paths."""
    files.publish(TOLD)
    folder = tmp_path / "running"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / TOLD.id).stat().st_mode) == 0o600


def test_a_record_costs_the_disk_nothing(files: LiveFiles, tmp_path: Path) -> None:
    """It is written in place: no second file, and never shorter."""
    files.publish(replace(TOLD, reason="long"))
    before = (tmp_path / "running" / TOLD.id).stat()
    files.publish(TOLD)
    after = (tmp_path / "running" / TOLD.id).stat()

    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert [path.name for path in (tmp_path / "running").iterdir()] == [TOLD.id]


def test_trouble_is_a_state_error(files: LiveFiles, tmp_path: Path) -> None:
    """There is a file in place of the directory."""
    (tmp_path / "running").write_text("")

    with pytest.raises(StateError):
        files.publish(TOLD)
    with pytest.raises(StateError):
        files.all()


def test_no_folder_is_no_run(files: LiveFiles, tmp_path: Path) -> None:
    """Reading creates nothing."""
    assert files.all() == []
    assert files.get(TOLD.id) is None
    assert not (tmp_path / "running").exists()
    shutil.rmtree(tmp_path)
