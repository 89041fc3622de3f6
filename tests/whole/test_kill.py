"""``kill -9`` of a real process at every step of an upload, then a resume, then the bytes compared."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from partway.engine.backend.target import Target
from partway.engine.events.upload import UploadDone
from partway.engine.run.context import EngineContext
from partway.engine.s3.backend import S3Backend
from partway.engine.upload.file import upload_file
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import UploadStatus
from tests.support.engine.killed_upload import CONCURRENCY, PART_SIZE, settings
from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_server.server import StrictS3

PARTS = 6
SIZE = (PARTS - 1) * PART_SIZE + 1000
ROOT = Path(__file__).parents[2]

# The number of recorded parts at each stage, which must not be sent again.
MOMENTS = {
    "store.lock:before:1": 0,
    "store.save_upload:before:1": 0,
    "store.save_upload:after:1": 0,
    "backend.create_upload:before:1": 0,
    "backend.create_upload:after:1": 0,
    "store.save_upload:after:2": 0,
    "store.save_parts:before:1": 0,
    "store.save_parts:after:1": 1,
    "store.save_parts:before:4": 3,
    "store.save_parts:after:6": 6,
    "backend.complete_upload:before:1": 6,
    "backend.complete_upload:after:1": 6,
    "backend.head_object:before:1": 6,
    "backend.head_object:after:1": 6,
}


def run_killed(strict: StrictS3, path: Path, state: Path, moment: str) -> int:
    """The exit code of an upload that is killed at the moment, or by the server."""
    wish = {"url": strict.url, "path": str(path), "state": str(state), "moment": moment}
    return subprocess.run(
        [sys.executable, "-m", "tests.support.engine.killed_upload", json.dumps(wish)],
        cwd=ROOT,
        timeout=60,
        check=False,
    ).returncode


def resume(backend: S3Backend, path: Path, state: Path) -> UploadDone:
    """The same upload again, in this process."""
    store = SqliteStore(state)
    try:
        target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)
        done = upload_file(path, target, EngineContext(backend=backend, store=store, settings=settings()))
        assert isinstance(done, UploadDone)
        assert [r.status for r in store.uploads()] == [UploadStatus.COMPLETED]
        return done
    finally:
        store.close()


@pytest.mark.parametrize(("moment", "safe"), MOMENTS.items(), ids=list(MOMENTS))
def test_killed_by_itself(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], tmp_path: Path, moment: str, safe: int
) -> None:
    """Whatever was recorded before the kill is not sent again, and the object equals the file."""
    path = make_file(SIZE)

    assert run_killed(strict, path, tmp_path / "state", moment) == -signal.SIGKILL
    strict.settle()
    earlier_parts = strict.bytes_received("UploadPart")
    done = resume(backend, path, tmp_path / "state")

    assert strict.model.get_object("bucket", "key").body == path.read_bytes()
    assert done.sent_bytes <= SIZE - safe * PART_SIZE + (PART_SIZE if safe == PARTS else 0)
    assert strict.bytes_received("UploadPart") - earlier_parts == done.sent_bytes
    # Parts in flight at the kill may go twice: not more of them than there were workers.
    assert strict.bytes_received("UploadPart") <= SIZE + CONCURRENCY * PART_SIZE


SERVER_MOMENTS = {
    "create took effect": ("CreateMultipartUpload", Stage.AFTER_EFFECT, 0),
    "half of a part": ("UploadPart", Stage.HALF_BODY, 2),
    "a part took effect": ("UploadPart", Stage.AFTER_EFFECT, 2),
    "complete arrived": ("CompleteMultipartUpload", Stage.AFTER_BODY, 0),
    "complete took effect": ("CompleteMultipartUpload", Stage.AFTER_EFFECT, 0),
    "head": ("HeadObject", Stage.BEFORE_READ, 0),
}


@pytest.mark.parametrize("moment", SERVER_MOMENTS)
def test_killed_while_the_server_works(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], tmp_path: Path, moment: str
) -> None:
    """A kill between the effect of a call and its answer loses nothing, and sends no proven part again."""
    path = make_file(SIZE)
    operation, stage, skip = SERVER_MOMENTS[moment]
    wish = {"url": strict.url, "path": str(path), "state": str(tmp_path / "state"), "moment": "store.none:before:1"}
    process = subprocess.Popen([sys.executable, "-m", "tests.support.engine.killed_upload", json.dumps(wish)], cwd=ROOT)

    def kill() -> None:
        process.kill()
        process.wait()

    strict.faults.add(Fault(operation=operation, stage=stage, action=CallFunction(function=kill), skip=skip))

    assert process.wait(60) == -signal.SIGKILL
    done = resume(backend, path, tmp_path / "state")

    assert strict.model.get_object("bucket", "key").body == path.read_bytes()
    assert done.proof == "crc64nvme"
    assert strict.bytes_received("UploadPart") <= SIZE + CONCURRENCY * PART_SIZE


def test_killed_while_a_small_file_is_put(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path], tmp_path: Path
) -> None:
    """A file of one part is simply put again."""
    path = make_file(1000)

    assert run_killed(strict, path, tmp_path / "state", "backend.put_object:after:1") == -signal.SIGKILL
    resume(backend, path, tmp_path / "state")

    assert strict.model.get_object("bucket", "key").body == path.read_bytes()
