"""If the service refuses the abort, the upload can be forgotten anyway, and the message says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from partway.engine.errors import Refused, StateLocked, UploadFailed
from partway.engine.maintenance.forget import forget_job, forget_upload
from partway.engine.resume.lock import locked
from partway.engine.run.stored_options import target_of
from partway.engine.s3.backend import S3Backend
from partway.engine.upload.abort import cancel_upload
from partway.engine.walk.spec import JobSpec
from partway.state.jobs import JobStatus
from partway.state.uploads import UNFINISHED, UploadRecord
from tests.support.engine.job_case import Job
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied, s3_error
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import MIB, refuse_parts


@pytest.fixture
def uploading(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """Two of three parts are on S3, and aborts are refused."""
    uploading = Uploading(path=make_file(3 * PART), backend=backend, endpoint=backend.endpoint)
    stop(strict)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    return uploading


def stop(strict: StrictS3) -> None:
    """Refuse the third part once, and every abort."""
    no = s3_error("MethodNotAllowed", 405)
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=3),
        Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=no, times=None),
    )


def only_record(uploading: Uploading) -> UploadRecord:
    (record,) = uploading.store.uploads(statuses=UNFINISHED)
    return record


def test_a_refused_cancel_offers_to_forget(uploading: Uploading) -> None:
    """The store is unchanged: the upload can still be resumed."""
    record = only_record(uploading)

    with pytest.raises(Refused, match=rf"MethodNotAllowed.*; `partway cancel --forget {record.id}` forgets"):
        cancel_upload(record, uploading.context)

    assert only_record(uploading) == record


def test_a_refused_restart_offers_it_too(uploading: Uploading) -> None:
    """Afterwards, the same command starts a new upload."""
    record = only_record(uploading)

    with pytest.raises(Refused, match=f"partway cancel --forget {record.id}"):
        uploading.run(restart=True)
    forget_upload(record, store=uploading.store)

    assert uploading.run().resumed_bytes == 0


def test_a_forgotten_upload_is_in_no_list(strict: StrictS3, uploading: Uploading) -> None:
    """No request is made, so it works if the service no longer exists; parts stay on S3."""
    record = only_record(uploading)
    asked = len(strict.calls)

    assert forget_upload(record, store=uploading.store) == (2, 2 * PART)

    assert uploading.store.uploads() == []
    assert uploading.store.parts(record.id) == []
    assert len(strict.calls) == asked
    assert len(strict.model.open_uploads) == 1


def test_what_is_being_sent_is_not_forgotten(uploading: Uploading) -> None:
    """Stop it first."""
    record = only_record(uploading)

    with locked(uploading.store, record.source, target_of(record)), pytest.raises(StateLocked):
        forget_upload(record, store=uploading.store)

    assert only_record(uploading) == record


def test_what_was_finished_meanwhile_is_not_forgotten(uploading: Uploading) -> None:
    """It is finished by then."""
    record = only_record(uploading)
    uploading.run()

    with pytest.raises(UploadFailed, match="was completed in the meantime"):
        forget_upload(record, store=uploading.store)

    assert len(uploading.store.uploads()) == 1


def test_a_job_is_forgotten_with_its_uploads(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]
) -> None:
    """The job is aborted, and its unfinished uploads are no longer listed."""
    path = make_file(3 * PART, "large")
    spec = JobSpec(sources=(str(path),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)
    job = Job(spec=spec, backend=backend)
    stop(strict)
    job.run()
    (record,) = job.store.jobs.all(open_only=True)

    assert forget_job(record, store=job.store) == 1

    ended = job.store.jobs.get(record.id)
    assert ended is not None and ended.status is JobStatus.ABORTED
    assert job.store.uploads() == []
    assert strict.counts["AbortMultipartUpload"] == 0


def test_the_command(server: StrictS3, shell: Shell) -> None:
    """The output says what may remain on S3, as text and as JSON; the list is empty afterwards."""
    ids = []
    for key in ("a", "b"):
        refuse_parts(server)
        failed = shell.run("upload", "source.bin", f"s3://bucket/{key}", "-p", "5MiB", "-c", "2", "--json")
        server.faults.clear()
        ids.append(str(failed.event("upload_failed")["upload"]))
    uploads = [info.upload_id for info in server.model.open_uploads]
    line = shell.run("cancel", "--forget", ids[0])
    as_json = shell.run("cancel", "--forget", ids[1], "--json")

    assert (line.code, line.out) == (
        0,
        f"forgot {ids[0]}: s3://bucket/a; 2 parts (10.0 MiB) may remain on S3, in multipart upload {uploads[0]}\n",
    )
    assert as_json.events == [
        {
            "upload": ids[1],
            "target": "s3://bucket/b",
            "cancelled": False,
            "forgotten": True,
            "removed_parts": 0,
            "removed_bytes": 0,
            "confirmed": False,
            "error": None,
        }
    ]
    assert shell.run("list", "--json").events == []
    assert sum(part.size for part in server.model.stored_parts(uploads[0]).values()) == 10 * MIB
