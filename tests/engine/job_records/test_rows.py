"""Finished files are recognized by inode and ctime, too: another file may have the same size and mtime."""

import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.events.upload import FileDone
from partway.engine.job_records.rows import FileState, file_as_sent, file_row, file_state
from partway.engine.s3.backend import S3Backend
from partway.engine.source.identity import SourceIdentity, identify
from partway.engine.source.memory_files import is_in_memory
from partway.engine.walk.spec import JobSpec
from partway.engine.walk.walk import FileEntry, walk_sources
from partway.state.jobs import FileStatus, JobStatus
from partway.state.uploads import UploadStatus
from tests.support.engine.job_case import Job, files, objects
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3

NAMES = ("small", "large", "other")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of one part, one of three, and one that the service refuses at first."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "small").write_bytes(b"a" * 100)
    (root / "other").write_bytes(b"b" * 100)
    (root / "large").write_bytes(os.urandom(3 * PART))
    return root


@pytest.fixture
def job(folder: Path, strict: StrictS3, backend: S3Backend) -> Job:
    """An open job: two files are done, one is pending."""
    spec = JobSpec(sources=(str(folder),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)
    job = Job(spec=spec, backend=backend)
    (folder / "other").rename(folder.parent / "other")
    (folder / "unreadable").symlink_to("nowhere")
    assert job.run().failed == 1
    (folder / "unreadable").unlink()
    (folder.parent / "other").rename(folder / "other")
    job.events.clear()
    return job


def replace_file(path: Path) -> None:
    """By another one of the same size and times, as ``rsync --times`` does."""
    before = path.stat()
    other = path.with_name("temporary")
    other.write_bytes(os.urandom(before.st_size))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)


def edit(path: Path) -> None:
    """In place, and with the mtime set back."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(os.urandom(50))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def copy(path: Path) -> None:
    """The same bytes in another inode, as a restore from a backup leaves them."""
    shutil.copy2(path, path.with_name("temporary"))
    path.with_name("temporary").rename(path)


def sent(strict: StrictS3, since: int) -> set[str | None]:
    """Keys that were written."""
    return {c.key for c in strict.journal.calls[since:] if c.operation in ("PutObject", "CompleteMultipartUpload")}


@pytest.mark.parametrize("change", [replace_file, edit])
@pytest.mark.parametrize("name", ["small", "large"])
def test_another_file_of_the_same_size_and_mtime_is_sent(
    job: Job, strict: StrictS3, folder: Path, change: Callable[[Path], None], name: str
) -> None:
    change(folder / name)
    before = len(strict.journal.calls)

    done = job.run()

    assert objects(strict) == files(folder)
    assert (done.done, done.resumed) == (2, 1)
    assert sent(strict, before) == {f"p/{name}", "p/other"}


def test_a_file_with_a_mapped_page_that_was_dirty_is_not_passed_over(job: Job, strict: StrictS3, folder: Path) -> None:
    """Another process wrote through a mapping before the file was sent, and writes to the same page afterwards.  In
    memory that does not show."""
    path = folder / "mapped"
    path.write_bytes(b"x" * 100)
    (folder / "unreadable").symlink_to("nowhere")
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:5] = b"dirty"
        assert job.run().failed == 1
        mapped[0:5] = b"other"
        (folder / "unreadable").unlink()
        job.run()

        assert objects(strict) == files(folder) or is_in_memory(path.stat().st_dev)


@pytest.mark.parametrize("change", [copy, lambda path: path.chmod(0o640)], ids=["copy", "chmod"])
@pytest.mark.parametrize("name", ["small", "large"])
def test_equal_bytes_are_compared_once_and_not_sent(
    job: Job, strict: StrictS3, folder: Path, change: Callable[[Path], None], name: str
) -> None:
    """A file with a different inode or ctime costs one comparison with its object, in one run."""
    change(folder / name)
    before = len(strict.journal.calls)
    refusal = Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied())
    strict.faults.add(refusal)
    first = job.run()
    compared = {call.key for call in strict.journal.calls[before:]}
    before = len(strict.journal.calls)

    second = job.run()

    assert compared == {f"p/{name}", "p/other"}
    assert (first.done, first.resumed, first.failed) == (0, 2, 1)
    assert {call.key for call in strict.journal.calls[before:]} == {"p/other"}
    assert (second.done, second.resumed) == (1, 2)
    assert objects(strict) == files(folder)


def test_rows_of_earlier_versions_are_compared(job: Job, strict: StrictS3, folder: Path) -> None:
    """They do not say which file was sent."""
    (record,) = job.store.jobs.all()
    rows = job.store.jobs.files(record.id, [f"p/{name}" for name in NAMES])
    job.store.jobs.save_files(record.id, [replace(row, inode=None, ctime_ns=None) for row in rows.values()])
    before = len(strict.journal.calls)

    done = job.run()

    assert {call.key for call in strict.journal.calls[before:]} == {f"p/{name}" for name in NAMES}
    assert sent(strict, before) == {"p/other"}
    assert (done.done, done.resumed) == (1, 2)


def test_an_object_that_is_not_ours_any_more_is_not_overwritten_where_that_is_not_wanted(
    job: Job, strict: StrictS3, folder: Path
) -> None:
    """The key exists, even if the job itself wrote it."""
    job.store.jobs.save(
        replace(job.store.jobs.all()[0], spec=replace(job.spec, options=ObjectOptions(no_overwrite=True)).to_json())
    )
    job.spec = replace(job.spec, options=ObjectOptions(no_overwrite=True))
    before = objects(strict)
    replace_file(folder / "small")

    done = job.run()

    assert (done.done, done.resumed, done.skipped) == (1, 1, 1)
    assert objects(strict) == before | {"p/other": b"b" * 100}


@pytest.mark.parametrize("name", ["small", "large"])
def test_the_row_is_of_the_file_that_was_sent(job: Job, strict: StrictS3, folder: Path, name: str) -> None:
    """A path that led to another file while it was sent, and leads back afterwards."""
    first, second = folder.parent / "first", folder.parent / "second"
    first.write_bytes(os.urandom((folder / name).stat().st_size))
    second.write_bytes(os.urandom((folder / name).stat().st_size))
    times = first.stat()
    os.utime(second, ns=(times.st_atime_ns, times.st_mtime_ns))
    link = folder / name
    link.unlink()
    link.symlink_to(first)

    def lead_to(target: Path) -> None:
        (folder / "link").symlink_to(target)
        (folder / "link").rename(link)

    def sources() -> Iterator[tuple[str, str | None]]:
        yield str(folder), None
        # The walk met every file, and none was opened.
        lead_to(second)

    (folder / "unreadable").symlink_to("nowhere")
    job.sources = sources  # type: ignore[method-assign]
    assert job.run().failed == 1
    assert objects(strict)[f"p/{name}"] == second.read_bytes()
    lead_to(first)
    job.sources = lambda: [(str(folder), None)]  # type: ignore[method-assign]

    job.run()

    assert objects(strict)[f"p/{name}"] == first.read_bytes()


IDENTITY = SourceIdentity(path="/a", size=5, mtime_ns=7, ctime_ns=9, inode=11, device=0)


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [
        (FileStatus.DONE, {}, FileState.DONE),
        (FileStatus.SKIPPED, {}, FileState.DONE),
        (FileStatus.FAILED, {}, FileState.PENDING),
        (FileStatus.DONE, {"size": 6}, FileState.PENDING),
        (FileStatus.DONE, {"mtime_ns": 8}, FileState.PENDING),
        (FileStatus.DONE, {"inode": 12}, FileState.UNCERTAIN),
        (FileStatus.DONE, {"ctime_ns": 10}, FileState.UNCERTAIN),
        (FileStatus.DONE, {"device": 13}, FileState.DONE),
        (FileStatus.SKIPPED, {"inode": 12}, FileState.PENDING),
        (FileStatus.SKIPPED, {"ctime_ns": 10}, FileState.PENDING),
    ],
)
def test_what_a_row_says(status: FileStatus, changes: dict[str, int], expected: FileState) -> None:
    row = file_row("key", IDENTITY, status, "crc64nvme")

    assert file_state(row, replace(IDENTITY, **changes)) is expected  # type: ignore[arg-type]


def test_a_row_without_a_ctime_is_equal_to_nothing() -> None:
    """Not even to a file without one."""
    unknown = replace(IDENTITY, ctime_ns=None)

    assert file_state(file_row("key", unknown, FileStatus.DONE, ""), unknown) is FileState.UNCERTAIN
    assert file_state(None, IDENTITY) is FileState.PENDING


def test_a_file_has_the_path_that_the_walk_met(job: Job, folder: Path) -> None:
    """Its upload may have started under another path."""
    (upload,) = job.store.uploads(statuses=[UploadStatus.COMPLETED])
    job.store.save_upload(replace(upload, source="/by/another/path"))
    (found,) = [
        each for each in walk_sources([(str(folder), None)]) if isinstance(each, FileEntry) and each.name == "large"
    ]

    sent = file_as_sent(job.store, upload.id, found)

    assert (sent.path, sent) == (str(folder / "large"), found.identity)


def test_a_completed_upload_that_the_job_did_not_hear_of_is_told_by_the_same(
    job: Job, strict: StrictS3, folder: Path
) -> None:
    """The process was killed between the two steps, and the file was replaced since."""
    (record,) = job.store.jobs.all()
    job.store.jobs.delete_files(record.id, ["p/large"])
    (upload,) = job.store.uploads(statuses=[UploadStatus.COMPLETED])
    assert upload.ctime_ns == identify(folder / "large").ctime_ns
    replace_file(folder / "large")

    done = job.run()

    assert (done.done, done.resumed) == (2, 1)
    assert objects(strict) == files(folder)
    assert job.store.jobs.all()[0].status is JobStatus.COMPLETED
    assert len(job.of(FileDone)) == 2


def test_a_dry_run_compares_as_well(job: Job, strict: StrictS3, folder: Path) -> None:
    """One file was replaced by another of the same size and mtime, one only got another mode."""
    replace_file(folder / "small")
    (folder / "large").chmod(0o640)
    before = len(strict.journal.calls)

    planned = job.plan()

    assert (planned.files, planned.resumed) == (2, 1)
    assert {call.operation for call in strict.journal.calls[before:]} == {"HeadObject"}
