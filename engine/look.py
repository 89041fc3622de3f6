"""Look at the object under the target's key, and compare it with what was sent."""

from collections.abc import Callable

from .backend import MultipartBackend, ObjectFacts, Target
from .checksum import ChecksumAlgorithm
from .errors import AccessRefused, CredentialsExpired, ObjectMissing, ProofFailed, RemoteError, Transient
from .pool import Line
from .proof import Proof
from .run import UploadRun

_SETTLE = 1.0  # seconds in which a service that is not consistent at once may become so


def is_hidden(error: RemoteError) -> bool:
    """True when nobody may look at the object with these credentials and this key: S3 answers HEAD with a bare 400 when
    the object is encrypted with another customer's key, or with none where one was named."""
    return isinstance(error, AccessRefused) or (error.operation == "HeadObject" and error.status == 400)


def exists(s3: MultipartBackend, target: Target, algorithm: ChecksumAlgorithm) -> bool:
    """True when the object exists; False also when it may not be looked at, since S3 decides at the end."""
    try:
        s3.head_object(target, algorithm)
    except ObjectMissing:
        return False
    except RemoteError as error:
        if isinstance(error, CredentialsExpired) or not is_hidden(error):
            raise
        return False
    return True


def is_taken(run: UploadRun) -> bool:
    """``exists``, for the target of a run."""
    return run.call(lambda s3: exists(s3, run.target, run.algorithm))


def look(run: UploadRun, otherwise: ObjectFacts) -> ObjectFacts:
    """What S3 says about the finished object; ``otherwise`` when these credentials may write and not read."""

    def ask(line: Line) -> ObjectFacts:
        s3 = run.retrying(line)
        try:
            return s3.head_object(run.target, run.algorithm)
        except ObjectMissing:
            # S3 said that the object is there: not yet everywhere, it seems.
            line.sleep(_SETTLE)
            return s3.head_object(run.target, run.algorithm)

    try:
        return run.ask(ask)
    except CredentialsExpired:
        raise
    except ObjectMissing as error:
        raise Transient(f"{error}; S3 took the object and does not show it yet", operation="HeadObject") from error
    except AccessRefused:
        return otherwise


def look_and_prove(
    run: UploadRun, prove: Callable[[ObjectFacts], Proof], otherwise: ObjectFacts
) -> tuple[Proof, ObjectFacts]:
    """Look at the finished object and compare it.

    Raises:
        ProofFailed: S3 said twice the same that is not the source.  Once may be an answer that was cut inside a
            number or a checksum, which no HTTP client notices.
    """
    facts = look(run, otherwise)
    try:
        return prove(facts), facts
    except ProofFailed:
        again = look(run, otherwise)
        if again == facts:
            raise
        return prove(again), again
