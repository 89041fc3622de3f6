"""Verify that an object equals a file: compare the service's checksums with the file.  Nothing is downloaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..backend.protocol import MultipartBackend
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import ObjectMissing, SourceChanged
from ..flow.concurrency import LOCAL
from ..proof.compare import Judge, Verdict
from ..proof.part_sizes import ranges
from ..retry.policy import RetryPolicy
from ..source.identity import identify
from ..workers.channel import CancelToken
from ..workers.part_tasks import HashTask, hash_part, retrying
from ..workers.pool import WorkerPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The result of comparing a file with an object.

    by: the method and reason; starts with "crc64nvme" (or another checksum), "etag" or "size".
    size: of the file, in bytes.
    """

    path: str
    target: str
    verdict: Verdict
    by: str
    size: int


def compare(
    path: str,
    target: Target,
    backend: MultipartBackend,
    *,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    cancel: CancelToken | None = None,
    part_sizes: Sequence[int] = (),
) -> Comparison:
    """Compare the file with the object.

    Args:
        part_sizes: Possible part sizes of the object in bytes, tried when the service does not report them.

    Raises:
        SourceError: the file cannot be read, or changed meanwhile.
        RemoteError, UploadCancelled.
    """
    source = identify(path)

    def ended(verdict: Verdict, by: str) -> Comparison:
        return Comparison(path=source.path, target=target.url, verdict=verdict, by=by, size=source.size)

    with WorkerPool(LOCAL, cancel=cancel or CancelToken(), on_message=lambda _: None) as pool:
        try:
            found = pool.run(lambda worker: retrying(backend, policy, worker).object_details(target))
        except ObjectMissing:
            return ended(Verdict.MISSING, "no such object")
        if found.size != source.size:
            return ended(Verdict.DIFFERENT, f"size: the object has {found.size:,} bytes, the file {source.size:,}")
        verdict, by = Judge(
            found=found,
            hash_parts=lambda sizes, algorithm: _hash_parts(pool, source.path, sizes, algorithm),
            ask_part=lambda number: pool.run(
                lambda worker: retrying(backend, policy, worker).object_part(target, number)
            ),
            ask_sizes=lambda: pool.run(lambda worker: retrying(backend, policy, worker).part_sizes(target)),
            hints=part_sizes,
        ).verdict()
    if identify(path) != source:
        raise SourceChanged(f"{source.path} changed while it was read; compare it again")
    return ended(verdict, by)


def _hash_parts(pool: WorkerPool, path: str, sizes: Sequence[int], algorithm: ChecksumAlgorithm) -> list[str]:
    """Checksums of consecutive ranges of the file, in order; the ranges are read in parallel."""
    tasks = (HashTask(path=path, spec=spec, algorithm=algorithm, md5=False) for spec in ranges(sizes))
    found: dict[int, str] = {}
    for outcome in pool.stream(hash_part, tasks, stop_when=lambda: False):
        found[outcome.task.spec.number] = outcome.get().checksum
    return [found[number] for number in sorted(found)]
