"""Files in memory (tmpfs): a mapped page that was written once moves no time any more, so the bytes are compared."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from partway.engine.errors import SourceChanged, UploadFailed
from partway.engine.events import Event
from partway.engine.events.upload import PartDone
from partway.engine.s3.backend import S3Backend
from partway.engine.source.memory_files import is_in_memory
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where the system has such a file system; the outcome is the same elsewhere."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def uploading(folder: Path, strict: StrictS3, backend: S3Backend) -> Uploading:
    (folder / "file").write_bytes(os.urandom(3 * PART))
    return Uploading(path=folder / "file", backend=backend, endpoint=backend.endpoint)


@pytest.fixture
def page(uploading: Uploading) -> Iterator[mmap.mmap]:
    """The file, mapped and written before anything is sent."""
    with uploading.path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:5] = b"dirty"
        yield mapped


def body(strict: StrictS3) -> bytes:
    return strict.model.get_object("bucket", "key").body


def test_a_write_between_two_runs_is_noticed(strict: StrictS3, uploading: Uploading, page: mmap.mmap) -> None:
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=3))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    page[0:5] = b"other"

    uploading.run()

    assert body(strict) == uploading.path.read_bytes()


def test_a_write_in_mid_run_is_noticed(strict: StrictS3, uploading: Uploading, page: mmap.mmap) -> None:
    def on_event(event: Event) -> None:
        if isinstance(event, PartDone) and event.number == 2:
            page[0:5] = b"other"

    uploading.on_event = on_event

    with pytest.raises(SourceChanged):
        uploading.run(concurrency=1)

    assert not strict.model.objects
    uploading.on_event = lambda event: None
    uploading.run()
    assert body(strict) == uploading.path.read_bytes()


def test_a_write_to_a_small_file_is_noticed(
    strict: StrictS3, uploading: Uploading, page: mmap.mmap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after the last byte was read: then it is said that the object is not the file any more."""
    # As if the write came while the service answers.
    put = type(strict.model).put_object

    def put_object(*args: object, **options: object) -> object:
        page[0:5] = b"other"
        return put(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(strict.model, "put_object", lambda *args, **options: put_object(strict.model, *args, **options))

    with pytest.raises(SourceChanged, match="was created from the content that had been read"):
        uploading.run(part_size=8 * PART)


def test_what_is_no_mounted_device_is_not_in_memory() -> None:
    assert not is_in_memory(os.makedev(4095, 1_048_575))
