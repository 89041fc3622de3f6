"""Decide whether an object already has the bytes of a file, on a worker and by the rules of ``partway verify``."""

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
from ..source.identity import SourceIdentity
from ..upload.overwrite import is_head_denied
from ..workers.channel import WorkerContext
from ..workers.part_tasks import HashTask, hash_part

_HEAD_DENIED = "these credentials do not permit reading it (s3:GetObject)"
_ONLY_SIZE = "the service reports only its size"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotComparable:
    """The object cannot be compared with the file, so the file is sent.  reason: one of a few constants."""

    path: str
    target: str
    reason: str


def same_file(
    s3: RetryingBackend, target: Target, path: str, algorithm: ChecksumAlgorithm, worker: WorkerContext
) -> SourceIdentity | None:
    """The file's identity if the object has the same bytes; None if it has not, or if the file changed meanwhile.

    Raises:
        SourceError, RemoteError, UploadCancelled.
    """
    source = worker.identify_settled(path)
    is_equal = is_same(s3, target, path, source.size, algorithm, worker)
    return source if is_equal and worker.identify(path) == source else None


def is_same(
    s3: RetryingBackend,
    target: Target,
    path: str,
    size: int,
    algorithm: ChecksumAlgorithm,
    worker: WorkerContext,
    checksum: str | None = None,
) -> bool:
    """True when the object has the same bytes as the file.  False, with NotComparable, if that cannot be decided.

    Args:
        size: Bytes of the file.
        algorithm: The algorithm that objects are verified with; its checksum is requested first.
        checksum: Of the whole file in that algorithm, base64; None computes it when needed.

    Raises:
        SourceError, RemoteError, UploadCancelled.
    """
    try:
        facts = s3.head_object(target, algorithm)
        if facts.size != size:
            return False
        local = _Local(path, size, worker, {} if checksum is None else {algorithm: checksum})
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
        worker.emit(NotComparable(path=path, target=target.url, reason=_HEAD_DENIED))
        return False
    if verdict is Verdict.UNKNOWN:
        worker.emit(NotComparable(path=path, target=target.url, reason=_ONLY_SIZE))
    return verdict is Verdict.EQUAL


class _Local:
    """Checksums of the file, computed on demand.  known: those of the whole file."""

    def __init__(self, path: str, size: int, worker: WorkerContext, known: dict[ChecksumAlgorithm, str]) -> None:
        self.known = known
        self._path = path
        self._size = size
        self._worker = worker

    def hash_parts(self, sizes: Sequence[int], algorithm: ChecksumAlgorithm) -> list[str]:
        """Checksums of consecutive ranges of these sizes, computed sequentially."""
        tasks = (HashTask(path=self._path, spec=spec, algorithm=algorithm, md5=False) for spec in ranges(sizes))
        return [hash_part(task, self._worker).checksum for task in tasks]

    def whole(self, algorithm: ChecksumAlgorithm) -> str:
        """The checksum of the whole file."""
        if algorithm not in self.known:
            (self.known[algorithm],) = self.hash_parts((self._size,), algorithm)
        return self.known[algorithm]


def _by_one_answer(facts: ObjectFacts, algorithm: ChecksumAlgorithm, local: _Local) -> bool | None:
    """The decision from the first response; None when further requests are needed."""
    if facts.checksum is not None:
        if facts.checksum == local.known.get(algorithm):
            return True
        if algorithm is ChecksumAlgorithm.CRC64NVME and "-" not in facts.checksum:
            return facts.checksum == local.whole(algorithm)
    elif looks_like_md5(facts.etag) and is_same_etag(facts.etag, etag_of(local.whole(ChecksumAlgorithm.MD5))):
        return True
    return None
