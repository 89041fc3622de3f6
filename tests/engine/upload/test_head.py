"""The look at the object that a write made: which version, how often, and what a refusal means."""

from collections.abc import Callable
from typing import cast

import pytest

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.responses import ObjectFacts
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import AccessRefused, CredentialsExpired, ObjectMissing, ProofFailed, Transient
from partway.engine.proof.proof import Proof
from partway.engine.upload.head import head_written
from partway.engine.workers.channel import WorkerContext

WRITTEN = ObjectFacts(size=3, etag="ours", checksum="sum", version="v2")
OTHER = ObjectFacts(size=3, etag="theirs", checksum="other", version="v3")


class Scripted:
    """Answers HeadObject with one fact or error after the other; ``asked`` has the version of each call."""

    def __init__(self, *answers: ObjectFacts | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str | None] = []
        self.slept: list[float] = []

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        self.asked.append(version)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def prove(facts: ObjectFacts) -> Proof:
    """The proof by the checksum."""
    if facts.checksum is None:
        return Proof.SIZE
    if facts.checksum != "sum":
        raise ProofFailed("another object")
    return Proof.CRC64NVME


def head(s3: Scripted, compare: Callable[[ObjectFacts], Proof] = prove) -> ObjectFacts:
    """What is found of the object that was written."""
    worker, backend = cast(WorkerContext, s3), cast(MultipartBackend, s3)
    return head_written(backend, Target(bucket="b", key="k"), ChecksumAlgorithm.CRC64NVME, compare, WRITTEN, worker)


def test_one_look_is_enough_for_a_proven_object() -> None:
    """One request."""
    s3 = Scripted(WRITTEN)

    assert head(s3) == WRITTEN
    assert s3.asked == [None]


def test_an_object_that_differs_is_looked_at_twice() -> None:
    """The first answer may be out of date."""
    old = ObjectFacts(size=3, etag="old", checksum="other", version=None)
    s3 = Scripted(old, WRITTEN)

    assert head(s3) == WRITTEN


def test_another_writers_version_is_passed_over() -> None:
    """In a bucket with versions, the one that the write made is asked for by its id."""
    s3 = Scripted(OTHER, WRITTEN)

    assert head(s3) == WRITTEN
    assert s3.asked == [None, "v2"]


@pytest.mark.parametrize("refusal", [ObjectMissing("gone"), AccessRefused("no versions")], ids=["gone", "refused"])
def test_a_version_that_cannot_be_seen_leaves_the_current_object(refusal: Exception) -> None:
    """That one is compared, and is another's."""
    s3 = Scripted(OTHER, refusal, OTHER, refusal)

    assert head(s3) == OTHER


def test_credentials_that_may_only_write_leave_the_writes_own_answer() -> None:
    """HEAD is refused, so what the write said stands."""
    assert head(Scripted(AccessRefused("no"))) == WRITTEN


def test_expired_credentials_are_no_refusal() -> None:
    """They can be refreshed, and then the object can be seen."""
    with pytest.raises(CredentialsExpired):
        head(Scripted(CredentialsExpired("expired")))


def test_an_object_that_does_not_show_yet_is_waited_for_once() -> None:
    """After the wait it is asked for by its version."""
    s3 = Scripted(ObjectMissing("not yet"), WRITTEN)

    assert head(s3) == WRITTEN
    assert s3.asked == [None, "v2"]
    assert s3.slept == [1.0]


def test_an_object_that_never_shows_can_be_tried_again() -> None:
    """S3 took it, so that it is missing is for a later run to see."""
    with pytest.raises(Transient):
        head(Scripted(ObjectMissing("not yet"), ObjectMissing("still not")))


def test_a_second_look_that_is_refused_takes_nothing_back() -> None:
    """What the first one said stands."""
    unproven = ObjectFacts(size=3, etag="x", checksum=None)

    assert head(Scripted(unproven, AccessRefused("no"))) == unproven
