"""The coordinator: what is sent, what is kept, what is asked of S3, and what is remembered."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm, checksum
from partway.engine.errors import (
    AccessRefused,
    PlanError,
    Refused,
    RemoteError,
    SourceChanged,
    StateLocked,
    Transient,
    UploadCancelled,
    UploadFailed,
)
from partway.engine.events import Event, upload
from partway.engine.events.upload import (
    NetworkLost,
    NetworkRestored,
    PartDone,
    PartRetried,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.events.upload import UploadFailed as FailedEvent
from partway.engine.retry.policy import Retry
from partway.engine.run.context import EngineContext
from partway.engine.run.run import UploadRun
from partway.engine.s3.backend import S3Backend
from partway.engine.source.identity import identify
from partway.engine.source.plan import UploadPlan
from partway.engine.upload.abort import cancel_upload
from partway.engine.upload.file import upload_file
from partway.engine.workers.channel import CancelToken
from partway.engine.workers.part_tasks import Sent
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import UploadStatus
from tests.support.engine.upload_case import PART, QUICK, Uploading
from tests.support.s3_faults.faults import Answer, CallFunction, CloseConnection, Fault, FlipBit, ResetConnection, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.request_log import Journal
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts, and the strict S3."""
    return Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)


def fail_parts(strict: StrictS3, *numbers: int) -> None:
    """These parts are refused until the faults are used up: one run's worth."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(
        *(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=n) for n in numbers)
    )


def content(strict: StrictS3) -> bytes:
    """The object's bytes."""
    return strict.model.get_object("bucket", "key").body


def test_a_file_goes_up_in_parts_and_is_proven(strict: StrictS3, uploading: Uploading) -> None:
    """A look for orphans, Create, one UploadPart a part, Complete, HEAD; and nothing is sent twice."""
    done = uploading.run()

    assert content(strict) == uploading.path.read_bytes()
    assert strict.counts == {
        "ListMultipartUploads": 1,
        "CreateMultipartUpload": 1,
        "UploadPart": 6,
        "CompleteMultipartUpload": 1,
        "HeadObject": 1,
    }
    assert (done.proof, done.sent_bytes, done.resumed_bytes, done.retries) == ("crc64nvme", SIZE, 0, 0)


def test_parts_carry_their_checksum_as_a_header_and_no_signed_payload(strict: StrictS3, uploading: Uploading) -> None:
    """Plain body, explicit CRC64NVME, UNSIGNED-PAYLOAD: no framing, and the body is read once for the network."""
    uploading.run()

    parts = [call for call in strict.calls if call.operation == "UploadPart"]
    assert all(len(call.headers["x-amz-checksum-crc64nvme"]) == 12 for call in parts)
    assert {call.headers["x-amz-content-sha256"] for call in parts} == {"UNSIGNED-PAYLOAD"}
    assert not any("x-amz-trailer" in call.headers or "content-encoding" in call.headers for call in parts)


def test_complete_names_the_whole_objects_checksum_and_size(strict: StrictS3, uploading: Uploading) -> None:
    """S3 itself compares the assembled object with the file's CRC64NVME and size."""
    uploading.run()

    (call,) = [call for call in strict.calls if call.operation == "CompleteMultipartUpload"]
    assert call.headers["x-amz-mp-object-size"] == str(SIZE)
    assert call.headers["x-amz-checksum-crc64nvme"] == checksum(
        ChecksumAlgorithm.CRC64NVME, uploading.path.read_bytes()
    )


def test_a_failed_part_stops_the_upload_and_loses_nothing(strict: StrictS3, uploading: Uploading) -> None:
    """Nothing is aborted, what was finished is recorded, and the failure says that permission has to come first."""
    fail_parts(strict, 3)

    with pytest.raises(UploadFailed, match="AccessDenied") as failure:
        uploading.run()

    (record,) = uploading.store.uploads()
    assert not failure.value.resumable
    assert isinstance(failure.value.__cause__, AccessRefused)
    assert strict.counts["AbortMultipartUpload"] == 0
    assert {part.number for part in uploading.store.parts(record.id)} == {
        event.number for event in uploading.of(PartDone)
    }


def test_a_resume_sends_only_what_is_missing(strict: StrictS3, uploading: Uploading) -> None:
    """The second run lists, sends the rest, and says how much it reused."""
    fail_parts(strict, 4)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    strict.journal = Journal()

    done = uploading.run()

    sent = sorted(call.part_number or 0 for call in strict.calls if call.operation == "UploadPart")
    assert sent == [4, 5, 6]
    assert (done.resumed_bytes, done.sent_bytes) == (3 * PART, SIZE - 3 * PART)
    assert content(strict) == uploading.path.read_bytes()


def test_events_tell_the_story_in_order(strict: StrictS3, uploading: Uploading) -> None:
    """Started first, every part once, done last; totals are those of the file."""
    uploading.run()

    started, *_, done = [e for e in uploading.events if not isinstance(e, upload.PartProgress)]
    assert isinstance(started, UploadStarted) and isinstance(done, upload.UploadDone)
    assert sorted(event.number for event in uploading.of(PartDone)) == [1, 2, 3, 4, 5, 6]
    assert sum(event.size for event in uploading.of(PartDone)) == started.total_bytes == SIZE


def test_a_part_is_recorded_before_it_is_announced(strict: StrictS3, uploading: Uploading) -> None:
    """Whoever hears PartDone may rely on the store."""

    def check(event: Event) -> None:
        if isinstance(event, PartDone):
            assert event.number in {part.number for part in uploading.store.parts(event.upload)}

    uploading.on_event = check

    uploading.run()


@pytest.mark.parametrize("stage", [Stage.BEFORE_READ, Stage.HALF_BODY, Stage.AFTER_EFFECT, Stage.HALF_ANSWER])
@pytest.mark.parametrize("action", [CloseConnection(), ResetConnection()], ids=["close", "reset"])
def test_a_broken_connection_is_a_retry(
    strict: StrictS3, uploading: Uploading, stage: Stage, action: CloseConnection | ResetConnection
) -> None:
    """A part whose connection breaks at any moment is sent again from its start."""
    strict.faults.add(Fault(operation="UploadPart", stage=stage, action=action, part_number=2))

    done = uploading.run()

    assert done.retries == 1
    assert [event.number for event in uploading.of(PartRetried)] == [2]
    assert content(strict) == uploading.path.read_bytes()


def test_a_service_that_never_answered_is_given_up_soon(strict: StrictS3, uploading: Uploading) -> None:
    """A mistyped endpoint fails within the first-contact budget and says how long it was tried; S3 has nothing of it,
    so nothing is left to resume."""
    strict.refuse()

    with pytest.raises(Transient, match=r"connection refused \(tried (once|\d+ times) in \d+ s\)"):
        uploading.run(policy=replace(QUICK, first_contact=0.1))

    assert uploading.of(NetworkLost)
    assert uploading.store.uploads() == []
    assert [event.resumable for event in uploading.of(FailedEvent)] == [True]


@pytest.mark.parametrize("call", ["CreateMultipartUpload", "PutObject", "HeadObject"])
def test_an_upload_that_may_have_begun_on_s3_is_kept(strict: StrictS3, uploading: Uploading, call: str) -> None:
    """The endpoint went away after it was reached once: with a request whose answer was lost, or with an answer.  A
    later run that reaches nobody does not change that."""
    if call != "CreateMultipartUpload":
        uploading.path.write_bytes(b"small")
    away = CallFunction(function=strict.refuse)
    strict.faults.add(Fault(operation=call, stage=Stage.AFTER_EFFECT, action=away))

    for _ in range(2):
        with pytest.raises(Transient):
            uploading.run(policy=replace(QUICK, budget=0.1, first_contact=0.1))

    assert len(uploading.store.uploads()) == 1


def test_an_upload_of_an_earlier_run_is_kept_where_nobody_answers(strict: StrictS3, uploading: Uploading) -> None:
    """Its parts are on S3."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=3))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    strict.refuse()

    with pytest.raises(Transient):
        uploading.run(policy=replace(QUICK, first_contact=0.1))

    assert len(uploading.store.uploads()) == 1


def test_a_network_that_comes_back_is_announced(strict: StrictS3, uploading: Uploading) -> None:
    """While it is away calls wait, and when it is back the upload goes on without a new run."""

    def interrupt(event: Event) -> None:
        if isinstance(event, PartDone) and event.number == 1:
            strict.refuse()
        if isinstance(event, NetworkLost):
            strict.accept()

    uploading.on_event = interrupt

    uploading.run(concurrency=1)

    assert [type(e) for e in uploading.events if isinstance(e, (NetworkLost, NetworkRestored))] == [
        NetworkLost,
        NetworkRestored,
    ]
    assert content(strict) == uploading.path.read_bytes()


def test_bytes_to_dead_connections_do_not_bring_the_network_back(strict: StrictS3, uploading: Uploading) -> None:
    """When the endpoint goes away, other parts go on writing to their sockets for a moment."""
    uploading.run()
    (record,) = uploading.store.uploads()
    uploading.events.clear()
    run = UploadRun(
        context=EngineContext(
            backend=uploading.backend,
            store=uploading.store,
            sink=uploading.events.append,
            settings=uploading.settings,
            cancel=uploading.cancel,
        ),
        source=identify(uploading.path),
        target=uploading.target,
        plan=UploadPlan(file_size=SIZE, part_size=PART),
        record=record,
    )

    def sent_of(number: int, sent: int) -> Sent:
        return Sent(number=number, sent=sent, size=PART)

    away = Retry(number=2, attempt=1, wait=0.1, reason="cannot reach it", unreachable=True, throttled=False)
    with run.pool:
        for message in (sent_of(3, 10), away, sent_of(3, 20), sent_of(3, 30)):
            run._on_message(message)
        assert not uploading.of(NetworkRestored)
        run._on_message(sent_of(2, 10))

    assert len(uploading.of(NetworkLost)) == len(uploading.of(NetworkRestored)) == 1


def test_a_touched_file_is_hashed_and_not_sent_again(strict: StrictS3, uploading: Uploading) -> None:
    """Another mtime makes the local bytes prove every part; nothing goes over the network twice."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    os.utime(uploading.path, ns=(1, 1))

    done = uploading.run()

    assert done.resumed_bytes == 5 * PART
    assert uploading.of(upload.PartsChecked)


def test_of_a_changed_file_only_the_changed_parts_go_again(strict: StrictS3, uploading: Uploading) -> None:
    """Equal parts stay; the part with other bytes is sent, and the object is the new file."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    edited = bytearray(uploading.path.read_bytes())
    edited[2 * PART + 5] ^= 1
    uploading.path.write_bytes(edited)
    strict.journal = Journal()

    uploading.run()

    sent = sorted(call.part_number or 0 for call in strict.calls if call.operation == "UploadPart")
    assert sent == [3, 6]
    assert content(strict) == bytes(edited)


@pytest.mark.parametrize("size", [2 * PART + 7, 9 * PART + 1], ids=["shorter", "longer"])
def test_a_file_of_another_size_keeps_its_equal_parts(
    strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path], size: int
) -> None:
    """The stored part size stays; parts that are equal in place are reused, whatever the new length."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    before = uploading.path.read_bytes()
    longer = make_file(10 * PART, seed=9).read_bytes()
    uploading.path.write_bytes((before[: 5 * PART] + longer)[:size])

    done = uploading.run()

    assert done.resumed_bytes == min(size // PART, 5) * PART
    assert content(strict) == uploading.path.read_bytes()


def test_a_file_that_changes_while_it_is_sent_is_not_completed(strict: StrictS3, uploading: Uploading) -> None:
    """SourceChanged before Complete; the next run sends what differs and finishes."""

    def edit(event: Event) -> None:
        if isinstance(event, PartDone) and event.number == 6:
            with uploading.path.open("r+b") as file:
                file.write(b"changed")

    uploading.on_event = edit

    with pytest.raises(SourceChanged):
        uploading.run()
    assert strict.counts["CompleteMultipartUpload"] == 0
    uploading.on_event = lambda event: None
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()


def test_parts_that_only_the_server_knows_are_adopted(strict: StrictS3, uploading: Uploading) -> None:
    """A crash between the answer and the record: the part stays when its checksum is that of the local bytes."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    (record,) = uploading.store.uploads()
    uploading.store.replace_parts(record.id, uploading.store.parts(record.id)[:2])
    strict.journal = Journal()

    done = uploading.run()

    assert strict.counts["UploadPart"] == 1
    assert done.resumed_bytes == 5 * PART


def test_an_upload_that_expired_on_the_server_starts_over(strict: StrictS3, uploading: Uploading) -> None:
    """The id stays, the parts go again, and the user is told."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    (record,) = uploading.store.uploads()
    assert record.upload_id
    strict.model.expire_upload(record.upload_id)

    done = uploading.run()

    assert (done.upload, done.sent_bytes) == (record.id, SIZE)
    assert len(uploading.of(upload.UploadRenewed)) == 1
    assert content(strict) == uploading.path.read_bytes()


def test_a_lost_answer_to_complete_is_no_loss(strict: StrictS3, uploading: Uploading) -> None:
    """The retry hears NoSuchUpload, and HEAD shows that the object is the file."""
    strict.faults.add(
        Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=ResetConnection(), times=1)
    )

    done = uploading.run()

    assert (done.proof, done.sent_bytes, strict.counts["UploadPart"]) == ("crc64nvme", SIZE, 6)


def test_a_complete_that_conflicts_starts_over(strict: StrictS3, uploading: Uploading) -> None:
    """409 ConditionalRequestConflict: a new upload, and every part again, as S3 asks."""
    conflict = Answer(status=409, code="ConditionalRequestConflict")
    strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=conflict))

    uploading.run()

    assert strict.counts["CreateMultipartUpload"] == 2
    assert content(strict) == uploading.path.read_bytes()


def test_a_conflict_with_an_object_that_is_there_is_the_end(strict: StrictS3, uploading: Uploading) -> None:
    """Without leave to overwrite, sending every part again could only end in the same refusal."""
    uploading.options = ObjectOptions(no_overwrite=True)
    conflict = Answer(status=409, code="ConditionalRequestConflict")
    written = CallFunction(function=lambda: strict.model.put_object("bucket", "key", b"another's"))
    strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=(written, conflict)))

    assert isinstance(uploading.end(), UploadSkipped)
    assert strict.counts["CreateMultipartUpload"] == 1
    assert content(strict) == b"another's"


def test_an_error_after_a_restart_names_no_aborted_upload(strict: StrictS3, uploading: Uploading) -> None:
    """The old upload was given up, and the new one has nothing yet: there is no id to resume."""
    fail_parts(strict, 2)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    strict.faults.add(Fault(operation="CreateMultipartUpload", stage=Stage.AFTER_BODY, action=access_denied()))

    with pytest.raises(RemoteError):
        uploading.run(restart=True)

    failed = uploading.of(upload.UploadFailed)[-1]
    assert failed.resumable is False
    assert uploading.store.upload(failed.upload) is None


def test_the_stored_part_size_wins(strict: StrictS3, uploading: Uploading) -> None:
    """A resume with another part size keeps the cut, since the finished parts are of it."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)

    uploading.run(part_size=2 * PART)

    assert uploading.of(UploadStarted)[-1].part_size == PART


def test_other_options_are_refused_while_an_upload_is_unfinished(strict: StrictS3, uploading: Uploading) -> None:
    """S3 froze them at Create: neither the old nor the new can be meant without saying so."""
    uploading.options = ObjectOptions(content_type="text/plain", acl="public-read")
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run()

    uploading.options = ObjectOptions(acl="private")
    with pytest.raises(PlanError, match="another acl"):
        uploading.run()
    uploading.options = ObjectOptions()
    uploading.run()

    assert strict.model.get_object("bucket", "key").options.acl == "public-read"


def test_restart_aborts_and_starts_over(strict: StrictS3, uploading: Uploading) -> None:
    """The old upload's parts are gone from the server and its record says so."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run()

    done = uploading.run(restart=True)

    assert done.resumed_bytes == 0
    assert [record.status for record in uploading.store.uploads()] == [UploadStatus.ABORTED, UploadStatus.COMPLETED]
    assert strict.model.open_uploads == ()


def test_cancel_removes_the_parts(strict: StrictS3, uploading: Uploading) -> None:
    """After it the server has nothing of the upload, and running again starts from nothing."""
    fail_parts(strict, 6)
    with pytest.raises(UploadFailed):
        uploading.run()
    (record,) = uploading.store.uploads()

    cancel_upload(record, uploading.context)

    assert strict.model.open_uploads == ()
    assert [r.status for r in uploading.store.uploads()] == [UploadStatus.ABORTED]
    assert uploading.run().resumed_bytes == 0


def test_the_same_upload_is_not_sent_twice_at_once(strict: StrictS3, uploading: Uploading) -> None:
    """The second says who holds it, by the ID that `list` shows, and sends nothing."""
    seen: list[BaseException] = []

    def again(event: Event) -> None:
        if isinstance(event, UploadStarted) and not seen:
            with pytest.raises(StateLocked, match=f"process {os.getpid()} on ") as locked:
                upload_file(uploading.path, uploading.target, uploading.context)
            seen.append(locked.value)

    uploading.on_event = again

    uploading.run()
    (record,) = uploading.store.uploads()

    assert f"to s3://bucket/key (upload {record.id}); wait until it exits" in str(seen[0])
    assert strict.counts["CreateMultipartUpload"] == 1


def test_a_cancel_keeps_what_is_done(strict: StrictS3, uploading: Uploading) -> None:
    """UploadCancelled; the next run goes on."""

    def stop(event: Event) -> None:
        if isinstance(event, PartDone) and event.number == 3:
            uploading.cancel.set()

    uploading.on_event = stop

    with pytest.raises(UploadCancelled):
        uploading.run(concurrency=1)
    uploading.cancel = CancelToken()
    done = uploading.run()

    assert done.resumed_bytes >= 3 * PART
    assert content(strict) == uploading.path.read_bytes()


def test_a_refused_create_leaves_no_unfinished_upload(strict: StrictS3, uploading: Uploading) -> None:
    """Nothing began on S3, so there is nothing to resume and nothing to list."""
    strict.faults.add(
        Fault(operation="CreateMultipartUpload", stage=Stage.AFTER_BODY, action=Answer(status=403, code="AccessDenied"))
    )

    with pytest.raises(AccessRefused):
        uploading.run()

    assert uploading.store.uploads() == []
    assert uploading.of(upload.UploadFailed)[0].resumable is False


def test_an_existing_object_is_not_overwritten(strict: StrictS3, uploading: Uploading) -> None:
    """With no_overwrite a taken key is skipped before anything is sent."""
    uploading.run()
    strict.journal = Journal()
    uploading.options = ObjectOptions(no_overwrite=True)

    skipped = upload_file(uploading.path, uploading.target, uploading.context)

    assert isinstance(skipped, UploadSkipped)
    assert set(strict.counts) == {"HeadObject"}


def test_a_flipped_bit_is_noticed_and_sent_again(strict: StrictS3, uploading: Uploading) -> None:
    """BadDigest: the part is read and sent once more."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=FlipBit(index=9), part_number=4))

    done = uploading.run()

    assert done.retries == 1
    assert content(strict) == uploading.path.read_bytes()


def test_a_part_that_stays_wrong_fails_and_is_resumable(strict: StrictS3, uploading: Uploading) -> None:
    """A second wrong digest in a row is not bad luck: the upload stops and keeps what it has."""
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=FlipBit(), part_number=4, times=None)
    )

    with pytest.raises(UploadFailed, match=r"BadDigest.*tried 2 times"):
        uploading.run()


def test_abort_date_is_remembered(strict: StrictS3, uploading: Uploading) -> None:
    """What the bucket's lifecycle rule says about the upload is stored for ``show``."""
    strict.model._abort_after_days = 7

    uploading.run()

    (record,) = uploading.store.uploads()
    assert record.abort_date is not None and record.abort_date > record.created_at


@pytest.mark.parametrize("name", ["SHA256", "SHA512", "XXHASH64", "XXHASH128"])
def test_composite_checksums_prove_too(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """They have no full-object form for parts; the composite of the parts' values is compared."""
    done = uploading.run(algorithm=ChecksumAlgorithm(name))

    assert done.proof == name.lower()


@pytest.mark.parametrize("algorithm", [ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C, ChecksumAlgorithm.SHA1])
def test_every_algorithm_works(strict: StrictS3, uploading: Uploading, algorithm: ChecksumAlgorithm) -> None:
    """The user's choice is used for parts and object."""
    assert uploading.run(algorithm=algorithm).proof == algorithm.value.lower()


def test_refusals_that_are_final_are_not_tried_again(strict: StrictS3, uploading: Uploading) -> None:
    """AccessDenied is asked once."""
    fail_parts(strict, 1)

    with pytest.raises(UploadFailed) as failure:
        uploading.run(concurrency=1)

    assert isinstance(failure.value.__cause__, Refused)
    assert strict.counts["UploadPart"] == 1


def test_a_key_that_is_no_utf8_is_a_plan_error(tmp_path: Path) -> None:
    """It is refused before anything is asked or noted."""
    (tmp_path / "file").write_bytes(b"x")
    store, nothing = SqliteStore(tmp_path / "state"), cast(MultipartBackend, None)
    try:
        with pytest.raises(PlanError, match="not valid UTF-8"):
            upload_file(
                tmp_path / "file",
                Target(bucket="b", key="no utf-8 \udcff"),
                EngineContext(backend=nothing, store=store),
            )
    finally:
        store.close()
