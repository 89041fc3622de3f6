"""The schema: migrations of older versions, refusal of newer ones, and altered tables."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from partway.state.errors import StateDamaged, StateError, StateTooNew
from partway.state.sqlite.migrations import MIGRATION_SET, MIGRATIONS
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import PartRecord
from tests.support.engine.records import UPLOAD

# How every version up to the first with a ``sqlite_utils.Database`` created its database.
BOOKKEEPING = """
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
"""
PARTS = [PartRecord(number=1, size=10, etag="e", checksum="c", run=1)]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a closed store with one upload of one part."""
    with closing(SqliteStore(tmp_path_factory.mktemp("made"))) as made:
        made.save_upload(UPLOAD)
        made.save_parts(UPLOAD.id, PARTS)
        return made.path


@pytest.fixture
def filled(tmp_path: Path, made_once: Path) -> Path:
    """A copy of that database."""
    return Path(shutil.copy(made_once, tmp_path))


def create_as_before(path: Path, migrations: int) -> None:
    """The database of an earlier version, with the first ``migrations`` of them."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(BOOKKEEPING)
        for name, statements in MIGRATIONS[:migrations]:
            database.executescript(";".join(statements))
            database.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
                [MIGRATION_SET, name, "2026-07-04 12:00:00.000000+00:00"],
            )
        database.commit()


def schema_of(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY rowid").fetchall()


@pytest.mark.parametrize("migrations", range(1, len(MIGRATIONS) + 1))
def test_a_database_of_every_earlier_version(tmp_path: Path, migrations: int) -> None:
    """It is migrated to the current schema, and can be written."""
    create_as_before(tmp_path / "partway.db", migrations)
    with closing(SqliteStore(tmp_path)) as store:
        store.save_upload(UPLOAD)
        store.save_parts(UPLOAD.id, PARTS)
        found = (store.uploads(), store.parts(UPLOAD.id))
    SqliteStore(tmp_path / "new").close()

    assert found == ([UPLOAD], PARTS)
    assert schema_of(tmp_path / "partway.db") == schema_of(tmp_path / "new" / "partway.db")


def test_the_command_line_of_sqlite_utils_reads_it(filled: Path) -> None:
    """The tables and rows can be read without partway."""
    command = [sys.executable, "-m", "sqlite_utils", "rows", str(filled), "uploads", "-c", "id"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    assert found.strip() == f'[{{"id": "{UPLOAD.id}"}}]'


def test_saving_changes_no_schema(filled: Path) -> None:
    """Other processes need not read it again; sqlite-utils would create and drop a table before its first upsert."""
    with closing(SqliteStore(filled.parent)) as store:
        before = store._db.execute("PRAGMA schema_version").fetchone()
        store.save_upload(UPLOAD)
        store.save_parts(UPLOAD.id, PARTS)
        after = store._db.execute("PRAGMA schema_version").fetchone()

    assert after == before


@pytest.mark.parametrize(
    ("table", "call"),
    [
        ("endpoints", lambda store: store.get_endpoint_algorithm("", since=0.0)),
        ("endpoints", lambda store: store.save_endpoint_algorithm("", "MD5", 0.0)),
        ("uploads", lambda store: store.uploads()),
        ("uploads", lambda store: store.save_upload(UPLOAD)),
        ("parts", lambda store: store.parts(UPLOAD.id)),
        ("parts", lambda store: store.save_parts(UPLOAD.id, PARTS)),
        ("parts", lambda store: store.all_part_totals()),
        ("jobs", lambda store: store.jobs.all()),
        ("job_files", lambda store: store.jobs.files("", ["key"])),
        ("_sqlite_migrations", lambda store: store.save_upload(UPLOAD)),
    ],
)
def test_a_missing_table_is_damage(filled: Path, table: str, call: Callable[[SqliteStore], object]) -> None:
    """It is neither read as empty nor created; free space or permissions would not help."""
    with closing(SqliteStore(filled.parent)) as store:
        store._db.execute("PRAGMA foreign_keys = OFF")
        store._db.execute(f"DROP TABLE {table}")

        with pytest.raises(StateDamaged, match=f"no such table: (main.)?{table}"):
            call(store)
        assert table not in store._db.table_names()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE uploads AS SELECT * FROM old",  # no primary key
        "CREATE TABLE uploads (id TEXT)",
        "CREATE VIEW uploads AS SELECT * FROM old",
    ],
)
def test_a_table_of_another_shape_is_damage(filled: Path, statement: str) -> None:
    """The store raises nothing but an error with a remedy."""
    with closing(SqliteStore(filled.parent)) as store:
        store._db.execute("ALTER TABLE uploads RENAME TO old")
        store._db.execute(statement)

        with pytest.raises(StateDamaged, match="move it elsewhere"):
            store.save_upload(UPLOAD)


def test_migrations_without_their_columns_are_damage(filled: Path) -> None:
    """The applied migrations are unknown."""
    with closing(sqlite3.connect(filled)) as database:
        database.execute("ALTER TABLE _sqlite_migrations DROP COLUMN applied_at")

    with pytest.raises(StateDamaged, match="applied_at"):
        SqliteStore(filled.parent)


def test_a_database_from_the_future_is_refused(filled: Path) -> None:
    """It has an unknown migration; nothing is read or written."""
    database = Database(filled)
    future = Migrations(MIGRATION_SET)
    future(name="9999_from_the_future")(lambda db: db.execute("DROP TABLE endpoints"))
    future.apply(database)
    database.close()
    content = filled.read_bytes()

    with pytest.raises(StateTooNew, match=r"newer version of partway; update partway, or choose another directory"):
        SqliteStore(filled.parent)
    assert filled.read_bytes() == content


def test_migrations_of_other_programs_do_not_disturb(filled: Path) -> None:
    """Only our own set determines the version of the database."""
    database = Database(filled)
    theirs = Migrations("theirs")
    theirs(name="9999_something")(lambda db: None)
    theirs.apply(database)
    database.close()
    store = SqliteStore(filled.parent)

    assert store.uploads() == [UPLOAD]
    store.close()


def test_migrations_are_numbered_in_order() -> None:
    """0001, 0002, ...: without duplicates or gaps, each with a name and statements."""
    names = [name for name, _ in MIGRATIONS]

    assert [name[:5] for name in names] == [f"{number:04}_" for number in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+", name) for name in names)
    assert all(statements for _, statements in MIGRATIONS)


def test_opening_again_migrates_nothing(filled: Path) -> None:
    """Each migration is recorded once."""
    SqliteStore(filled.parent).close()
    database = sqlite3.connect(filled)
    noted = database.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    database.close()

    assert noted == [(name,) for name, _ in MIGRATIONS]


def test_a_missing_migration_is_applied(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of an older version is brought up to date, and keeps what it has."""
    newer = (*MIGRATIONS, ("9999_more", ("ALTER TABLE endpoints ADD COLUMN more TEXT",)))
    monkeypatch.setattr("partway.state.sqlite.schema.MIGRATIONS", newer)
    store = SqliteStore(filled.parent)
    columns = [row[1] for row in store._db.execute("PRAGMA table_info(endpoints)")]

    assert "more" in columns
    assert store.uploads() == [UPLOAD]
    store.close()


def test_rows_of_the_version_before_have_no_ctime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that an earlier version did not store stay unknown."""
    with monkeypatch.context() as patched:
        patched.setattr("partway.state.sqlite.schema.MIGRATIONS", MIGRATIONS[:2])
        SqliteStore(tmp_path).close()
    database = sqlite3.connect(tmp_path / "partway.db")
    database.execute(
        "INSERT INTO uploads (id, status, source, size, mtime_ns, inode, device, bucket, key, endpoint, options, "
        "part_size, checksum_algorithm, run, created_at, updated_at) "
        "VALUES ('0a1b2c3d', 'open', '/f', 1, '2', '3', '4', 'b', 'k', '', '{}', 5, 'CRC64NVME', 1, 1.0, 1.0)"
    )
    database.commit()
    database.close()
    store = SqliteStore(tmp_path)
    (record,) = store.uploads()
    store.close()

    assert (record.mtime_ns, record.inode) == (2, 3)
    assert (record.ctime_ns, record.wanted_algorithm, record.remote_created_at) == (None, None, None)


def test_a_migration_that_fails_leaves_the_database_as_it_was(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its statements or none; the version before can still use the file."""
    broken = (*MIGRATIONS, ("9999_broken", ("DROP TABLE endpoints", "SELECT nonsense")))
    with monkeypatch.context() as patched, pytest.raises(StateError):
        patched.setattr("partway.state.sqlite.schema.MIGRATIONS", broken)
        SqliteStore(filled.parent)
    store = SqliteStore(filled.parent)
    store.save_endpoint_algorithm("e", "MD5", 1.0)

    assert store.uploads() == [UPLOAD]
    store.close()
