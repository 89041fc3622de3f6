"""A lost store: the unfinished upload is found on S3, and resumed with --adopt."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.responses import PartReceipt
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import UploadFailed
from partway.engine.events.upload import OrphanAdopted, OrphanFound, PartsChecked, UploadDone
from partway.engine.limits import S3Limits
from partway.engine.resume.adopt import infer_plan
from partway.engine.s3.backend import S3Backend
from partway.state.memory.store import MemoryStore
from partway.state.uploads import UNFINISHED, UploadRecord, UploadStatus
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.checksums import Algorithm, checksum_of
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


@pytest.fixture
def uploading(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """Four of six parts are on S3, and their store is lost."""
    uploading = Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)
    stop(strict, 5)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    uploading.store = MemoryStore()
    uploading.events.clear()
    return uploading


def stop(strict: StrictS3, number: int) -> None:
    """One run ends at this part."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=number))


def test_an_orphan_is_told_and_left_alone(strict: StrictS3, uploading: Uploading) -> None:
    """It may be another machine's: without --adopt, a new upload is created."""
    done = uploading.run()

    (found,) = uploading.of(OrphanFound)
    assert (found.parts, found.bytes, done.sent_bytes) == (4, 4 * PART, SIZE)
    assert len(strict.model.open_uploads) == 1


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(silent_checksums=True)], ids=["checksums", "MD5 ETags"])
def test_with_the_users_word_it_goes_on(strict: StrictS3, uploading: Uploading, quirks: Quirks) -> None:
    """The parts are compared with the local bytes, and only the missing ones are sent."""
    strict.model.quirks = quirks

    done = uploading.run(adopt=True)

    assert (done.resumed_bytes, done.sent_bytes) == (4 * PART, SIZE - 4 * PART)
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert len(uploading.of(OrphanAdopted)) == 1


def test_a_web_page_is_no_empty_list(strict: StrictS3, uploading: Uploading) -> None:
    """A login page instead of the list: the list is requested again, and the upload is found."""
    page = Answer(status=200, headers={"Content-Type": "text/html"}, body=b"<html><body>Sign in</body></html>")
    strict.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_BODY, action=page))

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 4 * PART


def test_parts_that_are_not_this_files_are_sent_again(strict: StrictS3, uploading: Uploading) -> None:
    """Parts of an adopted upload are never trusted without a comparison."""
    edited = bytearray(uploading.path.read_bytes())
    edited[PART] ^= 1
    uploading.path.write_bytes(edited)

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 3 * PART
    assert strict.model.get_object("bucket", "key").body == bytes(edited)


def test_an_orphan_with_another_checksum_than_asked_for_is_left_alone(strict: StrictS3, uploading: Uploading) -> None:
    """The user's choice wins: the object must not get another checksum because of an orphan."""
    done = uploading.run(adopt=True, algorithm=ChecksumAlgorithm.SHA256)

    assert (done.proof, done.sent_bytes) == ("sha256", SIZE)
    assert uploading.of(OrphanAdopted) == []


def stranger(strict: StrictS3, content: bytes, *numbers: int) -> str:
    """Create a foreign unfinished upload of the key with these parts of ``content``; returns its upload ID."""
    info = strict.model.create_multipart_upload("bucket", "key", algorithm=Algorithm.CRC64NVME)
    for number in numbers:
        piece = content[(number - 1) * PART : number * PART]
        checksum = checksum_of(Algorithm.CRC64NVME, piece)
        strict.model.upload_part("bucket", "key", info.upload_id, number, piece, checksum=checksum)
    return info.upload_id


def test_the_upload_with_more_of_the_file_wins(strict: StrictS3, uploading: Uploading) -> None:
    """The user learned of it after a new upload was started: that one is reported, and kept until the end."""
    begun = begin_another(strict, uploading)
    at_complete: list[int] = []
    uploading.on_event = lambda event: (
        at_complete.append(strict.counts["AbortMultipartUpload"]) if isinstance(event, UploadDone) else None
    )

    done = uploading.run(adopt=True)

    (adopted,) = uploading.of(OrphanAdopted)
    assert (done.resumed_bytes, adopted.left) == (4 * PART, begun.id)
    assert at_complete == [0]


def begin_another(strict: StrictS3, uploading: Uploading) -> UploadRecord:
    """An upload of ours with one part, besides the larger one that only S3 knows."""
    stop(strict, 2)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    (begun,) = uploading.store.uploads()
    return begun


def test_our_smaller_upload_is_removed_when_the_object_is_proven(strict: StrictS3, uploading: Uploading) -> None:
    """Its parts are no longer needed, and would cost money."""
    begun = begin_another(strict, uploading)

    uploading.run(adopt=True)

    assert not strict.model.open_uploads
    assert (after := uploading.store.upload(begun.id)) is not None and after.status is UploadStatus.ABORTED


def test_our_smaller_upload_is_removed_by_a_later_run_too(strict: StrictS3, uploading: Uploading) -> None:
    """The run that adopted the better upload was interrupted, and the next run does not know about it."""
    begin_another(strict, uploading)
    stop(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(adopt=True, concurrency=1)

    uploading.run()

    assert not strict.model.open_uploads
    assert uploading.store.uploads(statuses=UNFINISHED) == []


def test_a_strangers_smaller_upload_stays_when_the_object_is_there(strict: StrictS3, uploading: Uploading) -> None:
    """Only uploads in the store are removed."""
    begin_another(strict, uploading)
    other = stranger(strict, uploading.path.read_bytes(), 1, 2)

    uploading.run(adopt=True)

    assert [upload.upload_id for upload in strict.model.open_uploads] == [other]


def test_our_smaller_upload_stays_while_only_sizes_were_compared(strict: StrictS3, uploading: Uploading) -> None:
    """As long as the object is not verified, the parts may be needed."""
    begun = begin_another(strict, uploading)
    older = replace(begun, id="older", upload_id=stranger(strict, b"", 1), created_at=begun.created_at - 1)
    uploading.store.save_upload(older)
    strict.model.quirks = Quirks(no_checksums=True, opaque_etags=True)

    done = uploading.run()

    assert done.proof == "size"
    assert [record.id for record in uploading.store.uploads(statuses=UNFINISHED)] == ["older"]


def test_an_upload_is_done_although_our_smaller_one_cannot_be_removed(strict: StrictS3, uploading: Uploading) -> None:
    """It stays in the list, for ``partway cancel`` or the next command."""
    begun = begin_another(strict, uploading)
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.AFTER_BODY, action=no))

    done = uploading.run(adopt=True)

    assert done.proof == "crc64nvme"
    assert [record.id for record in uploading.store.uploads(statuses=UNFINISHED)] == [begun.id]


def test_a_larger_upload_of_other_bytes_loses(strict: StrictS3, uploading: Uploading) -> None:
    """Matching bytes decide, not sizes: ours is resumed, the other is reported and kept."""
    strict.model.abort_multipart_upload("bucket", "key", strict.model.open_uploads[0].upload_id)
    stop(strict, 4)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    other = stranger(strict, bytes(SIZE), 1, 2, 3, 4, 5)
    before = strict.model.stored_parts(other)

    done = uploading.run(adopt=True)

    (found,) = uploading.of(OrphanFound)
    assert done.resumed_bytes == 3 * PART
    assert (found.parts, found.passed_over) == (5, True)
    assert strict.counts["AbortMultipartUpload"] == 0
    assert strict.model.stored_parts(other) == before


def test_an_upload_with_nothing_of_the_file_is_not_taken_over(strict: StrictS3, uploading: Uploading) -> None:
    """Its parts belong to someone else: they are not overwritten, and a new upload is created."""
    strict.model.abort_multipart_upload("bucket", "key", strict.model.open_uploads[0].upload_id)
    other = stranger(strict, bytes(SIZE), 1, 2)
    before = strict.model.stored_parts(other)

    done = uploading.run(adopt=True)

    assert (done.sent_bytes, uploading.of(OrphanAdopted)) == (SIZE, [])
    assert strict.model.stored_parts(other) == before


def test_of_several_the_one_with_most_of_the_file_is_taken(strict: StrictS3, uploading: Uploading) -> None:
    """Of a larger upload with other bytes, ours and a smaller one, the one with four matching parts is adopted."""
    content = uploading.path.read_bytes()
    stranger(strict, bytes(SIZE), 1, 2, 3, 4, 5)
    stranger(strict, content, 1, 2)

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 4 * PART
    assert [found.parts for found in uploading.of(OrphanFound)] == [5, 2]


def test_what_was_compared_is_not_read_again(strict: StrictS3, uploading: Uploading) -> None:
    """The parts that were found equal are kept as they are."""
    uploading.run(adopt=True)

    assert len(uploading.of(PartsChecked)) == 4


def test_our_own_upload_stays_when_it_is_larger(strict: StrictS3, uploading: Uploading) -> None:
    """--adopt never costs parts."""
    stop(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 5 * PART
    assert len(strict.model.open_uploads) == 1


def test_without_permission_to_list_nothing_is_found(strict: StrictS3, uploading: Uploading) -> None:
    """The search is optional; an upload works without it."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_BODY, action=no))

    uploading.run(adopt=True)

    assert uploading.of(OrphanFound) == []
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_an_upload_of_the_same_key_by_another_file_of_ours_is_no_orphan(
    strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """Parts in the store are not lost."""
    stop(strict, 5)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1, adopt=True)
    uploading.events.clear()
    uploading.path = make_file(SIZE, "other.bin", seed=2)

    uploading.run()

    assert uploading.of(OrphanFound) == []


def test_an_upload_that_was_left_is_found_by_the_next_command(strict: StrictS3, uploading: Uploading) -> None:
    """As after a kill between the completion of the better one and the removal of ours: nothing stays forever."""
    begin_another(strict, uploading)
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.AFTER_BODY, action=no))
    uploading.run(adopt=True)

    done = uploading.run()

    assert done.resumed_bytes == PART
    assert (len(strict.model.open_uploads), uploading.store.uploads(statuses=UNFINISHED)) == (0, [])


def rows(*sizes: int) -> list[PartReceipt]:
    """Parts 1, 2, 3, ... of these sizes; 0 means a missing part."""
    return [PartReceipt(number=n, size=size, etag="e") for n, size in enumerate(sizes, 1) if size]


@pytest.mark.parametrize(
    ("listed", "file_size", "part_size"),
    [
        (rows(8, 8, 3), 19, 8),
        (rows(8, 0, 3), 19, 8),
        (rows(8), 19, 8),
        (rows(8, 8, 8), 24, 8),
        ([], 19, None),
        (rows(0, 0, 3), 19, None),
        (rows(8, 8, 4), 19, None),
        (rows(8, 7, 3), 19, None),
        (rows(8, 8, 8), 19, None),
        (rows(8, 8, 3, 3), 19, None),
        (rows(1, 1), 2, None),
        (rows(9, 9), 100, None),
    ],
)
def test_the_cut_is_read_from_the_parts(listed: list[PartReceipt], file_size: int, part_size: int | None) -> None:
    """Only parts that fit one plan of a file of this size can be adopted."""
    plan = infer_plan(listed, file_size, S3Limits(min_part_size=4, max_part_size=64, max_parts=10))

    assert (plan and plan.part_size) == part_size


def test_the_algorithm_of_the_orphan_is_kept(strict: StrictS3, uploading: Uploading) -> None:
    """S3 fixes it at CreateMultipartUpload; the remaining parts must use it, too."""
    strict.model.abort_multipart_upload("bucket", "key", strict.model.open_uploads[0].upload_id)
    stop(strict, 5)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1, algorithm=ChecksumAlgorithm.SHA256)
    uploading.store = MemoryStore()

    done = uploading.run(adopt=True)

    assert (done.proof, done.resumed_bytes) == ("sha256", 4 * PART)


def test_an_adopted_upload_is_found_again_although_the_clock_went_back(strict: StrictS3, uploading: Uploading) -> None:
    """The upload that was left is older, even if the clock was set back."""
    stop(strict, 2)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    (begun,) = uploading.store.uploads()
    uploading.store.save_upload(replace(begun, created_at=begun.created_at + 86400.0))
    stop(strict, 5)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1, adopt=True)

    done = uploading.run()

    assert done.resumed_bytes == 4 * PART
