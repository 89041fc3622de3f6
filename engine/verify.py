"""Does an object equal a file?  Asks the service for what it has, and reads the file; nothing is downloaded.

S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html; which checksums are of the whole object,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .backend import ObjectDetails, Target
from .checksum import ChecksumAlgorithm, combine, etag_of
from .concurrency import LOCAL
from .errors import ObjectMissing, SourceChanged
from .plan import PartSpec, UploadPlan
from .pool import Cancel, WorkerPool
from .source import identify
from .work import HashTask, hash_part

_MD5 = re.compile(r"[0-9a-f]{32}")
_COMPOSITE = re.compile(r"(.*)-(\d+)")
# CRCs first: they are quick, and combine over parts that are read side by side.
_ORDER = (
    ChecksumAlgorithm.CRC64NVME,
    ChecksumAlgorithm.CRC32C,
    ChecksumAlgorithm.CRC32,
    ChecksumAlgorithm.SHA1,
    ChecksumAlgorithm.SHA256,
)
_PIECE = 64 * 1024 * 1024  # bytes of a file that one worker reads for a checksum that combines


class Verdict(StrEnum):
    """How the comparison ended.  UNKNOWN: the service tells nothing that could be compared but the size."""

    EQUAL = "equal"
    DIFFERENT = "different"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a file and an object compare.

    by: what that rests on, in words that begin with "crc64nvme" (or another checksum), "etag" or "size".
    size: bytes of the file.
    """

    path: str
    target: str
    verdict: Verdict
    by: str
    size: int


def compare(
    path: str,
    target: Target,
    details: Callable[[], ObjectDetails],
    *,
    cancel: Cancel | None = None,
    part_size: int | None = None,
) -> Comparison:
    """Compare the file with the object.

    Args:
        details: Asks the service; called once.
        part_size: Bytes of the parts that the object was made of, where the service does not say; None: unknown.

    Raises:
        SourceError: the file cannot be read, or changed meanwhile.
        RemoteError, UploadCancelled.
    """
    source = identify(path)

    def ended(verdict: Verdict, by: str) -> Comparison:
        return Comparison(path=source.path, target=target.url, verdict=verdict, by=by, size=source.size)

    try:
        found = details()
    except ObjectMissing:
        return ended(Verdict.MISSING, "no such object")
    if found.size != source.size:
        return ended(Verdict.DIFFERENT, f"size: the object has {found.size:,} bytes, the file {source.size:,}")
    with WorkerPool(LOCAL, cancel=cancel or Cancel(), hear=lambda _: None) as pool:
        verdict, by = _judge(pool, source.path, found, found.part_size or part_size)
    if identify(path) != source:
        raise SourceChanged(f"{source.path} changed while it was read; compare it again")
    return ended(verdict, by)


def _judge(pool: WorkerPool, path: str, found: ObjectDetails, part_size: int | None) -> tuple[Verdict, str]:
    checksums = dict(found.checksums)
    for algorithm in _ORDER:
        value = checksums.get(algorithm)
        if value is None:
            continue
        composite = _COMPOSITE.fullmatch(value)
        if composite is None:
            ours = _whole(pool, path, found.size, algorithm)
            return _verdict(ours == value), algorithm.value.lower()
        if part_size is not None and _fits(found.size, part_size, int(composite[2])):
            ours = combine(algorithm, _parts(pool, path, found.size, part_size, algorithm))
            return _verdict(ours == value), f"{algorithm.value.lower()} of {composite[2]} parts"
    if found.md5_etag and _MD5.fullmatch(found.etag):
        ours = etag_of(_whole(pool, path, found.size, ChecksumAlgorithm.MD5))
        return _verdict(ours == found.etag), "etag (the MD5 of the bytes)"
    parts = _COMPOSITE.fullmatch(found.etag)
    if found.md5_etag and parts and part_size is not None and _fits(found.size, part_size, int(parts[2])):
        ours = combine(ChecksumAlgorithm.MD5, _parts(pool, path, found.size, part_size, ChecksumAlgorithm.MD5))
        # Not every service makes it of MD5s, nor every client equal parts: another one proves nothing.
        if ours == found.etag:
            return Verdict.EQUAL, f"etag of {parts[2]} parts"
    return Verdict.UNKNOWN, "size; the service gives no checksum that can be compared"


def _verdict(equal: bool) -> Verdict:
    return Verdict.EQUAL if equal else Verdict.DIFFERENT


def _fits(size: int, part_size: int, count: int) -> bool:
    return part_size > 0 and UploadPlan(file_size=size, part_size=part_size).part_count == count


def _whole(pool: WorkerPool, path: str, size: int, algorithm: ChecksumAlgorithm) -> str:
    if algorithm.full_object:
        return combine(algorithm, _parts(pool, path, size, _PIECE, algorithm))
    ((checksum, _),) = _parts(pool, path, size, max(size, 1), algorithm)
    return checksum


def _parts(
    pool: WorkerPool, path: str, size: int, part_size: int, algorithm: ChecksumAlgorithm
) -> Sequence[tuple[str, int]]:
    """Checksum and size of each part, in order."""
    plan = UploadPlan(file_size=size, part_size=part_size)
    tasks = (HashTask(path=path, spec=spec, algorithm=algorithm, md5=False) for spec in plan.parts())
    found: dict[int, tuple[str, PartSpec]] = {}
    for outcome in pool.stream(hash_part, tasks, enough=lambda: False):
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        found[outcome.task.spec.number] = outcome.result.checksum, outcome.task.spec
    return [(checksum, spec.size) for _, (checksum, spec) in sorted(found.items())]
