"""Look at the object under the target's key, and compare it with what was sent."""

from collections.abc import Callable

from ..backend.protocol import MultipartBackend
from ..backend.responses import ObjectFacts
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import AccessRefused, CredentialsExpired, ObjectMissing, ProofFailed, Transient
from ..proof.proof import Proof, is_written
from ..run.run import UploadRun
from ..workers.channel import WorkerContext

_SETTLE = 1.0  # seconds in which a service that is not consistent at once may become so


def verify_object(
    run: UploadRun, prove: Callable[[ObjectFacts], Proof], answer: ObjectFacts
) -> tuple[Proof, ObjectFacts]:
    """Look at the object that a write made, and compare it.  ``answer``: the write's.

    Raises:
        ProofFailed: S3 said twice that the object is not the source.
    """
    facts = run.ask(lambda line: head_written(run.retrying(line), run.target, run.algorithm, prove, answer, line))
    return prove(facts), facts


def head_written(
    s3: MultipartBackend,
    target: Target,
    algorithm: ChecksumAlgorithm,
    prove: Callable[[ObjectFacts], Proof],
    answer: ObjectFacts,
    line: WorkerContext,
) -> ObjectFacts:
    """What S3 says about the object that a write made; the write's own ``answer`` when these credentials may write and
    not read.  On a worker.

    What does not prove the object is looked at twice: an answer may not be up to date yet.

    Raises:
        RemoteError; Transient also when the object does not show.
    """
    facts = _head(s3, target, algorithm, answer, line)
    if facts is None:
        return answer
    if not _is_doubtful(prove, facts, answer):
        return facts
    # A second look that is refused takes nothing back.
    return _head(s3, target, algorithm, answer, line) or facts


def _is_doubtful(prove: Callable[[ObjectFacts], Proof], facts: ObjectFacts, answer: ObjectFacts) -> bool:
    try:
        return not (prove(facts).covers_object or is_written(facts, answer))
    except ProofFailed:
        return True


def _head(
    s3: MultipartBackend, target: Target, algorithm: ChecksumAlgorithm, answer: ObjectFacts, line: WorkerContext
) -> ObjectFacts | None:
    """The object, or the version of it that the write made; None when these credentials may not look."""
    try:
        try:
            facts = s3.head_object(target, algorithm)
        except ObjectMissing:
            # S3 said that the object is there: not yet everywhere, it seems.
            line.sleep(_SETTLE)
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
        # Removed, or versions may not be looked at: the current one is compared, which somebody else wrote.
        return facts
