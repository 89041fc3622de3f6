"""A state directory that fails during use: full, deleted, replaced, or used by two versions."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database, Migrations

from partway.engine.errors import StateError, StateTooNew
from partway.engine.events import Event
from partway.engine.events.upload import PartDone
from partway.engine.s3.backend import S3Backend, S3Config
from partway.state.sqlite.migrations import MIGRATION_SET
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import PartRecord, UploadRecord, UploadStatus
from tests.support.engine.records import UPLOAD
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3
from tests.support.shell.unprivileged import unprivileged

SIZE = 3 * PART + 10
WRITES = ("save_upload", "save_parts", "replace_parts", "delete_upload", "save_endpoint_algorithm")
WRITES_OF_AN_UPLOAD = 9


FILLER = replace(UPLOAD, id="ffffffff", status=UploadStatus.COMPLETED, source="/other", size=1, key="other")


def parts(count: int) -> list[PartRecord]:
    """Parts with values of realistic length."""
    return [
        PartRecord(number=number, size=PART, etag=f"{number:032x}", checksum=f"{number:011}=", run=1)
        for number in range(1, count + 1)
    ]


class FullDisk(SqliteStore):
    """A SQLite store whose n-th write (1-based) fails, before or after writing."""

    def __init__(self, folder: Path, fails: int, *, after: bool) -> None:
        super().__init__(folder)
        self.writes = 0
        self._fails = fails
        self._after = after

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        return self._failing(method) if name in WRITES else method

    def _failing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            self.writes += 1
            if self.writes != self._fails:
                return method(*args, **kwargs)
            if self._after:
                method(*args, **kwargs)
            raise StateError("the disk is full")

        return write


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[StrictS3, S3Backend]]:
    """One server and one client for every test here; making a client is slow."""
    with StrictS3() as server, pytest.MonkeyPatch.context() as patched:
        for name, value in server.environment().items():
            patched.setenv(name, value)
        backend = S3Backend(S3Config(endpoint_url=server.url))
        assert backend.endpoint == server.url
        yield server, backend
        backend.close()


@pytest.fixture
def strict(shared: tuple[StrictS3, S3Backend]) -> StrictS3:
    """An empty S3."""
    shared[0].model = S3Model(min_part_size=PART)
    return shared[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def uploading(
    strict: StrictS3, shared: tuple[StrictS3, S3Backend], make_file: Callable[..., Path], folder: Path
) -> Iterator[Uploading]:
    """A file of four parts, and a store on disk."""
    store = SqliteStore(folder)
    yield Uploading(path=make_file(SIZE), backend=shared[1], endpoint=strict.url, store=store)
    with suppress(StateError):
        store.close()


def content(strict: StrictS3) -> bytes:
    """The object's bytes."""
    return strict.model.get_object("bucket", "key").body


def after_parts(count: int, happens: Callable[[], object]) -> Callable[[Event], None]:
    """A sink that makes a call when ``count`` parts are done."""
    seen: list[Event] = []

    def on_event(event: Event) -> None:
        seen.extend([event] if isinstance(event, PartDone) else [])
        if isinstance(event, PartDone) and len(seen) == count:
            happens()

    return on_event


# --- a full disk ---


def test_the_writes_of_an_upload_are_counted(uploading: Uploading, folder: Path) -> None:
    """So that the test below fails at every one of them."""
    with closing(FullDisk(folder, 0, after=False)) as store:
        uploading.store = store
        uploading.run()

    assert store.writes == WRITES_OF_AN_UPLOAD


@pytest.mark.parametrize("after", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize("fails", range(1, WRITES_OF_AN_UPLOAD + 1))
def test_a_full_disk_at_every_write(
    strict: StrictS3, uploading: Uploading, folder: Path, fails: int, after: bool
) -> None:
    """Announced parts are still stored, and the next run does not send them again."""
    whole = uploading.store
    with closing(FullDisk(folder, fails, after=after)) as uploading.store, pytest.raises(StateError, match="full"):
        uploading.run(concurrency=1)
    failures_emitted = {event.number for event in uploading.of(PartDone)}
    stored = {part.number for record in whole.uploads() for part in whole.parts(record.id)}
    uploading.store = whole

    done = uploading.run(adopt=True)
    assert failures_emitted <= stored
    assert content(strict) == uploading.path.read_bytes()
    assert done.sent_bytes <= SIZE - len(failures_emitted) * PART or len(failures_emitted) == 4
    assert strict.counts["AbortMultipartUpload"] == 0


@pytest.fixture(scope="module")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many parts fit into the database before it needs another page."""
    with closing(SqliteStore(tmp_path_factory.mktemp("pages"))) as store:
        store.save_upload(FILLER)
        before = page_count(store)
        for number, part in enumerate(parts(500)):
            store.save_parts(FILLER.id, [part])
            if page_count(store) > before:
                return number
    raise AssertionError("it never needs one")


def page_count(store: SqliteStore) -> int:
    return int(store._db.execute("PRAGMA page_count").fetchone()[0])


@pytest.mark.parametrize("room", range(3))
def test_a_database_that_cannot_grow(strict: StrictS3, uploading: Uploading, full_page: int, room: int) -> None:
    """SQLite's own error for a full disk, at the first to third part; with free space the upload resumes."""
    store = uploading.store
    assert isinstance(store, SqliteStore)
    store.save_upload(FILLER)
    store.save_parts(FILLER.id, parts(full_page - room))
    store._db.execute(f"PRAGMA max_page_count = {page_count(store)}")
    with pytest.raises(StateError, match="full; free some space"):
        uploading.run(concurrency=1)
    store._db.execute("PRAGMA max_page_count = 100000")
    done = uploading.run(adopt=True)

    assert content(strict) == uploading.path.read_bytes()
    assert done.resumed_bytes >= room * PART
    assert store.parts(FILLER.id) == parts(full_page - room)


# --- gone, replaced, of another version ---


def future(path: Path, change: str = "SELECT 1") -> None:
    """Migrate a database as a newer version would."""
    database = Database(path)
    newer = Migrations(MIGRATION_SET)
    newer(name="9999_from_the_future")(lambda db: db.execute(change))
    newer.apply(database)
    database.close()


def test_the_folder_is_deleted_while_sending(strict: StrictS3, uploading: Uploading, folder: Path) -> None:
    """The upload succeeds or reports the error; then it is finished from S3's list, or the object exists."""
    uploading.on_event = after_parts(2, lambda: shutil.rmtree(folder))
    with suppress(StateError):
        uploading.run(concurrency=1)
    with suppress(StateError):
        uploading.store.close()
    uploading.store = SqliteStore(folder)
    done = uploading.run(adopt=True)
    uploading.store.close()

    assert content(strict) == uploading.path.read_bytes()
    assert done.proof == "crc64nvme"
    assert strict.counts["AbortMultipartUpload"] == 0


def test_the_database_is_replaced_while_sending(
    strict: StrictS3, uploading: Uploading, folder: Path, tmp_path: Path
) -> None:
    """A database of another version is not written to, and the object is never wrong."""
    SqliteStore(tmp_path / "other").close()
    future(tmp_path / "other" / "partway.db")
    other = (tmp_path / "other" / "partway.db").read_bytes()
    uploading.on_event = after_parts(2, lambda: (tmp_path / "other" / "partway.db").replace(folder / "partway.db"))
    with suppress(StateError):
        uploading.run()
    with suppress(StateError):
        uploading.store.close()

    assert strict.model.objects == {} or content(strict) == uploading.path.read_bytes()
    assert (folder / "partway.db").read_bytes() == other
    with suppress(StateError), closing(SqliteStore(folder)) as uploading.store:
        # SQLite may find the log of the old database beside the new one, and have the old content again.
        uploading.on_event = lambda event: None
        uploading.run()
    assert strict.model.objects == {} or content(strict) == uploading.path.read_bytes()


def test_a_newer_version_is_not_written_to(uploading: Uploading, folder: Path) -> None:
    """Neither the database nor anything beside it changes, and S3 is not asked."""
    uploading.store.close()
    future(folder / "partway.db")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    with pytest.raises(StateTooNew, match="update partway"):
        SqliteStore(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("change", ["SELECT 1", "ALTER TABLE parts DROP COLUMN run", "DROP TABLE endpoints"])
def test_a_newer_version_comes_while_sending(strict: StrictS3, uploading: Uploading, folder: Path, change: str) -> None:
    """After it has migrated the open database, nothing more is written, and the error names the reason."""
    uploading.on_event = after_parts(2, lambda: future(folder / "partway.db", change))

    with pytest.raises(StateTooNew, match="update partway"):
        uploading.run(concurrency=1)
    database = Database(folder / "partway.db")
    written = database.execute("SELECT count(*) FROM parts").fetchone()[0]
    database.close()
    assert (written, strict.model.objects) == (2, {})


def test_a_folder_that_becomes_read_only(strict: StrictS3, uploading: Uploading, folder: Path) -> None:
    """A new run reports that it cannot write there; nothing is sent that could not be recorded."""
    uploading.store.close()
    folder.chmod(0o500)
    (folder / "partway.db").chmod(0o400)
    try:
        with pytest.raises(StateError, match="Permission denied"):
            unprivileged(lambda: SqliteStore(folder).close())
    finally:
        folder.chmod(0o700)

    assert strict.model.open_uploads == ()


def test_a_record_survives_a_store_that_is_not_closed(uploading: Uploading, folder: Path) -> None:
    """Another process reads the data although the log was never checkpointed."""
    uploading.run()
    with closing(SqliteStore(folder)) as other:
        records: list[UploadRecord] = other.uploads()

    assert [record.status.value for record in records] == ["completed"]
