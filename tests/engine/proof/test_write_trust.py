"""Which responses to PutObject prove the object by themselves."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.responses import ObjectFacts
from partway.engine.events.upload import FileDone
from partway.engine.proof.write_trust import WriteTrust
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from tests.support.engine.job_case import Job, files, objects
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

ELSEWHERE = "https://s3.example.com"
COUNT = 150
ANSWER = ObjectFacts(size=1, etag="e", checksum="c")


@pytest.fixture
def job(tmp_path: Path, backend: S3Backend) -> Job:
    """A job of many small files."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(COUNT):
        (root / str(number)).write_bytes(os.urandom(100))
    spec = JobSpec(sources=(str(root),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)
    return Job(spec=spec, backend=backend)


def proven(trust: WriteTrust, times: int) -> int:
    """How many of so many right responses prove their object."""
    return sum(trust.is_proof(ANSWER, "c") for _ in range(times))


@pytest.mark.parametrize("endpoint", ["", "https://s3.eu-central-1.amazonaws.com"])
def test_a_response_of_aws_is_proof(endpoint: str) -> None:
    assert proven(WriteTrust(endpoint, always_ask=False), 1000) == 1000


@pytest.mark.parametrize("checksum", [None, "other"])
def test_a_response_without_the_checksum_of_the_file_is_none(checksum: str | None) -> None:
    assert not WriteTrust("", always_ask=False).is_proof(replace(ANSWER, checksum=checksum), "c")


def test_another_service_is_compared_ten_times_and_then_once_in_a_hundred() -> None:
    trust = WriteTrust(ELSEWHERE, always_ask=False)
    for _ in range(10):
        assert not trust.is_proof(ANSWER, "c")
        trust.compare(ANSWER, replace(ANSWER, etag="other"))

    assert proven(trust, 1000) == 990


@pytest.mark.parametrize(
    "found", [replace(ANSWER, checksum=None), replace(ANSWER, checksum="other"), replace(ANSWER, size=2)]
)
def test_one_difference_ends_the_trust(found: ObjectFacts) -> None:
    trust = WriteTrust(ELSEWHERE, always_ask=False)
    for _ in range(20):
        trust.compare(ANSWER, ANSWER)
    trust.compare(ANSWER, found)

    assert proven(trust, 1000) == 0


@pytest.mark.parametrize("endpoint", ["", ELSEWHERE])
def test_verify_each_always_asks(endpoint: str) -> None:
    trust = WriteTrust(endpoint, always_ask=True)
    for _ in range(20):
        trust.compare(ANSWER, ANSWER)

    assert proven(trust, 1000) == 0


def test_most_small_files_need_no_head(job: Job, strict: StrictS3) -> None:
    """Two slots, so at most one more response is compared than the first ten, and one of the next hundred."""
    job.run()

    assert objects(strict) == files(Path(job.spec.sources[0]))
    assert {event.proof for event in job.of(FileDone)} == {"crc64nvme"}
    assert 11 <= strict.counts["HeadObject"] <= 13


def test_with_verify_each_every_small_file_gets_one(job: Job, strict: StrictS3) -> None:
    job.run(verify_each=True)

    assert strict.counts["HeadObject"] == strict.counts["PutObject"] == COUNT


def test_a_service_whose_head_has_no_checksum_is_asked_for_every_object(job: Job, strict: StrictS3) -> None:
    strict.model.quirks = Quirks(checksum_missing_on_head=True)
    job.run()

    assert strict.counts["HeadObject"] == COUNT


def test_a_service_that_stores_something_else_is_asked_for_all_that_follow(job: Job, strict: StrictS3) -> None:
    """It answers as S3 does, and objects that are looked at turn out to be empty; those are sent again."""

    def empty_all() -> None:
        for stored in list(strict.model.objects.values()):
            strict.model.put_object(stored.bucket, stored.key, b"")

    action = CallFunction(function=empty_all)
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.BEFORE_READ, action=action, skip=5, times=2))
    for number in range(COUNT, 3 * COUNT):
        Path(job.spec.sources[0], str(number)).write_bytes(os.urandom(100))
    done = job.run()

    assert done.failed == 0
    # Without a difference, about fifteen of them.
    assert strict.counts["HeadObject"] > COUNT
