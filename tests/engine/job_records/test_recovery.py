"""Files whose uploads were completed when the job's process was killed, before their rows were written."""

from dataclasses import replace

import pytest

from partway.engine.job_records.recovery import recover_files
from partway.state.jobs import FileRecord, FileStatus
from partway.state.memory.store import MemoryStore
from partway.state.uploads import UploadStatus
from tests.state.test_job_store_contract import JOB
from tests.state.test_store_contract import UPLOAD

ENDPOINT = replace(JOB, endpoint=UPLOAD.endpoint, created_at=1.0)
COMPLETED = replace(UPLOAD, status=UploadStatus.COMPLETED, job=JOB.id, updated_at=2.0, proof="crc64nvme")


def recovered(store: MemoryStore) -> FileRecord | None:
    """The row of the upload's file after a recovery."""
    store.jobs.save(ENDPOINT)
    recover_files(store, ENDPOINT, UPLOAD.bucket, keep_paths=True)
    return store.jobs.files(JOB.id, [UPLOAD.key]).get(UPLOAD.key)


def test_a_completed_upload_without_a_row_is_a_finished_file() -> None:
    """With the identity of the file as it was sent, and the proof of its object."""
    store = MemoryStore()
    store.save_upload(COMPLETED)

    row = recovered(store)

    assert row is not None
    assert (row.status, row.note, row.size, row.path) == (FileStatus.DONE, "crc64nvme", UPLOAD.size, UPLOAD.source)


@pytest.mark.parametrize(
    "changes",
    [{"status": UploadStatus.OPEN}, {"status": UploadStatus.ABORTED}, {"job": "other"}, {"job": None}],
)
def test_other_uploads_are_no_finished_files_of_the_job(changes: dict[str, object]) -> None:
    """Neither an unfinished one nor another command's."""
    store = MemoryStore()
    store.save_upload(replace(COMPLETED, **changes))  # type: ignore[arg-type]

    assert recovered(store) is None


@pytest.mark.parametrize(
    ("status", "kept"), [(FileStatus.DONE, True), (FileStatus.SKIPPED, True), (FileStatus.FAILED, False)]
)
def test_only_a_failure_is_replaced(status: FileStatus, kept: bool) -> None:
    """A row of an earlier failure is older than the upload; any other is the file's latest state."""
    store = MemoryStore()
    store.jobs.save(ENDPOINT)
    store.save_upload(COMPLETED)
    known = FileRecord(key=UPLOAD.key, size=1, mtime_ns=1, status=status, note="earlier")
    store.jobs.save_files(JOB.id, [known])

    row = recovered(store)

    assert row is not None
    assert (row.note == "earlier") is kept
