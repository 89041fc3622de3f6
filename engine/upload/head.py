"""HEAD the object at the destination's key, and compare it with what was sent."""

from collections.abc import Callable

from ..backend.protocol import MultipartBackend
from ..backend.responses import ObjectFacts
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import AccessRefused, CredentialsExpired, ObjectMissing, ProofFailed, Transient
from ..proof.proof import Proof, is_written
from ..run.run import UploadRun
from ..workers.channel import WorkerContext

_SETTLE = 1.0  # seconds that an eventually consistent service gets to show the object


def verify_object(
    run: UploadRun, prove: Callable[[ObjectFacts], Proof], answer: ObjectFacts
) -> tuple[Proof, ObjectFacts]:
    """HEAD the object that a write created, and compare it; without ``settings.verify_object``, compare the response.

    answer: the response to the write.

    Raises:
        ProofFailed: two responses in a row show that the object is not the source.
    """
    if not run.settings.verify_object:
        return prove(answer), answer
    facts = run.call_on_worker(
        lambda worker: head_written(run.retrying(worker), run.target, run.algorithm, prove, answer, worker)
    )
    return prove(facts), facts


def head_written(
    s3: MultipartBackend,
    target: Target,
    algorithm: ChecksumAlgorithm,
    prove: Callable[[ObjectFacts], Proof],
    answer: ObjectFacts,
    worker: WorkerContext,
) -> ObjectFacts:
    """S3's response to HEAD for the object that a write created; the write's own ``answer`` when the credentials may
    write but not read.  Runs on a worker.

    A response that does not prove the object is requested again, as it may be stale.

    Raises:
        RemoteError: Transient when the object is not visible.
    """
    facts = _head(s3, target, algorithm, answer, worker)
    if facts is None:
        return answer
    if not _is_doubtful(prove, facts, answer):
        return facts
    # If the second HEAD is refused, the first response still counts.
    return _head(s3, target, algorithm, answer, worker) or facts


def _is_doubtful(prove: Callable[[ObjectFacts], Proof], facts: ObjectFacts, answer: ObjectFacts) -> bool:
    try:
        return not (prove(facts).covers_object or is_written(facts, answer))
    except ProofFailed:
        return True


def _head(
    s3: MultipartBackend, target: Target, algorithm: ChecksumAlgorithm, answer: ObjectFacts, worker: WorkerContext
) -> ObjectFacts | None:
    """The object, or the version of it that the write created; None when the credentials do not allow HEAD."""
    try:
        try:
            facts = s3.head_object(target, algorithm)
        except ObjectMissing:
            # S3 confirmed the write, but the object is apparently not visible everywhere yet.
            worker.sleep(_SETTLE)
            facts = s3.head_object(target, algorithm, version=answer.version)
    except CredentialsExpired:
        raise
    except AccessRefused:
        return None
    except ObjectMissing as error:
        raise Transient(f"{error}; S3 accepted the object but does not show it yet", operation="HeadObject") from error
    if facts.version is None or answer.version is None or facts.version == answer.version:
        return facts
    try:
        return s3.head_object(target, algorithm, version=answer.version)
    except CredentialsExpired:
        raise
    except (ObjectMissing, AccessRefused):
        # The version was removed or may not be read: compare the current one, which another client wrote.
        return facts
