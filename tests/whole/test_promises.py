"""Promises that only a mutant broke: each test fails for one small change that every other test let pass."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from partway.engine.backend.bucket import BucketUpload, BucketUploads, StoredParts
from partway.engine.backend.responses import ObjectFacts
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm, checksum
from partway.engine.errors import ProofFailed, Transient, UploadFailed
from partway.engine.flow.adaptive import AdaptiveLimit
from partway.engine.flow.concurrency import Concurrency
from partway.engine.job_records.recovery import recover_files
from partway.engine.maintenance.orphans import DAY, Orphans
from partway.engine.proof.proof import Proof, prove_written
from partway.engine.retry.backend import RetryingBackend
from partway.engine.retry.circuit_breaker import CircuitBreaker
from partway.engine.retry.policy import RetryPolicy
from partway.engine.run.context import EngineContext
from partway.engine.upload.head import head_written
from partway.engine.workers.channel import null_context
from partway.engine.workers.runtime import Runtime
from partway.state.errors import StateDamaged
from partway.state.files.locks import lock_path
from partway.state.jobs import FileStatus, JobRecord, JobStatus
from partway.state.memory.store import MemoryStore
from partway.state.uploads import PartRecord, UploadStatus
from tests.support.engine.records import UPLOAD
from tests.support.engine.set_clock import SetClock
from tests.support.engine.simulated_link import Link, Simulation
from tests.support.engine.strangers import stranger_writes
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import CallFunction, CloseConnection, Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.checksums import Algorithm, checksum_of
from tests.support.s3_model.values import StoredObject
from tests.support.s3_server.server import StrictS3

MIB = 1024 * 1024
CRC = ChecksumAlgorithm.CRC64NVME
TARGET = Target(bucket="bucket", key="key")


# --- complete.py


def test_a_strangers_object_costs_no_receipt(strict: StrictS3, uploading: Uploading) -> None:
    """What somebody wrote over our object right after Complete says nothing about our parts: they stay recorded."""
    stranger_writes(strict, b"another's", before="HeadObject")

    with pytest.raises(ProofFailed):
        uploading.run()

    (record,) = uploading.store.uploads()
    assert len(uploading.store.parts(record.id)) == 6


def test_parts_that_are_not_the_plans_are_no_finished_upload(strict: StrictS3, uploading: Uploading) -> None:
    """An object that equals the recorded parts is not the file while parts are missing from the record."""
    no = access_denied()
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=6))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    (record,) = uploading.store.uploads()
    uploading.store.save_upload(replace(record, status=UploadStatus.COMPLETING))
    assert record.upload_id is not None
    strict.model.abort_multipart_upload("bucket", "key", record.upload_id)
    strict.model.put_object("bucket", "key", uploading.path.read_bytes()[: 5 * PART])

    uploading.run()

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_a_store_that_lost_a_part_completes_nothing(strict: StrictS3, uploading: Uploading) -> None:
    """S3 would make an object of the others."""
    uploading.store = Forgetful()

    with pytest.raises(StateDamaged, match="are not those that were sent"):
        uploading.run()

    assert strict.counts["CompleteMultipartUpload"] == 0


def test_a_lost_complete_is_looked_for_twice(strict: StrictS3, uploading: Uploading) -> None:
    """The answer to Complete is lost, and the first look shows another object that may be ours or not: the second
    shows ours, so that nothing is sent again."""
    ours: list[StoredObject] = []

    def hide() -> None:
        content = Random(9).randbytes(5 * PART + 10)
        ours.append(strict.model.get_object("bucket", "key"))
        strict.model.put_object("bucket", "key", content, checksum=checksum_of(Algorithm.SHA256, content))

    def show() -> None:
        strict.model.replace_object(ours[0])

    strict.faults.add(
        Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=CloseConnection()),
        Fault(operation="HeadObject", stage=Stage.BEFORE_READ, action=CallFunction(function=hide)),
        Fault(operation="HeadObject", stage=Stage.BEFORE_READ, action=CallFunction(function=show), skip=1),
    )

    done = uploading.run()

    assert (strict.counts["UploadPart"], done.proof) == (6, "crc64nvme")


class Forgetful(MemoryStore):
    """Does not give back the last part of six."""

    def parts(self, id: str) -> list[PartRecord]:
        found = super().parts(id)
        return found[:-1] if len(found) == 6 else found


# --- look.py


def test_the_second_look_counts() -> None:
    """An answer that was not up to date yet is not the end: the second one proves the object."""
    older = ObjectFacts(size=1, etag="old", checksum=None)
    content = b"what was written"
    value = checksum(CRC, content)
    written = ObjectFacts(size=len(content), etag="new", checksum=value)
    part = PartRecord(number=1, size=len(content), etag="new", checksum=value, run=1)

    def prove(facts: ObjectFacts) -> Proof:
        return prove_written(facts, written, [part], algorithm=CRC, etags_agree=True)

    answers = iter((older, written))
    stale: Any = SimpleNamespace(head_object=lambda *_, **__: next(answers))
    found = head_written(stale, TARGET, CRC, prove, written, null_context())

    assert found == written
    assert prove(found).covers_object


# --- job_recovery.py

JOB = JobRecord(
    id="aaaaaaaa",
    status=JobStatus.OPEN,
    spec="{}",
    target="s3://bucket/",
    endpoint="",
    region=None,
    profile=None,
    created_at=100.0,
    updated_at=100.0,
)


@pytest.mark.parametrize(("ended", "known"), [(99.0, False), (100.0, True), (101.0, True)])
def test_after_a_restart_earlier_uploads_are_not_done_files(ended: float, known: bool) -> None:
    """A job that was started over has its ID still; what was completed before that does not count for it."""
    store = MemoryStore()
    store.jobs.save(JOB)
    store.save_upload(replace(UPLOAD, status=UploadStatus.COMPLETED, job=JOB.id, updated_at=ended, proof="crc64nvme"))

    recover_files(store, JOB, "bucket", keep_paths=False)

    rows = store.jobs.files(JOB.id, [UPLOAD.key])
    assert {key: row.status for key, row in rows.items()} == ({UPLOAD.key: FileStatus.DONE} if known else {})


# --- retry.py and breaker.py


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


POLICY = RetryPolicy(first_wait=4.0, max_wait=4.0, budget=60.0, first_contact=60.0)


def test_no_other_call_asks_while_one_waits(clock: Clock) -> None:
    """The wait that a call drew after it reached nobody holds for all calls of the run."""
    breaker = CircuitBreaker(clock)
    tries: list[float] = []

    def nobody(*_: object) -> None:
        tries.append(clock.now)
        raise Transient("nobody answers", unreachable=True)

    def call(sleep: Callable[[float], None]) -> None:
        inner: Any = SimpleNamespace(abort_upload=nobody)
        backend = RetryingBackend(inner, POLICY, sleep=sleep, clock=clock, breaker=breaker, random=lambda: 1.0)
        with pytest.raises((Transient, Stopped)):
            backend.abort_upload(TARGET, "U")

    def stop(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 103.9:
            raise Stopped

    def meanwhile(seconds: float) -> None:
        call(stop)
        raise Stopped

    call(meanwhile)

    # The first at once; the second not before the four seconds of the first are over.
    assert tries[0] == 100.0
    assert all(each >= 103.8 for each in tries[1:])


class Stopped(Exception):
    """The test has seen enough."""


@pytest.fixture
def clock() -> Clock:
    """Starts at 100 s."""
    return Clock()


def test_after_an_answer_the_waits_are_short_again(clock: Clock) -> None:
    """Others may have reached the endpoint between a failure and the wait for it: then nothing was asked in vain."""
    breaker = CircuitBreaker(clock)
    for _ in range(6):
        breaker.record_failure(breaker.acquire(clock.sleep), since=100.0)
    before = breaker.probes

    breaker.record_response()
    breaker.record_failure(False, since=100.0)

    assert (before, breaker.probes) == (6, 1)


# --- claims.py


def test_every_upload_has_its_own_lock() -> None:
    """Two uploads with one lock file could not run at the same time."""
    names = {lock_path(Path(), f"/source/{number}", "", "bucket", "key").name for number in range(5000)}

    assert len(names) == 5000


# --- adaptive.py


def test_a_link_that_becomes_faster_is_climbed_anew() -> None:
    """The rests between two trials are for a link that stays as it is."""

    def rate(now: float) -> float:
        return (40 if now < 60 else 1000) * MIB

    simulation = Simulation(Link(rate=rate, each=40 * MIB), 16 * MIB)
    places = Concurrency(None, part_size=16 * MIB, clock=simulation.clock)
    simulation.run(60, places)
    before = places.limit
    simulation.run(6, places)

    assert before <= 6
    assert places.limit >= 3 * before


def test_parts_of_an_upload_that_ended_do_not_count_as_on_their_way() -> None:
    """Both parts are sent and only answers are waited for: the link idles, whatever a cancelled upload had begun."""
    now = 0.0
    limit = AdaptiveLimit(part_size=16 * MIB, max_limit=32, clock=lambda: now)
    limit.sent(("cancelled", 1), MIB, 16 * MIB)
    limit.remove_upload("cancelled")
    limit.update(2, full=True)
    now = 0.05
    for number in (1, 2):
        limit.sent(("upload", number), 16 * MIB, 16 * MIB)
    now = 0.1
    limit.update(2, full=True)

    assert limit.limit == 8


# --- orphans.py


class Bucket:
    """Has one upload without parts, begun at 1000 s."""

    def bucket_uploads(self, bucket: str, prefix: str) -> BucketUploads:
        return BucketUploads(uploads=(BucketUpload(key="key", upload_id="U", initiated=1000.0),), now=None)

    def stored_parts(self, target: Target, upload_id: str) -> StoredParts | None:
        return StoredParts(count=0, bytes=0, last=None)


@pytest.mark.parametrize(("age", "kept"), [(DAY - 1, True), (DAY, False), (DAY + 1, False)])
def test_a_day_is_enough(age: float, kept: bool) -> None:
    """An upload is offered for removal when it is a day old, and not a second earlier."""
    nothing: Any = SimpleNamespace()
    orphans = Orphans(
        "bucket",
        "",
        "",
        context=EngineContext(backend=nothing, store=MemoryStore(), runtime=Runtime(clock=SetClock(now=1000.0 + age))),
        uploads=Bucket(),
    )
    (found,) = orphans.find()

    assert (found.kept is not None) == kept
