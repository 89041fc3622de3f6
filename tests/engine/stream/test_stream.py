"""Streams: what is sent, what is kept when the stream is sent again, and what is rejected."""

import errno
import gc
import os
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import (
    AccessRefused,
    PartwayError,
    PlanError,
    SourceError,
    StateLocked,
    UploadCancelled,
    UploadFailed,
)
from partway.engine.events.upload import (
    PartDone,
    PartKept,
    StreamCompared,
    StreamDiffered,
    UploadDone,
    UploadRenewed,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.limits import MIB
from partway.engine.s3.backend import S3Backend
from partway.engine.stream.finish import finish_stream
from partway.engine.stream.settings import StreamSettings
from partway.engine.workers.channel import CancelToken, WorkerContext
from partway.state.uploads import UploadStatus
from tests.support.engine.stream_case import Streaming, pipe_of
from tests.support.engine.upload_case import PART, QUICK
from tests.support.s3_faults.faults import Answer, CallFunction, CloseConnection, Fault, Hang, Stage
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

# Parts 1 to 4 have PART bytes, 5 to 8 twice that: this is seven parts, and a bit.
SIZE = 4 * PART + 3 * 2 * PART + 10
DATA = Random(1).randbytes(SIZE)
PARTS = 8
LONG = 60.0  # seconds that a test waits for what should happen at once


@pytest.fixture
def streaming(backend: S3Backend, tmp_path: Path) -> Streaming:
    """The strict S3, and a directory for the parts in flight."""
    return Streaming(backend=backend, endpoint=backend.endpoint, folder=tmp_path)


def content(strict: StrictS3) -> bytes:
    """The object's bytes."""
    return strict.model.get_object("bucket", "key").body


def numbers(strict: StrictS3) -> list[int]:
    """The numbers of the parts that S3 accepted, in order."""
    return sorted(
        call.part_number or 0 for call in strict.calls if call.operation == "UploadPart" and call.status == 200
    )


def interrupt(strict: StrictS3, streaming: Streaming, data: bytes = DATA, *, after: int = 4) -> None:
    """A run that sends ``after`` parts, after which the others are refused."""
    no = Answer(status=403, code="AccessDenied")
    for number in range(after + 1, PARTS + 2):
        strict.faults.add(
            Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=number, times=None)
        )
    with pytest.raises(UploadFailed, match="run the producer again"):
        streaming.run(data)
    strict.faults.clear()
    assert numbers(strict) == list(range(1, after + 1))


def test_a_stream_goes_up_in_parts_and_is_proven(strict: StrictS3, streaming: Streaming) -> None:
    """Parts grow as planned, Complete has the size and checksum of the object, and HEAD confirms them."""
    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert (done.proof, done.bytes, done.sent_bytes) == ("crc64nvme", SIZE, SIZE)
    sizes = {event.number: event.size for event in streaming.of(PartDone)}
    assert [sizes[number] for number in sorted(sizes)] == [PART] * 4 + [2 * PART] * 3 + [10]
    assert strict.counts == {
        "CreateMultipartUpload": 1,
        "UploadPart": PARTS,
        "CompleteMultipartUpload": 1,
        "HeadObject": 1,
    }


def test_nobody_is_told_a_size_that_nobody_knows(streaming: Streaming) -> None:
    """Unknown values are None, and the expected size is marked as such."""
    streaming.run(DATA, StreamSettings(expected_size=SIZE))

    (started,) = streaming.of(UploadStarted)
    assert (started.total_bytes, started.part_count, started.expected_bytes) == (None, None, SIZE)


@pytest.mark.parametrize("size", [1, PART - 1])
def test_a_short_stream_is_one_put(strict: StrictS3, streaming: Streaming, size: int) -> None:
    """Like a small file, because its size is known by then."""
    done = streaming.run(DATA[:size])

    assert content(strict) == DATA[:size]
    assert (done.proof, streaming.of(UploadStarted)[0].total_bytes) == ("crc64nvme", size)
    assert strict.counts == {"PutObject": 1, "HeadObject": 1}


@pytest.mark.parametrize("size", [PART, PART + 1, 4 * PART, 4 * PART + 1, 6 * PART])
def test_an_end_at_a_border_makes_no_empty_part(strict: StrictS3, streaming: Streaming, size: int) -> None:
    """The sizes around the boundaries of parts."""
    streaming.run(DATA[:size])

    assert content(strict) == DATA[:size]
    assert all(event.size for event in streaming.of(PartDone))


def test_an_empty_stream_is_refused(strict: StrictS3, streaming: Streaming) -> None:
    """A producer that failed at once must not replace a good object with nothing."""
    strict.model.put_object("bucket", "key", b"good")

    with pytest.raises(UploadFailed, match="--allow-empty") as failure:
        streaming.run(b"")

    assert not failure.value.resumable
    assert content(strict) == b"good"
    assert streaming.store.uploads() == []


def test_an_empty_stream_is_an_empty_object_when_that_is_meant(strict: StrictS3, streaming: Streaming) -> None:
    """With --allow-empty."""
    streaming.run(b"", StreamSettings(allow_empty=True))

    assert content(strict) == b""


def test_the_same_stream_again_sends_only_the_rest(strict: StrictS3, streaming: Streaming) -> None:
    """Parts whose bytes S3 has are neither sent nor requested again."""
    interrupt(strict, streaming)

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert numbers(strict) == list(range(1, PARTS + 1))
    assert (done.resumed_bytes, done.sent_bytes) == (4 * PART, SIZE - 4 * PART)
    assert [(event.parts, event.bytes) for event in streaming.of(StreamCompared)] == [(4, 4 * PART)]
    assert sorted(event.number for event in streaming.of(PartKept)) == [1, 2, 3, 4]
    assert not streaming.of(StreamDiffered)


def test_a_stream_that_differs_is_sent_where_it_differs(strict: StrictS3, streaming: Streaming) -> None:
    """The object has the new bytes, and the number of differing parts is emitted once."""
    interrupt(strict, streaming)
    other = DATA[: PART + 5] + b"?" + DATA[PART + 6 : 3 * PART] + b"!" + DATA[3 * PART + 1 :]

    done = streaming.run(other)

    assert content(strict) == other
    assert numbers(strict) == [1, 2, 2, 3, 4, 4, 5, 6, 7, 8]
    assert [event.parts for event in streaming.of(StreamDiffered)] == [2]
    assert done.proof == "crc64nvme"


@pytest.mark.parametrize("size", [PART // 2, PART, 3 * PART, 4 * PART - 1])
def test_a_stream_that_ends_early_is_never_completed(strict: StrictS3, streaming: Streaming, size: int) -> None:
    """Neither the first nor the second time, and no sent part is replaced."""
    interrupt(strict, streaming)

    for _ in range(2):
        with pytest.raises(
            UploadFailed, match=f"ended after {size:,} bytes, but an earlier run sent {4 * PART:,}"
        ) as failure:
            streaming.run(DATA[:size])

        assert failure.value.resumable
    assert strict.counts["CompleteMultipartUpload"] == 0
    assert numbers(strict) == [1, 2, 3, 4]
    assert streaming.run(DATA).resumed_bytes == 4 * PART


def test_a_stream_that_is_empty_when_it_comes_again_loses_nothing(strict: StrictS3, streaming: Streaming) -> None:
    """Sent parts stay, and the producer can run again."""
    interrupt(strict, streaming)

    with pytest.raises(UploadFailed, match="run the producer again") as failure:
        streaming.run(b"")

    assert failure.value.resumable
    assert streaming.run(DATA).resumed_bytes == 4 * PART


def test_a_shorter_stream_is_taken_when_the_user_says_so(strict: StrictS3, streaming: Streaming) -> None:
    """--restart discards the earlier parts."""
    interrupt(strict, streaming)

    streaming.run(DATA[: 2 * PART + 1], restart=True)

    assert content(strict) == DATA[: 2 * PART + 1]
    assert strict.model.open_uploads == ()


def test_a_stream_that_became_longer_is_finished(strict: StrictS3, streaming: Streaming) -> None:
    """Its short last part is sent again in full."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=no))
    with pytest.raises(AccessRefused):
        streaming.run(DATA[: 2 * PART + 7])

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert numbers(strict) == [1, 2, 3, 3, 4, 5, 6, 7, 8]
    assert done.resumed_bytes == 2 * PART


def test_a_part_that_s3_lost_is_sent_again(strict: StrictS3, streaming: Streaming) -> None:
    """The server's list decides, not the store."""
    interrupt(strict, streaming)
    (info,) = strict.model.open_uploads
    del strict.model._uploads[info.upload_id].parts[2]

    streaming.run(DATA)

    assert content(strict) == DATA
    assert numbers(strict) == [1, 2, 2, 3, 4, 5, 6, 7, 8]


def test_a_part_that_only_s3_knows_is_kept(strict: StrictS3, streaming: Streaming) -> None:
    """A crash between the response and the record costs nothing if the stream has the same bytes."""
    interrupt(strict, streaming)
    (record,) = streaming.store.uploads()
    streaming.store.replace_parts(record.id, streaming.store.parts(record.id)[:1])

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert numbers(strict) == list(range(1, PARTS + 1))
    assert done.resumed_bytes == 4 * PART


def test_an_upload_that_s3_forgot_begins_anew(strict: StrictS3, streaming: Streaming) -> None:
    """Before the stream is read, this loses nothing."""
    interrupt(strict, streaming)
    (info,) = strict.model.open_uploads
    strict.model.expire_upload(info.upload_id)

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert (done.resumed_bytes, len(streaming.of(UploadRenewed))) == (0, 1)


def test_an_upload_that_s3_forgets_on_the_way_asks_for_the_producer(strict: StrictS3, streaming: Streaming) -> None:
    """Bytes that were read cannot be sent to a new upload; the next run sends them."""

    def forget() -> None:
        for info in strict.model.open_uploads:
            strict.model.expire_upload(info.upload_id)

    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=CallFunction(function=forget), part_number=5)
    )

    with pytest.raises(UploadFailed, match="run the producer again") as failure:
        streaming.run(DATA)

    assert failure.value.resumable
    streaming.run(DATA)
    assert content(strict) == DATA


def test_a_broken_connection_sends_the_part_again_from_its_spool(strict: StrictS3, streaming: Streaming) -> None:
    """A stream can be read only once, so parts in flight are kept until S3 has them."""
    strict.faults.add(
        *(
            Fault(operation="UploadPart", stage=Stage.HALF_BODY, action=CloseConnection(), part_number=number)
            for number in (1, 3, 8)
        )
    )

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert done.retries == 3


QUIRKS = {
    "no checksums": (Quirks(no_checksums=True), "etag"),
    "verified, never echoed": (Quirks(silent_checksums=True), "etag"),
    "no MD5s either": (Quirks(no_checksums=True, opaque_etags=True), "size"),
    "no ListParts": (Quirks(list_parts_unsupported=True), "crc64nvme"),
    "ListParts is a read": (Quirks(list_parts_ignored=True), "crc64nvme"),
    "no checksum on HEAD": (Quirks(checksum_missing_on_head=True), "crc64nvme"),
}


@pytest.mark.parametrize("name", QUIRKS)
def test_other_services_are_used_without_reading_twice(strict: StrictS3, streaming: Streaming, name: str) -> None:
    """A part that was sent with an unsupported checksum is sent again from its spool."""
    strict.model.quirks, proof = QUIRKS[name]

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert done.proof == proof


@pytest.mark.parametrize("name", QUIRKS)
def test_other_services_keep_what_was_sent(strict: StrictS3, streaming: Streaming, name: str) -> None:
    """Also if only the ETag identifies a part."""
    strict.model.quirks, _ = QUIRKS[name]
    no = Answer(status=403, code="AccessDenied")
    for number in range(5, PARTS + 1):
        strict.faults.add(
            Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=number, times=None)
        )
    with pytest.raises(UploadFailed):
        streaming.run(DATA)
    strict.faults.clear()

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert done.resumed_bytes == 4 * PART


def test_a_lost_upload_that_nothing_lists_begins_anew(strict: StrictS3, streaming: Streaming) -> None:
    """Unlisted receipts do not lead to the same refusal forever: the next run has none."""
    strict.model.quirks = Quirks(list_parts_unsupported=True)
    interrupt(strict, streaming)
    strict.model.expire_upload(strict.model.open_uploads[0].upload_id)
    with pytest.raises(UploadFailed, match="run the producer again"):
        streaming.run(DATA)

    done = streaming.run(DATA)

    assert content(strict) == DATA
    assert (done.resumed_bytes, len(streaming.of(UploadRenewed))) == (0, 1)


def test_an_upload_that_is_denied_and_still_listed_is_kept(strict: StrictS3, streaming: Streaming) -> None:
    """ListMultipartUploads shows the upload, so one refusal does not discard it."""
    strict.model.quirks = Quirks(list_parts_unsupported=True)
    no = Answer(status=404, code="NoSuchUpload")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=5))
    with pytest.raises(UploadFailed, match="run the producer again"):
        streaming.run(DATA)

    done = streaming.run(DATA)

    assert done.resumed_bytes >= 4 * PART
    assert streaming.of(UploadRenewed) == []


def test_the_checksum_that_was_asked_for_holds_for_the_next_run(strict: StrictS3, streaming: Streaming) -> None:
    """If the service does not support it, no other algorithm replaces it."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=5, times=None))
    with pytest.raises(UploadFailed):
        streaming.run(DATA, algorithm=ChecksumAlgorithm.SHA256)
    strict.faults.clear()
    strict.model.quirks = Quirks(silent_checksums=True)

    with pytest.raises(UploadFailed, match="omit --checksum-algorithm"):
        streaming.run(DATA)


@pytest.mark.parametrize("size", [10, SIZE])
def test_a_stream_that_reached_nobody_leaves_nothing(strict: StrictS3, streaming: Streaming, size: int) -> None:
    """S3 has nothing of it, so the next run starts a new upload, possibly with other options."""
    strict.refuse()

    with pytest.raises(PartwayError, match="connection refused"):
        streaming.run(DATA[:size], policy=replace(QUICK, first_contact=0.1))

    assert streaming.store.uploads() == []


def test_a_service_that_wants_equal_parts_gets_them(strict: StrictS3, streaming: Streaming) -> None:
    """With --equal-parts: a service that refuses growing parts does so at the end."""
    strict.model.quirks = Quirks(equal_parts_only=True)
    interrupt(strict, streaming, after=1)
    (record,) = streaming.store.uploads()
    streaming.run(DATA, StreamSettings(equal_parts=True))

    assert content(strict) == DATA
    assert record.part_size == PART


def test_a_lost_answer_to_complete_is_found_without_the_producer(strict: StrictS3, streaming: Streaming) -> None:
    """Every byte is on S3: `resume` can finish such a stream."""
    lose_complete(strict, streaming)
    (record,) = streaming.store.uploads()
    assert record.status is UploadStatus.COMPLETING

    done = finish_stream(record, streaming.context)

    assert isinstance(done, UploadDone)
    assert (done.bytes, done.proof) == (SIZE, "crc64nvme")
    assert streaming.store.uploads()[0].status is UploadStatus.COMPLETED


def test_complete_that_never_arrived_is_sent_without_the_producer(strict: StrictS3, streaming: Streaming) -> None:
    """The receipts are enough."""
    lose_complete(strict, streaming, Stage.AFTER_BODY)
    (record,) = streaming.store.uploads()

    finish_stream(record, streaming.context)

    assert content(strict) == DATA


def test_a_new_stream_is_sent_although_the_last_one_was_finished(strict: StrictS3, streaming: Streaming) -> None:
    """A nightly dump whose last Complete lost its response: tonight's dump is different, and must be sent."""
    lose_complete(strict, streaming)
    other = Random(2).randbytes(SIZE - 1)

    done = streaming.run(other)

    assert content(strict) == other
    assert done.sent_bytes == SIZE - 1
    assert [record.status for record in streaming.store.uploads()] == [UploadStatus.COMPLETED] * 2


def test_the_same_stream_is_not_sent_again_once_its_object_is_there(strict: StrictS3, streaming: Streaming) -> None:
    """The bytes are compared as they are read, and nothing is sent."""
    lose_complete(strict, streaming)
    before = strict.counts["UploadPart"]

    done = streaming.run(DATA)

    assert (strict.counts["UploadPart"], done.sent_bytes) == (before, 0)
    assert strict.counts["CompleteMultipartUpload"] == 1
    assert [record.status for record in streaming.store.uploads()] == [UploadStatus.COMPLETED]


@pytest.mark.parametrize(
    "other",
    [DATA[:-1] + b"?", DATA + b"more", DATA[: -PART // 2], DATA[:PART]],
    ids=["other bytes", "longer", "shorter", "one part"],
)
def test_a_stream_that_differs_later_is_sent_by_the_next_run(
    other: bytes, strict: StrictS3, streaming: Streaming
) -> None:
    """Bytes that were read cannot be sent; the new stream is not mistaken for the old one."""
    lose_complete(strict, streaming)
    with pytest.raises(UploadFailed, match="differs from it in part") as failure:
        streaming.run(other)
    streaming.run(other)

    assert failure.value.resumable
    assert content(strict) == other


def lose_complete(strict: StrictS3, streaming: Streaming, stage: Stage = Stage.AFTER_EFFECT) -> None:
    """A run whose Complete gets no response, and that ends like a killed process."""
    strict.faults.add(
        Fault(
            operation="CompleteMultipartUpload",
            stage=stage,
            action=(CallFunction(function=streaming.cancel.set), CloseConnection()),
        )
    )
    with pytest.raises(UploadCancelled):
        streaming.run(DATA)
    strict.faults.clear()
    streaming.cancel = CancelToken()


def test_a_cancel_is_heard_while_the_producer_is_silent(strict: StrictS3, streaming: Streaming) -> None:
    """Within a second, and sent parts are kept."""

    def stop_soon(event: object) -> None:
        if isinstance(event, PartDone) and event.number == 3:
            threading.Timer(0.2, streaming.cancel.set).start()

    streaming.on_event = stop_soon
    with pipe_of(DATA[: 3 * PART + 7], ends=False) as descriptor:
        began = time.monotonic()
        with pytest.raises(UploadCancelled):
            streaming.read(descriptor)
        seconds = time.monotonic() - began

    assert seconds < LONG
    (record,) = streaming.store.uploads()
    assert len(streaming.store.parts(record.id)) == 3


def test_a_failure_is_told_while_the_producer_is_silent(strict: StrictS3, streaming: Streaming) -> None:
    """A blocked read does not delay the failure."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=2))

    with pipe_of(DATA[: 3 * PART + 7], ends=False) as descriptor, pytest.raises(UploadFailed, match="AccessDenied"):
        streaming.read(descriptor)


def test_the_producer_waits_for_the_network(strict: StrictS3, streaming: Streaming) -> None:
    """With two parts in flight and one waiting, nothing more is read from the pipe."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=Hang(), times=None))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    wrote = 0

    def produce() -> None:
        nonlocal wrote
        while not streaming.cancel.is_set():
            try:
                wrote += os.write(writing, bytes(64 * 1024))
            except BlockingIOError:
                time.sleep(0.01)

    def stop() -> None:
        end = time.monotonic() + LONG
        while wrote < 3 * MIB and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(1.0)  # in which more would be taken
        streaming.cancel.set()

    producer = threading.Thread(target=produce)
    producer.start()
    threading.Thread(target=stop).start()
    with pytest.raises(UploadCancelled):
        streaming.read(reading, part_size=MIB)
    producer.join()
    os.close(reading)
    os.close(writing)

    # The pipe itself holds up to a MiB.
    assert 3 * MIB <= wrote <= 4 * MIB + 64 * 1024


def test_a_stream_beyond_the_last_part_is_refused_with_what_to_do(strict: StrictS3, streaming: Streaming) -> None:
    """S3 has no more part numbers; the parts are kept, and nothing is completed."""
    limits = streaming.settings.limits
    data = bytes(3 * PART + 1)

    with pytest.raises(PlanError, match="start over with --restart and a larger --expected-size"):
        streaming.run(data, StreamSettings(equal_parts=True), limits=type(limits)(min_part_size=PART, max_parts=3))

    assert strict.counts["CompleteMultipartUpload"] == 0
    assert streaming.run(data[:-1], StreamSettings(equal_parts=True)).bytes == 3 * PART


def test_a_stream_that_fills_the_last_part_is_finished(strict: StrictS3, streaming: Streaming) -> None:
    """The boundary of the rejection above."""
    limits = type(streaming.settings.limits)(min_part_size=PART, max_parts=3)

    done = streaming.run(bytes(3 * PART), StreamSettings(equal_parts=True), limits=limits)

    assert done.bytes == 3 * PART


def test_a_stream_larger_than_expected_goes_on(strict: StrictS3, streaming: Streaming) -> None:
    """The expected size is not a limit, as long as part numbers are left."""
    streaming.run(DATA, StreamSettings(expected_size=PART))

    assert content(strict) == DATA


def test_no_object_is_made_of_what_a_failed_producer_wrote(strict: StrictS3, streaming: Streaming) -> None:
    """Neither as parts nor as a whole; sent parts are kept for the next run."""

    def fail(worker: WorkerContext) -> None:
        raise UploadFailed("the producer failed", resumable=True)

    for data in (DATA[:10], DATA):
        with pytest.raises(UploadFailed, match="the producer failed"):
            streaming.run(data, StreamSettings(confirm=fail))

    assert strict.counts["PutObject"] + strict.counts["CompleteMultipartUpload"] == 0
    assert streaming.run(DATA, StreamSettings(confirm=lambda worker: None)).resumed_bytes == SIZE


def test_an_end_that_comes_with_a_cancel_is_no_end(
    strict: StrictS3, streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C also ends the producer of a pipe: its stream is neither empty nor complete."""

    def ready(descriptor: int) -> bool:
        streaming.cancel.set()
        return True

    monkeypatch.setattr("partway.engine.stream.reader._is_ready", ready)
    for data in (b"", DATA[:10]):
        streaming.cancel = CancelToken()
        with pytest.raises(UploadCancelled):
            streaming.run(data)

    assert strict.counts == {}


@pytest.mark.parametrize(("sent", "kind"), [(0, SourceError), (10, UploadFailed)])
def test_a_stream_that_breaks_is_not_at_its_end(
    strict: StrictS3, streaming: Streaming, monkeypatch: pytest.MonkeyPatch, sent: int, kind: type[Exception]
) -> None:
    """A bad block of a device: final before the first byte, resumable after it."""
    readv = os.readv
    blocks = [sent, -1]

    def broken(descriptor: int, buffers: list[memoryview]) -> int:
        if (size := blocks.pop(0) or blocks.pop(0)) < 0:
            raise OSError(errno.EIO, "Input/output error")
        return readv(descriptor, [buffers[0][:size]])

    monkeypatch.setattr("partway.engine.stream.reader.os.readv", broken)

    with pytest.raises(kind, match="Input/output error"):
        streaming.run(DATA)
    assert strict.counts == {}


def test_a_device_that_cannot_be_waited_for_is_read(
    strict: StrictS3, streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As macOS reports for a disk, but not for a closed descriptor."""

    class NoPoll:
        def register(self, descriptor: int, events: int) -> None:
            self.descriptor = descriptor

        def poll(self, timeout: float) -> list[tuple[int, int]]:
            return [(self.descriptor, select.POLLNVAL)]

    monkeypatch.setattr("partway.engine.stream.reader.select.poll", NoPoll)
    streaming.run(DATA)

    assert content(strict) == DATA
    with pytest.raises(SourceError, match="closed"):
        streaming.read(9999)


def test_a_stream_needs_no_paths_of_open_files(
    strict: StrictS3, streaming: Streaming, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without /proc, parts are in named files, which are removed at the end."""
    monkeypatch.setattr("partway.engine.stream.spool._OPEN_FILES", "/no/dev/fd")
    before = set(tmp_path.iterdir())

    streaming.run(DATA)
    assert content(strict) == DATA
    gc.collect()
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_takes_no_file_is_named(strict: StrictS3, streaming: Streaming, tmp_path: Path) -> None:
    """One message, resumable, with advice."""
    streaming.folder = tmp_path / "missing"

    with pytest.raises(UploadFailed, match="TMPDIR") as failure:
        streaming.run(DATA)

    assert failure.value.resumable


def test_an_object_that_exists_is_not_replaced_and_nothing_is_read(strict: StrictS3, streaming: Streaming) -> None:
    """With --no-overwrite, the producer's pipe is closed."""
    strict.model.put_object("bucket", "key", b"older")
    streaming.options = ObjectOptions(no_overwrite=True)

    with pipe_of(DATA) as descriptor:
        skipped = streaming.read(descriptor)

    assert isinstance(skipped, UploadSkipped)
    assert content(strict) == b"older"


def test_two_streams_to_one_target_do_not_meet(strict: StrictS3, streaming: Streaming) -> None:
    """The second one is rejected before it reads a byte."""

    def second(event: object) -> None:
        if isinstance(event, UploadStarted):
            streaming.on_event = lambda event: None
            with pytest.raises(StateLocked, match="already sending - to s3://bucket/key"):
                streaming.run(b"other")

    streaming.on_event = second
    streaming.run(DATA)

    assert content(strict) == DATA


@pytest.mark.parametrize("wish", [{"adopt": True}, {"executor": ThreadPoolExecutor(1)}], ids=["adopt", "executor"])
def test_what_a_stream_cannot_have_is_refused(streaming: Streaming, wish: dict[str, object]) -> None:
    """Before anything is read."""
    with pytest.raises(PlanError):
        streaming.run(DATA, None, **wish)


def test_what_cannot_be_read_is_said(streaming: Streaming, make_file: Callable[..., Path]) -> None:
    """A closed descriptor, and a write-only one."""
    path = make_file(1)
    descriptor = os.open(path, os.O_WRONLY)
    with pytest.raises(SourceError, match="the stream cannot be read"):
        streaming.read(descriptor)
    os.close(descriptor)

    with pytest.raises(SourceError, match="standard input is closed"):
        streaming.read(descriptor)


def test_a_file_can_be_the_stream(strict: StrictS3, streaming: Streaming, make_file: Callable[..., Path]) -> None:
    """``partway upload - < file``."""
    path = make_file(SIZE)
    descriptor = os.open(path, os.O_RDONLY)
    streaming.read(descriptor)
    os.close(descriptor)

    assert content(strict) == path.read_bytes()


def test_nothing_is_left_of_what_was_in_flight(strict: StrictS3, streaming: Streaming, tmp_path: Path) -> None:
    """Spools have no names, and none stays open after success or failure."""
    no = Answer(status=403, code="AccessDenied")
    streaming.run(DATA)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=6))
    with pytest.raises(UploadFailed):
        streaming.run(DATA)
    gc.collect()

    assert list(tmp_path.iterdir()) == []
    assert [link for link in open_files() if str(tmp_path) in link] == []


def open_files() -> list[str]:
    """The open files of this process."""
    found = []
    for name in os.listdir("/dev/fd"):  # noqa: PTH208
        with suppress(OSError):
            found.append(os.readlink(f"/dev/fd/{name}"))  # noqa: PTH115
    return found
