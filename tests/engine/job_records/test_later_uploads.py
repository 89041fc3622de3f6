"""What later commands wrote to the keys of an unfinished upload or job, which a resume must not overwrite."""

from dataclasses import replace

import pytest

from partway.engine.job_records.later_uploads import LaterUploads, WrittenSince, needs_rows
from partway.engine.job_records.rows import SAME
from partway.engine.walk.spec import JobSpec
from partway.state.jobs import FileRecord, FileStatus, JobRecord, JobStatus
from partway.state.memory.store import MemoryStore
from partway.state.uploads import UploadRecord, UploadStatus
from tests.support.engine.records import UPLOAD

OPEN = replace(UPLOAD, key="p/file", created_at=1.0, updated_at=10.0)
DONE = replace(OPEN, id="later000", status=UploadStatus.COMPLETED, created_at=20.0, updated_at=30.0)


def job(id: str, prefix: str, *, status: JobStatus = JobStatus.OPEN, updated_at: float = 20.0) -> JobRecord:
    spec = JobSpec(sources=("/x",), bucket="bucket", prefix=prefix, endpoint="")
    return JobRecord(
        id=id,
        status=status,
        spec=spec.to_json(),
        target=spec.url,
        endpoint="",
        region=None,
        profile=None,
        created_at=updated_at,
        updated_at=updated_at,
    )


def row(key: str, status: FileStatus = FileStatus.DONE, note: str = "crc64nvme") -> FileRecord:
    return FileRecord(key=key, size=1, mtime_ns=1, status=status, note=note)


def store_of(*uploads: UploadRecord, jobs: dict[JobRecord, list[FileRecord]] | None = None) -> MemoryStore:
    store = MemoryStore()
    for upload in uploads:
        store.save_upload(upload)
    for record, files in (jobs or {}).items():
        store.jobs.save(record)
        store.jobs.save_files(record.id, files)
    return store


@pytest.mark.parametrize(
    ("later", "is_found"),
    [
        (DONE, True),
        (replace(DONE, created_at=5.0), False),  # begun before the last activity: it may be the older one
        (replace(DONE, key="p/other"), False),
        (replace(DONE, bucket="other"), False),
        (replace(DONE, endpoint="http://elsewhere"), False),
        (replace(DONE, status=UploadStatus.ABORTED), False),
        (replace(DONE, status=UploadStatus.OPEN), False),
    ],
)
def test_a_completed_upload_of_the_same_key(later: UploadRecord, is_found: bool) -> None:
    found = LaterUploads(store_of(OPEN, later)).after(OPEN)

    assert found == (later if is_found else None)


@pytest.mark.parametrize(
    ("file", "is_found"),
    [
        (row("p/file"), True),
        (row("p/file", FileStatus.SKIPPED, SAME), True),
        (row("p/file", FileStatus.SKIPPED, "the object already exists"), False),
        (row("p/file", FileStatus.FAILED), False),
        (row("p/other"), False),
    ],
)
def test_a_job_that_wrote_the_key(file: FileRecord, is_found: bool) -> None:
    """Its small files are no uploads."""
    later = job("job00001", "p/")
    found = LaterUploads(store_of(OPEN, jobs={later: [file]})).after(OPEN)

    assert found == (later if is_found else None)


@pytest.mark.parametrize(
    ("later", "is_found"),
    [
        (job("job00001", ""), True),
        (job("job00001", "q/"), False),
        (job("job00001", "p/", updated_at=5.0), False),
        (job("job00001", "p/", status=JobStatus.ABORTED), False),
    ],
)
def test_of_the_jobs_those_that_ran_since_and_may_write_the_key(later: JobRecord, is_found: bool) -> None:
    assert (LaterUploads(store_of(OPEN, jobs={later: [row("p/file")]})).after(OPEN) == later) is is_found


def test_the_keys_of_a_job_that_others_wrote_since() -> None:
    """By uploads and by jobs; its own uploads do not count."""
    mine, other = job("mine0000", "p/", updated_at=10.0), job("other000", "p/")
    own = replace(DONE, id="own00000", key="p/own", job=mine.id)
    before = replace(DONE, id="before00", key="p/before", created_at=5.0)
    store = store_of(DONE, own, before, jobs={mine: [row("p/mine")], other: [row("p/by-job")]})
    keys = ["p/file", "p/own", "p/before", "p/mine", "p/by-job", "p/none"]

    assert WrittenSince(store, mine, "bucket").among(keys) == {"p/file", "p/by-job"}


@pytest.mark.parametrize(
    ("uploads", "jobs", "expected"),
    [
        ([], [], False),
        ([OPEN], [], True),
        ([replace(OPEN, key="q/file")], [], False),
        ([replace(OPEN, job="mine0000")], [], False),
        ([replace(OPEN, status=UploadStatus.COMPLETED)], [], False),
        ([], [job("other000", "p/sub/")], True),
        ([], [job("other000", "")], True),
        ([], [job("other000", "q/")], False),
        ([], [job("other000", "p/", status=JobStatus.COMPLETED)], False),
    ],
)
def test_rows_are_kept_while_something_unfinished_may_write_the_keys(
    uploads: list[UploadRecord], jobs: list[JobRecord], expected: bool
) -> None:
    mine = job("mine0000", "p/", status=JobStatus.COMPLETED)
    store = store_of(*uploads, jobs={mine: [], **{each: [] for each in jobs}})

    assert needs_rows(store, mine) is expected
