"""A lost store: the unfinished upload is found on S3, and goes on when the user agrees."""

from collections.abc import Callable
from pathlib import Path

import pytest

from partway.engine.adopt import cut_of
from partway.engine.backend import PartReceipt
from partway.engine.checksum import ChecksumAlgorithm
from partway.engine.errors import UploadFailed
from partway.engine.events import OrphanAdopted, OrphanFound
from partway.engine.limits import S3Limits
from partway.engine.s3 import S3Backend
from partway.state.store import MemoryStore
from tests.support.faults import Answer, Fault, Stage
from tests.support.s3_quirks import Quirks
from tests.support.strict_s3 import StrictS3
from tests.support.uploading import PART, Uploading

SIZE = 5 * PART + 10


@pytest.fixture
def uploading(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """Four of six parts are on S3, and the store that knew them is lost."""
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
    """Without the user's word it may be another machine's: a new upload is begun."""
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
    """The network's login page instead of the list: it is asked for again, and the upload is found."""
    page = Answer(status=200, headers={"Content-Type": "text/html"}, body=b"<html><body>Sign in</body></html>")
    strict.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_BODY, action=page))

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 4 * PART


def test_parts_that_are_not_this_files_are_sent_again(strict: StrictS3, uploading: Uploading) -> None:
    """Adopting takes an upload, never a part on trust."""
    edited = bytearray(uploading.path.read_bytes())
    edited[PART] ^= 1
    uploading.path.write_bytes(edited)

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 3 * PART
    assert strict.model.get_object("bucket", "key").body == bytes(edited)


def test_an_orphan_with_another_checksum_than_asked_for_is_left_alone(strict: StrictS3, uploading: Uploading) -> None:
    """What the user names holds: the object must not get another checksum because of what lies around."""
    done = uploading.run(adopt=True, algorithm=ChecksumAlgorithm.SHA256)

    assert (done.proof, done.sent_bytes) == ("sha256", SIZE)
    assert uploading.of(OrphanAdopted) == []


def test_the_larger_upload_wins(strict: StrictS3, uploading: Uploading) -> None:
    """The user heard of it only after a new upload had begun: that one is given up for the larger."""
    stop(strict, 2)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 4 * PART
    assert strict.model.open_uploads == ()


def test_our_own_upload_stays_when_it_is_larger(strict: StrictS3, uploading: Uploading) -> None:
    """--adopt never costs parts."""
    stop(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)

    done = uploading.run(adopt=True)

    assert done.resumed_bytes == 5 * PART
    assert len(strict.model.open_uploads) == 1


def test_without_permission_to_list_nothing_is_found(strict: StrictS3, uploading: Uploading) -> None:
    """Looking is a kindness; an upload does not need it."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_BODY, action=no))

    uploading.run(adopt=True)

    assert uploading.of(OrphanFound) == []
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_an_upload_of_the_same_key_by_another_file_of_ours_is_no_orphan(
    strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """What the store knows is not lost."""
    stop(strict, 5)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1, adopt=True)
    uploading.events.clear()
    uploading.path = make_file(SIZE, "other.bin", seed=2)

    uploading.run()

    assert uploading.of(OrphanFound) == []


def rows(*sizes: int) -> list[PartReceipt]:
    """Parts 1, 2, 3, ... of these sizes; 0 is a part that is not there."""
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
    """Only parts that are all of one cut of a file of this size can be adopted."""
    plan = cut_of(listed, file_size, S3Limits(min_part_size=4, max_part_size=64, max_parts=10))

    assert (plan and plan.part_size) == part_size


def test_the_algorithm_of_the_orphan_is_kept(strict: StrictS3, uploading: Uploading) -> None:
    """S3 froze it at Create; the parts to come must have it too."""
    strict.model.abort_multipart_upload("bucket", "key", strict.model.open_uploads[0].upload_id)
    stop(strict, 5)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1, algorithm=ChecksumAlgorithm.SHA256)
    uploading.store = MemoryStore()

    done = uploading.run(adopt=True)

    assert (done.proof, done.resumed_bytes) == ("sha256", 4 * PART)
