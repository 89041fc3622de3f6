"""A read-only state directory: its content is shown, whatever state SQLite left it in."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from partway.state.errors import StateError, StateTooNew
from partway.state.sqlite.file import exists
from partway.state.sqlite.migrations import MIGRATIONS
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import PartRecord, UploadRecord
from tests.support.engine.records import UPLOAD
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import UPLOAD as COMMAND
from tests.support.shell.interrupted import interrupt
from tests.support.shell.unprivileged import unprivileged

PARTS = [PartRecord(number=1, size=10, etag="e", checksum="c", run=1)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The state directory, made writable again afterwards."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    yield path
    path.chmod(0o700)


def fill(store: SqliteStore) -> None:
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, PARTS)


def close(folder: Path) -> None:
    """Remove write permission."""
    for file in folder.iterdir():
        file.chmod(0o400)
    folder.chmod(0o500)


def look(folder: Path) -> tuple[list[UploadRecord], list[PartRecord]]:
    """The content of the store as seen by a process without write permission."""

    def read() -> tuple[list[UploadRecord], list[PartRecord]]:
        with closing(SqliteStore(folder, read_only=True)) as store:
            return store.uploads(), store.parts(UPLOAD.id)

    return unprivileged(read)


def test_a_database_that_was_closed_is_read(folder: Path) -> None:
    """There is no log beside it, and none can be created."""
    with closing(SqliteStore(folder)) as store:
        fill(store)
    close(folder)

    assert [path.name for path in folder.iterdir()] == ["partway.db"]
    assert look(folder) == ([UPLOAD], PARTS)
    assert [path.name for path in folder.iterdir()] == ["partway.db"]


def test_what_is_in_the_log_alone_is_read(folder: Path, tmp_path: Path) -> None:
    """The process was killed before a checkpoint, and then the disk was mounted read-only."""
    with closing(SqliteStore(tmp_path / "other")) as store:
        fill(store)
        for name in ("partway.db", "partway.db-wal"):
            shutil.copy(tmp_path / "other" / name, folder)
    close(folder)

    assert look(folder) == ([UPLOAD], PARTS)


def test_what_another_process_writes_is_seen(folder: Path) -> None:
    """The other process may write, this one may not."""
    with closing(SqliteStore(folder)) as store:
        fill(store)
        close(folder)
        before = look(folder)
        store.save_upload(replace(UPLOAD, run=2))
        after = look(folder)

    assert before == ([UPLOAD], PARTS)
    assert after == ([replace(UPLOAD, run=2)], PARTS)


def test_an_older_version_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is migrated in memory; the file is unchanged."""
    with monkeypatch.context() as patched:
        patched.setattr("partway.state.sqlite.schema.MIGRATIONS", MIGRATIONS[:2])
        SqliteStore(folder).close()
    close(folder)
    content = (folder / "partway.db").read_bytes()

    assert look(folder) == ([], [])
    assert (folder / "partway.db").read_bytes() == content


def test_a_newer_version_is_refused(folder: Path) -> None:
    """As in a writable directory."""
    SqliteStore(folder).close()
    with closing(sqlite3.connect(folder / "partway.db")) as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('partway', '9999')")
        db.commit()
    close(folder)

    with pytest.raises(StateTooNew):
        look(folder)


@pytest.mark.parametrize("migrations", [2, len(MIGRATIONS)], ids=["older", "current"])
def test_nothing_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch, migrations: int) -> None:
    """Not even if it were possible, nor to a temporary copy."""
    with monkeypatch.context() as patched:
        patched.setattr("partway.state.sqlite.schema.MIGRATIONS", MIGRATIONS[:migrations])
        SqliteStore(folder).close()

    with closing(SqliteStore(folder, read_only=True)) as store, pytest.raises(StateError, match="readonly"):
        store.save_upload(UPLOAD)
    assert look(folder) == ([], [])


def test_a_folder_that_may_not_be_entered_is_not_an_empty_one(folder: Path) -> None:
    """Its content is unknown, so this is an error."""
    SqliteStore(folder).close()
    folder.chmod(0)

    with pytest.raises(StateError, match=r"cannot use the state directory .* Permission denied"):
        unprivileged(lambda: exists(folder))


def test_commands_that_look(server: StrictS3, shell: Shell) -> None:
    """`list`, `show`, `watch` and `verify` work; commands that write report an error."""
    interrupt(shell, server, *COMMAND)
    (open_id,) = [upload["upload"] for upload in shell.run("list", "--json").events]
    close_all(shell.state)
    commands = {
        "list": ("list",),
        "show": ("show", open_id),
        "watch": ("watch", "--once"),
        "verify": ("verify", "source.bin", "s3://bucket/key"),
        "resume": ("resume", open_id),
    }
    results = unprivileged(lambda: shell.run_all(commands))
    (shell.state).chmod(0o700)

    assert {name: result.code for name, result in results.items()} == {
        "list": 0,
        "show": 0,
        "watch": 0,
        "verify": 1,
        "resume": 1,
    }
    assert all(open_id in results[name].out for name in ("list", "show", "watch"))
    assert "MISSING" in results["verify"].err
    assert "cannot use the state directory" in results["resume"].errors[0]


def close_all(state: Path) -> None:
    close(state / "running")
    for folder in (state / "locks", state / "running"):
        folder.chmod(0o500)
    for file in (state / "partway.db", *state.glob("partway.db-*")):
        file.chmod(0o400)
    state.chmod(0o500)
