"""Has the service the file already?  Asked by a worker for one file of a job, and judged as ``verify`` judges it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..backend.responses import ObjectFacts
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm, etag_of
from ..errors import CredentialsExpired, ObjectMissing, RemoteError
from ..proof.compare import Judge, Verdict
from ..proof.part_sizes import ranges
from ..proof.proof import is_same_etag
from ..resume.reconcile import looks_like_md5
from ..retry.backend import RetryingBackend
from ..source.identity import SourceIdentity, identify, identify_settled
from ..upload.overwrite import is_head_denied
from ..workers.channel import WorkerContext
from ..workers.part_tasks import HashTask, hash_part

_HIDDEN = "these credentials may not look at it (s3:GetObject)"
_NOTHING = "the service gives nothing but its size"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotComparable:
    """Whether the object is the file cannot be said, and so the file is sent.  reason: of few, the same for many."""

    path: str
    target: str
    reason: str


def same_file(
    s3: RetryingBackend, target: Target, path: str, algorithm: ChecksumAlgorithm, line: WorkerContext
) -> SourceIdentity | None:
    """The file, when the object has its bytes; None when it has not, or when the file changed meanwhile.

    Raises:
        SourceError, RemoteError, UploadCancelled.
    """
    source = identify_settled(path, sleep=line.sleep)
    is_equal = is_same(s3, target, path, source.size, algorithm, line)
    return source if is_equal and identify(path) == source else None


def is_same(
    s3: RetryingBackend,
    target: Target,
    path: str,
    size: int,
    algorithm: ChecksumAlgorithm,
    line: WorkerContext,
    checksum: str | None = None,
) -> bool:
    """True when the object has the file's bytes; where nobody can say, False, and the line is told.

    Args:
        size: Bytes of the file.
        algorithm: The one that objects are proven with, asked for first.
        checksum: Of the whole file in it; None: it is read when it matters.

    Raises:
        SourceError, RemoteError, UploadCancelled.
    """
    try:
        facts = s3.head_object(target, algorithm)
        if facts.size != size:
            return False
        local = _Local(path, size, line, {} if checksum is None else {algorithm: checksum})
        if (quick := _by_one_answer(facts, algorithm, local)) is not None:
            return quick
        found = s3.object_details(target)
        if found.size != size:
            return False
        verdict, _ = Judge(
            found=found,
            hash_parts=local.hash_parts,
            ask_part=lambda number: s3.object_part(target, number),
            ask_sizes=lambda: s3.part_sizes(target),
            known=local.known,
        ).verdict()
    except ObjectMissing:
        return False
    except RemoteError as error:
        if isinstance(error, CredentialsExpired) or not is_head_denied(error):
            raise
        line.emit(NotComparable(path=path, target=target.url, reason=_HIDDEN))
        return False
    if verdict is Verdict.UNKNOWN:
        line.emit(NotComparable(path=path, target=target.url, reason=_NOTHING))
    return verdict is Verdict.EQUAL


class _Local:
    """The file's bytes.  known: checksums of the whole file that were taken."""

    def __init__(self, path: str, size: int, line: WorkerContext, known: dict[ChecksumAlgorithm, str]) -> None:
        self.known = known
        self._path = path
        self._size = size
        self._line = line

    def hash_parts(self, sizes: Sequence[int], algorithm: ChecksumAlgorithm) -> list[str]:
        """Checksums of consecutive ranges, one after the other."""
        tasks = (HashTask(path=self._path, spec=spec, algorithm=algorithm, md5=False) for spec in ranges(sizes))
        return [hash_part(task, self._line).checksum for task in tasks]

    def whole(self, algorithm: ChecksumAlgorithm) -> str:
        """The checksum of the whole file."""
        if algorithm not in self.known:
            (self.known[algorithm],) = self.hash_parts((self._size,), algorithm)
        return self.known[algorithm]


def _by_one_answer(facts: ObjectFacts, algorithm: ChecksumAlgorithm, local: _Local) -> bool | None:
    """What the first answer decides; None when more has to be asked."""
    if facts.checksum is not None:
        if facts.checksum == local.known.get(algorithm):
            return True
        if algorithm is ChecksumAlgorithm.CRC64NVME and "-" not in facts.checksum:
            return facts.checksum == local.whole(algorithm)
    elif looks_like_md5(facts.etag) and is_same_etag(facts.etag, etag_of(local.whole(ChecksumAlgorithm.MD5))):
        return True
    return None
