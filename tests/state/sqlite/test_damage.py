"""A damaged state directory: the upload creates the correct object, or reports that the state is damaged.

Every case damages a copy of the folder of a half-finished upload, by a seed, and runs the upload again.
"""

import copy
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from partway.engine.errors import PlanError, StateDamaged, StateError, UploadFailed
from partway.engine.events.upload import UploadDone
from partway.engine.s3.backend import S3Backend, S3Config
from partway.state.memory.store import MemoryStore
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import PartRecord
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.parts import UploadState
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10
SENT = 4
SEEDS = range(25)
# Values that no version writes; a few flipped bits can cause each of them.
ODD_VALUES = {
    "uploads": {
        "status": "opem",
        "size": -1,
        "mtime_ns": "12:4",
        "inode": "",
        "options": "{",
        "part_size": 0,
        "checksum_algorithm": "CRC64NVMD",
        "run": "one",
        "created_at": "yesterday",
        "upload_id": b"\xff\xfe",
        "ctime_ns": "12:4",
        "remote_created_at": "soon",
    },
    "parts": {"number": -3, "size": "64k", "etag": b"\xff", "checksum": "no base64", "run": b""},
}
# Values that look right and are wrong.
WRONG_VALUES = {
    "uploads": {
        "status": "completing",
        "size": SIZE - PART,
        "mtime_ns": "1",
        "checksum_algorithm": "SHA256",
        "run": 1_000_000,
        "created_at": 0.0,
        "upload_id": None,
        "abort_date": -1.0,
        "etag": "0" * 32,
        "ctime_ns": "1",
        "remote_created_at": 1e12,
    },
    "parts": {"number": 5, "size": PART - 1, "etag": "0" * 32, "checksum": "AAAAAAAAAAA=", "run": 1_000_000},
}


def columns(values: dict[str, dict[str, object]]) -> list[tuple[str, str]]:
    """Each table with each of its columns."""
    return [(table, column) for table, of_table in values.items() for column in of_table]


@dataclass(frozen=True, kw_only=True)
class Half:
    """A half-finished upload: its file, the S3 that has four of its six parts, and copies of the store's folder.

    closed: of the folder after the store was closed, so that everything is in the database.
    open: of the folder while the store was open, so that everything is in the write-ahead log.
    """

    server: StrictS3
    backend: S3Backend
    source: Path
    closed: Path
    open: Path
    uploads: dict[str, UploadState]

    def restore(self) -> None:
        """Restore S3's initial state."""
        self.server.model._uploads = copy.deepcopy(self.uploads)
        self.server.model._objects.clear()
        self.server.faults.clear()


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Half]:
    """The upload is run once; the cases share what it left."""
    folder = tmp_path_factory.mktemp("half")
    source = folder / "source.bin"
    source.write_bytes(Random(1).randbytes(SIZE))
    with StrictS3(S3Model(min_part_size=PART)) as server, pytest.MonkeyPatch.context() as patched:
        for name, value in server.environment().items():
            patched.setenv(name, value)
        backend = S3Backend(S3Config(endpoint_url=server.url))
        no = Answer(status=403, code="AccessDenied")
        server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=SENT + 1))
        with closing(SqliteStore(folder / "state")) as store:
            uploading = Uploading(path=source, backend=backend, endpoint=backend.endpoint, store=store)
            with pytest.raises(UploadFailed):
                uploading.run(concurrency=1)
            shutil.copytree(folder / "state", folder / "open")
        shutil.copytree(folder / "state", folder / "closed")
        yield Half(
            server=server,
            backend=backend,
            source=source,
            closed=folder / "closed",
            open=folder / "open",
            uploads=copy.deepcopy(dict(server.model._uploads)),
        )
        backend.close()


def flip(content: bytearray, dice: Random) -> None:
    """Flip one to eight bits in used bytes, since most of a page is empty."""
    used = [index for index, byte in enumerate(content) if byte]
    for index in dice.sample(used, dice.choice((1, 1, 2, 8))):
        content[index] ^= 1 << dice.randrange(8)


def cut(content: bytearray, dice: Random) -> None:
    """Cut off the end."""
    del content[dice.randrange(len(content)) :]


def zero(content: bytearray, dice: Random) -> None:
    """Zero a range, as file systems do after a power failure."""
    start, length = dice.randrange(len(content)), dice.choice((16, 512, 4096))
    content[start : start + length] = bytes(len(content[start : start + length]))


def finish(half: Half, folder: Path, *, adopt: bool = False) -> UploadDone:
    """Run the upload with the store in this directory."""
    with closing(SqliteStore(folder)) as store:
        uploading = Uploading(path=half.source, backend=half.backend, endpoint=half.backend.endpoint, store=store)
        return uploading.run(adopt=adopt)


def body(half: Half) -> bytes | None:
    """The object's bytes, or None while there is none."""
    found = half.server.model.objects.get(("bucket", "key"))
    return found.body if found else None


def check_outcome(half: Half, folder: Path) -> None:
    """Run the upload: a verified object, or StateError; then resume without the state, from S3's list."""
    try:
        done = finish(half, folder)
    except (StateError, PlanError) as error:
        # PlanError: a changed content type cannot be distinguished from a damaged one.
        assert str(folder) in str(error) or "in the store" in str(error) or isinstance(error, PlanError)
        assert ";" in str(error)
        assert body(half) is None
        for file in folder.glob("partway.db*"):
            file.unlink()
        done = finish(half, folder, adopt=True)
    assert body(half) == half.source.read_bytes()
    assert done.proof in ("crc64nvme", "etag")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("damage", [flip, cut, zero])
@pytest.mark.parametrize("file", ["partway.db", "partway.db-wal"])
def test_damage(half: Half, tmp_path: Path, file: str, damage: Callable[[bytearray, Random], None], seed: int) -> None:
    """Random damage of the database or its log: the correct object, or an error about the state."""
    half.restore()
    folder = shutil.copytree(half.closed if file == "partway.db" else half.open, tmp_path / "state")
    content = bytearray((folder / file).read_bytes())
    damage(content, Random(f"{file}{damage.__name__}{seed}"))
    (folder / file).write_bytes(content)

    check_outcome(half, folder)


def write_value(folder: Path, table: str, column: str, value: object) -> None:
    """Into the upload's row, or into that of its second part."""
    with closing(sqlite3.connect(folder / "partway.db")) as database, database:
        where = " WHERE number = 2" if table == "parts" else ""
        database.execute(f"UPDATE {table} SET {column} = ?{where}", [value])


@pytest.mark.parametrize(("table", "column"), columns(ODD_VALUES))
def test_a_value_that_no_version_wrote(half: Half, tmp_path: Path, table: str, column: str) -> None:
    """Damage that SQLite cannot detect, since its columns accept values of any type."""
    half.restore()
    folder = shutil.copytree(half.closed, tmp_path / "state")
    write_value(folder, table, column, ODD_VALUES[table][column])

    check_outcome(half, folder)


@pytest.mark.parametrize("listing", [True, False], ids=["listing", "no listing"])
@pytest.mark.parametrize(("table", "column"), columns(WRONG_VALUES))
def test_a_value_that_is_not_true(half: Half, tmp_path: Path, table: str, column: str, listing: bool) -> None:
    """Undetectable damage: S3's list, or the refusal of Complete, decides."""
    half.restore()
    if not listing:
        no = Answer(status=405, code="MethodNotAllowed")
        half.server.faults.add(Fault(operation="ListParts", stage=Stage.AFTER_BODY, action=no, times=None))
    folder = shutil.copytree(half.closed, tmp_path / "state")
    write_value(folder, table, column, WRONG_VALUES[table][column])

    check_outcome(half, folder)


@pytest.mark.parametrize("part_size", [1, PART // 2, 2 * PART, 1 << 40, 1 << 62])
def test_a_part_size_that_is_not_true(half: Half, tmp_path: Path, part_size: int) -> None:
    """Too small for S3, or too large for the file: S3's list decides which parts are kept."""
    half.restore()
    folder = shutil.copytree(half.closed, tmp_path / "state")
    write_value(folder, "uploads", "part_size", part_size)

    check_outcome(half, folder)


def test_a_store_that_gives_back_other_parts(half: Half) -> None:
    """Parts that were not sent complete nothing; the error says how to resume without the store."""
    half.restore()

    class Forgetful(MemoryStore):
        def parts(self, id: str) -> list[PartRecord]:
            return super().parts(id)[:-1]

    endpoint = half.backend.endpoint
    uploading = Uploading(path=half.source, backend=half.backend, endpoint=endpoint, store=Forgetful())
    before = half.server.counts["CompleteMultipartUpload"]

    with pytest.raises(StateDamaged, match="--adopt"):
        uploading.run()
    assert half.server.counts["CompleteMultipartUpload"] == before


@pytest.mark.parametrize("column", WRONG_VALUES["parts"])
def test_a_part_that_is_not_as_stored_is_never_named(half: Half, tmp_path: Path, column: str) -> None:
    """A wrong receipt is detected by S3's list, not by the refusal of Complete."""
    half.restore()
    folder = shutil.copytree(half.closed, tmp_path / "state")
    write_value(folder, "parts", column, WRONG_VALUES["parts"][column])
    before = half.server.counts["CompleteMultipartUpload"]
    finish(half, folder)

    assert half.server.counts["CompleteMultipartUpload"] == before + 1


@pytest.mark.parametrize("damaged", [b"", b"garbage" * 999], ids=["empty", "garbage"])
def test_a_lost_database_costs_no_part(half: Half, tmp_path: Path, damaged: bytes) -> None:
    """Once it is moved away, a new one is created; with --adopt S3's parts are compared and kept."""
    half.restore()
    (tmp_path / "partway.db").write_bytes(damaged)
    if damaged:
        with pytest.raises(StateDamaged, match="move it elsewhere and run again: finished parts are still on S3"):
            finish(half, tmp_path)
        (tmp_path / "partway.db").rename(tmp_path / "damaged.db")
    done = finish(half, tmp_path, adopt=True)

    assert (done.resumed_bytes, done.sent_bytes) == (SENT * PART, SIZE - SENT * PART)
    assert body(half) == half.source.read_bytes()
