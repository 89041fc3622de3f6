"""Services that differ from S3: an interrupted upload is finished, and the summary names the proof that was had."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import AccessRefused, PartsRefused, ProofFailed, UploadFailed, UploadVanished
from partway.engine.events.upload import ChecksumFellBack, PartDone, PartRetried, UploadRenewed
from partway.engine.events.upload import UploadFailed as FailedEvent
from partway.engine.limits import MIB
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, CallFunction, CloseConnection, Fault, ResetConnection, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.quirks import ListAfterComplete, Quirks, RefuseChecksums
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10

# The quirk, the proof, and how many bytes the second run may send when three of six parts were done.
REST = SIZE - 3 * PART
QUIRKS: dict[str, tuple[Quirks, str, int]] = {
    "none": (Quirks(), "crc64nvme", REST),
    "no checksums": (Quirks(no_checksums=True), "etag", REST),
    "checksums refused as not implemented": (
        Quirks(refuse_checksums=RefuseChecksums.NOT_IMPLEMENTED),
        "etag",
        REST,
    ),
    "checksums refused as invalid": (Quirks(refuse_checksums=RefuseChecksums.INVALID_REQUEST), "etag", REST),
    "checksums verified, never echoed": (Quirks(silent_checksums=True), "etag", REST),
    "the object's checksum refused": (Quirks(refuse_object_checksum=True), "etag", REST),
    "no checksum on HEAD": (Quirks(checksum_missing_on_head=True), "crc64nvme", REST),
    "ETags that are no MD5": (Quirks(opaque_etags=True), "crc64nvme", REST),
    "neither checksums nor MD5s": (Quirks(no_checksums=True, opaque_etags=True), "size", REST),
    "Complete answers no ETag": (Quirks(empty_complete_etag=True), "crc64nvme", REST),
    "HEAD has another ETag": (Quirks(head_etag_differs=True), "crc64nvme", REST),
    # What Complete answered may be about another object than the one that HEAD shows.
    "HEAD has another ETag, no checksums": (Quirks(head_etag_differs=True, no_checksums=True), "md5", REST),
    "no ListParts": (Quirks(list_parts_unsupported=True), "crc64nvme", REST),
    "ListParts is a read": (Quirks(list_parts_ignored=True), "crc64nvme", REST),
    "rows repeated": (Quirks(list_repeats=True), "crc64nvme", REST),
    "rows sorted as text": (Quirks(list_unsorted=True), "crc64nvme", REST),
    "rows missing": (Quirks(list_drops=frozenset({2})), "crc64nvme", REST + PART),
    "a row cut short": (Quirks(list_truncates={1: 77}), "crc64nvme", REST + PART),
    # Only its first page can be seen, and what cannot be seen is sent again.
    "the marker ignored": (Quirks(list_ignores_marker=True), "crc64nvme", REST + PART),
    "the page size ignored": (Quirks(list_ignores_max_parts=True), "crc64nvme", REST),
    "the marker inclusive": (Quirks(list_marker_inclusive=True), "crc64nvme", REST),
    "parts stay after Complete": (Quirks(list_after_complete=ListAfterComplete.ALL), "crc64nvme", REST),
    "every part must be named": (Quirks(complete_names_all=True), "crc64nvme", REST),
    "vanished is NoSuchKey": (Quirks(vanished_as=("NoSuchKey", 404)), "crc64nvme", REST),
    "equal parts only": (Quirks(equal_parts_only=True), "crc64nvme", REST),
    "cut parts stay": (Quirks(stores_cut_parts=True), "crc64nvme", REST),
    "errors have no message": (Quirks(errors_without_message=True), "crc64nvme", REST),
}


# Where PutObject has another proof than parts.
SMALL_PROOFS = {"the object's checksum refused": "crc64nvme", "HEAD has another ETag, no checksums": "size"}


@pytest.fixture
def uploading(strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts; the server lists two rows a page."""
    return Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictS3]:
    """As everywhere, with tiny pages."""
    with StrictS3(S3Model(min_part_size=PART, page_size=2)) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


def stop_at(strict: StrictS3, number: int) -> None:
    """One run ends at this part."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=number))


@pytest.mark.parametrize("name", QUIRKS)
def test_an_interrupted_upload_is_finished(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """The object equals the file, the proof is what this service can give, and little is sent twice."""
    quirks, proof, most_sent = QUIRKS[name]
    strict.model.quirks = quirks
    stop_at(strict, 4)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)

    done = uploading.run()

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.proof == proof
    assert done.sent_bytes <= most_sent
    assert strict.counts["AbortMultipartUpload"] == 0


@pytest.mark.parametrize("name", QUIRKS)
@pytest.mark.parametrize("size", [0, 1000])
def test_a_small_file_is_proven(strict: StrictS3, uploading: Uploading, name: str, size: int) -> None:
    """PutObject falls back in the same way."""
    quirks, proof, _ = QUIRKS[name]
    strict.model.quirks = quirks
    uploading.path.write_bytes(b"x" * size)

    done = uploading.run()

    assert strict.model.get_object("bucket", "key").body == b"x" * size
    assert done.proof == SMALL_PROOFS.get(name, proof)


LOST = [name for name in QUIRKS if name not in ("neither checksums nor MD5s", "HEAD has another ETag, no checksums")]


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("then", ["retry", "new run"])
def test_a_lost_answer_to_complete_sends_nothing_again(
    strict: StrictS3, uploading: Uploading, name: str, then: str
) -> None:
    """Complete took effect and its answer was lost: HEAD proves it, in the same run or in the next."""
    strict.model.quirks = QUIRKS[name][0]
    lost = Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=ResetConnection())
    strict.faults.add(lost)
    if then == "new run":
        gone = Answer(status=403, code="AccessDenied")
        strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=gone, skip=1))

    if then == "new run":
        with pytest.raises(AccessRefused):
            uploading.run()
    sent = strict.counts["UploadPart"]
    done = uploading.run()

    assert strict.counts["UploadPart"] in (6, sent)
    assert done.proof in ("crc64nvme", "etag")
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_an_object_that_is_still_put_together_is_waited_for(strict: StrictS3, uploading: Uploading) -> None:
    """The run before died during Complete: S3 knows the upload no more, and shows the object only after a while."""
    lost = Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=ResetConnection())
    gone = Answer(status=403, code="AccessDenied")
    strict.faults.add(lost, Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=gone, skip=1))
    with pytest.raises(AccessRefused):
        uploading.run()
    strict.faults.add(
        Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=Answer(status=404)),
        Fault(
            operation="HeadObject",
            stage=Stage.AFTER_BODY,
            action=Answer(status=200, headers={"Content-Length": "5", "ETag": '"half"'}),
        ),
    )

    uploading.run()

    assert strict.counts["UploadPart"] == 6
    assert "does not show its object yet" in uploading.of(PartRetried)[-1].reason
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


@pytest.mark.parametrize("action", [CloseConnection(), ResetConnection()], ids=["closed", "reset"])
def test_one_cut_answer_to_head_does_not_cost_the_upload(
    strict: StrictS3, uploading: Uploading, action: CloseConnection | ResetConnection
) -> None:
    """The run before died during Complete, and half of a HEAD's head has no checksum in it: it is asked again."""
    lost = Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=ResetConnection())
    gone = Answer(status=403, code="AccessDenied")
    strict.faults.add(lost, Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=gone, skip=1))
    with pytest.raises(AccessRefused):
        uploading.run()
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.HALF_ANSWER, action=action))

    uploading.run()

    assert strict.counts["UploadPart"] == 6


def test_a_lost_answer_and_then_a_refusal_send_nothing_again(strict: StrictS3, uploading: Uploading) -> None:
    """Complete took effect; what the second one is told about its parts does not matter any more."""
    strict.faults.add(
        Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=ResetConnection()),
        Fault(
            operation="CompleteMultipartUpload",
            stage=Stage.AFTER_BODY,
            action=Answer(status=400, code="InvalidPart"),
            skip=1,
        ),
    )

    done = uploading.run()

    assert (strict.counts["UploadPart"], done.proof) == (6, "crc64nvme")


def test_what_an_endpoint_lacks_is_remembered(strict: StrictS3, uploading: Uploading) -> None:
    """The second file to the endpoint starts with what works, and nobody is told again."""
    strict.model.quirks = Quirks(no_checksums=True)
    uploading.run()
    uploading.events.clear()

    uploading.run()

    assert uploading.of(ChecksumFellBack) == []
    assert len(uploading.of(PartDone)) == 6


def test_an_unconfirmed_part_is_not_sent_again(strict: StrictS3, uploading: Uploading) -> None:
    """The answer lacks the checksum: the part on S3 is compared by its MD5 ETag with the local bytes instead."""
    strict.model.quirks = Quirks(silent_checksums=True)

    done = uploading.run()

    assert strict.counts["UploadPart"] == 6
    assert (done.sent_bytes, done.resumed_bytes) == (SIZE, 0)


def test_a_checksum_the_user_asked_for_is_not_given_up(strict: StrictS3, uploading: Uploading) -> None:
    """No silent weakening where the parts' checksums are not answered: the upload fails and says what to leave away."""

    def forget_checksums() -> None:
        strict.model.quirks = Quirks(silent_checksums=True)

    turn = CallFunction(function=forget_checksums)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=turn))

    with pytest.raises(UploadFailed, match="start over with --restart and omit --checksum-algorithm"):
        uploading.run(algorithm=ChecksumAlgorithm.CRC32C)
    assert uploading.run(restart=True).proof == "etag"


def test_a_checksum_that_create_does_not_agree_to_leaves_nothing(strict: StrictS3, uploading: Uploading) -> None:
    """The upload has no part and never will: it is aborted, and the next run without the option begins a new one."""
    strict.model.quirks = Quirks(no_checksums=True)

    with pytest.raises(UploadFailed, match="supports, omit --checksum-algorithm"):
        uploading.run(algorithm=ChecksumAlgorithm.SHA256)

    assert strict.model.open_uploads == ()
    assert uploading.store.uploads() == []
    assert [event.resumable for event in uploading.of(FailedEvent)] == [False]


def test_a_new_upload_that_cannot_be_aborted_stays_in_the_list(strict: StrictS3, uploading: Uploading) -> None:
    """What is on S3 is known to the store, so that a cancel can remove it later."""
    strict.model.quirks = Quirks(no_checksums=True)
    strict.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.AFTER_BODY, action=access_denied()))

    with pytest.raises(UploadFailed, match="start over with --restart"):
        uploading.run(algorithm=ChecksumAlgorithm.SHA256)

    (record,) = uploading.store.uploads()
    assert [record.upload_id] == [each.upload_id for each in strict.model.open_uploads]


@pytest.mark.parametrize("refuse", RefuseChecksums)
@pytest.mark.parametrize("size", [1000, SIZE])
def test_a_refused_checksum_that_was_asked_for_leaves_nothing(
    strict: StrictS3, uploading: Uploading, size: int, refuse: RefuseChecksums
) -> None:
    """S3 has nothing of the upload, so there is nothing to resume with another checksum."""
    strict.model.quirks = Quirks(refuse_checksums=refuse)
    uploading.path.write_bytes(b"x" * size)

    with pytest.raises(UploadFailed, match="supports, omit --checksum-algorithm"):
        uploading.run(algorithm=ChecksumAlgorithm.SHA256)

    assert uploading.store.uploads() == []
    assert strict.model.objects == {}
    assert [event.resumable for event in uploading.of(FailedEvent)] == [False]


def test_an_object_that_is_there_without_the_wanted_checksum_is_named(strict: StrictS3, uploading: Uploading) -> None:
    """A small object was stored although the upload failed: the sentence says so."""
    strict.model.quirks = Quirks(silent_checksums=True)
    uploading.path.write_bytes(b"small")

    with pytest.raises(UploadFailed, match="the service stored s3://bucket/key, but did not answer with its SHA256"):
        uploading.run(algorithm=ChecksumAlgorithm.SHA256)

    assert strict.model.get_object("bucket", "key").body == b"small"
    assert uploading.store.uploads() == []


def test_complete_refusing_a_part_that_vanished_is_mended(strict: StrictS3, uploading: Uploading) -> None:
    """A part that the server lost after listing it is found by Complete and sent again, in the same run."""
    lost: list[int] = []

    def lose(event: object) -> None:
        if isinstance(event, PartDone) and event.number == 6 and not lost:
            (info,) = strict.model.open_uploads
            del strict.model._uploads[info.upload_id].parts[2]
            lost.append(2)

    uploading.on_event = lose

    uploading.run(concurrency=1)

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert strict.counts["UploadPart"] == 7


def test_an_upload_that_is_gone_where_nothing_is_listed_begins_anew(strict: StrictS3, uploading: Uploading) -> None:
    """NoSuchUpload again and again, and nobody says that parts are there: S3 cannot finish this one."""
    strict.model.quirks = Quirks(list_parts_unsupported=True)
    stop_at(strict, 4)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    strict.model.expire_upload(strict.model.open_uploads[0].upload_id)

    done = uploading.run()

    assert len(uploading.of(UploadRenewed)) == 1
    assert done.sent_bytes == SIZE
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


OBJECTS = {
    "no document": b"\0" * 100,
    "empty": b"",
    "a document": b"<html><body/></html>",
    "cut XML": b"<ListPartsResult><Part>",
    "large": b"x" * 9 * MIB,
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_that_comes_instead_of_a_list_is_none(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """A service without ListParts gives the object of that key: the store's receipts stand."""
    strict.model.put_object("bucket", "key", OBJECTS[name])
    strict.model.quirks = Quirks(list_parts_ignored=True)
    stop_at(strict, 4)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)

    done = uploading.run()

    assert (done.sent_bytes, done.proof, uploading.of(PartRetried)) == (REST, "crc64nvme", [])
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_an_upload_that_is_denied_and_still_listed_is_not_thrown_away(strict: StrictS3, uploading: Uploading) -> None:
    """Whom to believe is for the user to say: hundreds of gigabytes may be there."""
    no = Answer(status=404, code="NoSuchUpload")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=4, times=None))
    with pytest.raises(UploadVanished, match="--restart"):
        uploading.run(concurrency=1)
    strict.faults.clear()

    done = uploading.run()

    assert uploading.of(UploadRenewed) == []
    assert done.resumed_bytes >= 3 * PART


def test_an_upload_denied_now_and_then_is_kept(strict: StrictS3, uploading: Uploading) -> None:
    """NoSuchUpload for single parts, with parts accepted in between, is somebody's mistake: nothing is lost by it."""
    for number in (2, 4, 6):
        no = Answer(status=404, code="NoSuchUpload")
        strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=number))

    uploading.run(concurrency=1)

    assert uploading.of(UploadRenewed) == []
    assert strict.counts["UploadPart"] == 9


@pytest.mark.parametrize("lists", [True, False], ids=["ListParts", "no ListParts"])
def test_a_source_that_became_shorter_is_finished_where_every_part_must_be_named(
    strict: StrictS3, uploading: Uploading, lists: bool
) -> None:
    """The parts beyond its end cannot be taken back: a new upload, in the same run."""
    strict.model.quirks = Quirks(complete_names_all=True, list_parts_unsupported=not lists)
    stop_at(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    uploading.path.write_bytes(uploading.path.read_bytes()[: 2 * PART])

    uploading.run()

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_parts_refused_twice_are_not_thrown_away(strict: StrictS3, uploading: Uploading) -> None:
    """With nothing that explains it, hundreds of gigabytes may lie there: the user decides."""
    no = Answer(status=400, code="InvalidPart")
    strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=no, times=3))
    with pytest.raises(PartsRefused, match="--restart"):
        uploading.run()

    done = uploading.run()

    assert strict.counts["UploadPart"] == 6
    assert done.resumed_bytes == SIZE


def test_an_object_overwritten_after_complete_ends_in_a_new_upload(strict: StrictS3, uploading: Uploading) -> None:
    """S3 repeats its answer to Complete; HEAD shows somebody else's object: two runs say so, the next sends anew."""
    strict.model.quirks = Quirks(list_after_complete=ListAfterComplete.ALL)
    strict.model.completes_again = True
    overwritten = CallFunction(function=lambda: strict.model.put_object("bucket", "key", b"another's"))
    for _ in range(2):
        strict.faults.add(Fault(operation="HeadObject", stage=Stage.BEFORE_READ, action=overwritten))
        with pytest.raises(ProofFailed):
            uploading.run()

    done = uploading.run()

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.proof == "crc64nvme"


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "HeadObject"])
def test_over_tls_broken_connections_are_retries(
    monkeypatch: pytest.MonkeyPatch, make_file: Callable[..., Path], operation: str, stage: Stage
) -> None:
    """TLS breaks in its own ways; each is tried again, and bodies are not signed."""
    with StrictS3(S3Model(min_part_size=PART), tls=True) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        server.faults.add(
            Fault(operation=operation, stage=stage, action=ResetConnection()),
            Fault(operation=operation, stage=stage, action=CloseConnection()),
        )
        backend = S3Backend(S3Config(endpoint_url=server.url))
        uploading = Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)

        done = uploading.run()
        backend.close()

        assert server.model.get_object("bucket", "key").body == uploading.path.read_bytes()
        assert done.proof == "crc64nvme"
        parts = [call for call in server.calls if call.operation == "UploadPart"]
        assert {call.headers["x-amz-content-sha256"] for call in parts} == {"UNSIGNED-PAYLOAD"}
