"""Giving up: what was removed is told, and nothing is called gone that may be there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.responses import PartReceipt
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import UploadFailed, UploadVanished
from partway.engine.s3.backend import S3Backend
from partway.engine.upload.abort import AbortResult, abort_upload, cancel_upload
from partway.state.uploads import UploadStatus
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import MIB, UPLOAD, hanging, refuse_parts

NO = access_denied()
Rows = list[PartReceipt] | None


@dataclass
class Service:
    """Answers each ListParts with the next of ``lists`` (the last for ever), and takes ``aborts`` aborts."""

    lists: list[Rows]
    aborts: int = 100
    aborted: int = 0

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> Rows:
        return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]

    def abort_upload(self, target: Target, upload_id: str) -> None:
        if self.aborted == self.aborts:
            raise UploadVanished("S3 knows no such upload")
        self.aborted += 1


def rows(*numbers: int) -> Rows:
    """Parts of ten bytes."""
    return [PartReceipt(number=number, size=10, etag="e") for number in numbers]


def remove(service: Service) -> AbortResult:
    """Remove an upload from it; nobody waits."""
    s3 = cast(MultipartBackend, service)
    return abort_upload(s3, Target(bucket="b", key="k"), "id", ChecksumAlgorithm.MD5, lambda seconds: None)


def test_a_part_that_arrives_late_is_removed_too() -> None:
    """It was in flight during the first abort: there is a second one, and both parts count."""
    service = Service([rows(1), rows(2), rows()])

    removal = remove(service)

    assert service.aborted == 2
    assert removal == AbortResult(existed=True, parts=2, bytes=20, confirmed=True)


def test_parts_that_stay_are_an_error() -> None:
    """Nobody is told that they are gone."""
    with pytest.raises(UploadFailed, match="still lists parts"):
        remove(Service([rows(1)]))


def test_where_parts_are_not_listed_a_second_abort_confirms() -> None:
    """The service does not know the upload any more: then there are no parts."""
    service = Service([None], aborts=1)

    assert remove(service) == AbortResult(existed=True, parts=None, bytes=None, confirmed=True)


def test_what_nobody_can_see_is_not_confirmed() -> None:
    """The service lists nothing, and takes one abort after the other."""
    assert not remove(Service([None])).confirmed


def test_an_upload_that_is_gone_was_not_removed_by_us() -> None:
    """Completed, aborted or expired before."""
    assert not remove(Service([rows()], aborts=0)).existed


@pytest.fixture
def uploading(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """Two of three parts are on S3."""
    uploading = Uploading(path=make_file(3 * PART), backend=backend, endpoint=backend.endpoint)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=NO, part_number=3))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    return uploading


@pytest.mark.parametrize("there", [False, True], ids=["no object", "an object"])
@pytest.mark.parametrize(
    "quirks",
    [Quirks(), Quirks(list_parts_unsupported=True), Quirks(list_parts_ignored=True)],
    ids=["ListParts", "no ListParts", "ListParts is a read"],
)
def test_a_cancel_tells_what_is_gone(strict: StrictS3, uploading: Uploading, quirks: Quirks, there: bool) -> None:
    """Confirmed by the service in either way, with a list or without."""
    strict.model.quirks = quirks
    if there:
        strict.model.put_object("bucket", "key", b"object")
    (record,) = uploading.store.uploads()

    removal = cancel_upload(record, uploading.context)

    assert (removal.existed, removal.confirmed) == (True, True)
    assert removal.bytes == (2 * PART if quirks == Quirks() else None)
    assert strict.model.open_uploads == ()


def test_a_list_that_never_comes_does_not_keep_from_aborting(strict: StrictS3, uploading: Uploading) -> None:
    """A service that answers every ListParts with an error of its own."""
    strict.faults.add(Fault(operation="ListParts", stage=Stage.AFTER_BODY, action=Answer(status=500), times=None))
    (record,) = uploading.store.uploads()

    removal = cancel_upload(record, uploading.context)

    assert (removal.existed, removal.bytes) == (True, None)
    assert strict.model.open_uploads == ()


def test_what_was_finished_meanwhile_stays_finished(strict: StrictS3, uploading: Uploading) -> None:
    """The record that was read before the claim is not believed."""
    (record,) = uploading.store.uploads()
    uploading.store.save_upload(replace(record, status=UploadStatus.COMPLETED))

    with pytest.raises(UploadFailed, match="was completed in the meantime"):
        cancel_upload(record, uploading.context)

    assert uploading.store.uploads()[0].status is UploadStatus.COMPLETED
    assert strict.counts["AbortMultipartUpload"] == 0


def unfinished(server: StrictS3, shell: Shell, key: str) -> str:
    """The id of an upload with two parts done."""
    refuse_parts(server)
    failed = shell.run("upload", "source.bin", f"s3://bucket/{key}", "-p", "5MiB", "-c", "2", "--json")
    server.faults.clear()
    return str(failed.event("upload_failed")["upload"])


def test_json(server: StrictS3, shell: Shell) -> None:
    """One object an ID, with what is gone."""
    id = unfinished(server, shell, "a")
    result = shell.run("cancel", id, "--json")

    assert result.code == 0, result
    assert result.events == [
        {
            "upload": id,
            "target": "s3://bucket/a",
            "cancelled": True,
            "removed_parts": 2,
            "removed_bytes": 10 * MIB,
            "confirmed": True,
            "forgotten": False,
            "error": None,
        }
    ]


def test_one_that_cannot_be_cancelled_keeps_none_of_the_others(server: StrictS3, shell: Shell) -> None:
    """Its reason is told, the others go, and the exit code is the worst."""
    first, second = unfinished(server, shell, "a"), unfinished(server, shell, "b")
    server.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=NO))
    result = shell.run("cancel", first, second)
    left = shell.run("list", "--json").events

    assert result.code == 1
    assert "S3 refused AbortMultipartUpload: AccessDenied" in result.errors[0]
    assert result.out.startswith(f"cancelled {second}: ")
    assert [row["upload"] for row in left] == [first]


def test_an_unknown_id_among_several_cancels_nothing(server: StrictS3, shell: Shell) -> None:
    """What was typed wrong is said before anything is removed."""
    id = unfinished(server, shell, "a")
    result = shell.run("cancel", id, "zzz")

    assert (result.code, result.out) == (2, "")
    assert server.counts["AbortMultipartUpload"] == 0


def test_a_job_that_runs_is_not_cancelled(server: StrictS3, shell: Shell) -> None:
    """Stop it first; nothing of it is touched."""
    (shell.folder / "many").mkdir()
    (shell.folder / "source.bin").rename(shell.folder / "many" / "source.bin")
    with hanging(shell, server, "upload", "-r", "many", "s3://bucket/", *UPLOAD[3:]) as running:
        job = next(line for line in running.lines if "job_started" in line).split('"job": "')[1][:8]
        result = shell.run("cancel", job)

    assert (result.code, result.out) == (75, "")
    assert f"is already sending these files to s3://bucket/ (job {job})" in result.errors[0]
    assert server.counts["AbortMultipartUpload"] == 0
