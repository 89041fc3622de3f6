"""How to upload: what a caller may choose beyond the source and the target."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from ..checksums import ChecksumAlgorithm
from ..errors import PlanError
from ..flow.bandwidth import MIN_BANDWIDTH, TokenBucket, max_connections
from ..flow.concurrency import Concurrency
from ..limits import AWS, S3Limits
from ..retry.circuit_breaker import Nudge
from ..retry.policy import RetryPolicy
from ..workers.executor import Workers
from ..workers.runtime import SYSTEM, Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings:
    """How to upload; nothing here is about the object itself.

    part_size: bytes; None means chosen for the file.  An unfinished upload keeps the one it has.
    concurrency: parts in flight at the same time; None means as many as make it faster, up to 32.
    bandwidth: bytes a second over all workers; None does not limit them.  Not for workers of an executor.
    algorithm: the checksum to use or fail; None means CRC64NVME, or what the service supports instead.
    guess_content_type: True names the content type by the source's name, when the options name none.
    restart: True aborts an unfinished upload of the same source to the same target and starts over.
    adopt: True goes on with an unfinished upload of the key that only S3 knows.
    check_updated: False sends the file as it is at the start: it is no error when it grows or is touched meanwhile.
    verify_source: True reads the file once more before the object is made, and compares every part.
    executor: runs the parts; None means threads of this process.
    bucket: paces several uploads together, and is made for ``bandwidth``; None: this one alone.
    nudge: call it to have an endpoint that is away probed at once.
    """

    part_size: int | None = None
    concurrency: int | None = None
    bandwidth: int | None = None
    limits: S3Limits = AWS
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    algorithm: ChecksumAlgorithm | None = None
    guess_content_type: bool = True
    restart: bool = False
    adopt: bool = False
    check_updated: bool = True
    verify_source: bool = False
    executor: Executor | None = None
    bucket: TokenBucket | None = field(default=None, compare=False, repr=False)
    nudge: Nudge = field(default_factory=Nudge, compare=False, repr=False)


def check_settings(settings: UploadSettings) -> None:
    """Refuse settings that cannot be kept.

    Raises:
        PlanError: the bandwidth is too small for S3 to wait, or the workers are where nobody can count their bytes.
    """
    if settings.bandwidth is None:
        return
    if settings.executor is not None:
        raise PlanError("a bandwidth limit needs workers in this process: set bandwidth or executor, not both")
    if settings.bandwidth < MIN_BANDWIDTH:
        raise PlanError(f"a bandwidth of {settings.bandwidth:,} bytes a second is below {MIN_BANDWIDTH:,}")


def make_workers(settings: "UploadSettings", part_size: int, runtime: Runtime = SYSTEM) -> Workers:
    """Workers as the settings want them.  part_size: bytes of a usual part."""
    limit, monotonic = settings.bandwidth, runtime.clock.monotonic
    return Workers(
        Concurrency(
            settings.concurrency,
            part_size=part_size,
            max_limit=None if limit is None else max_connections(limit),
            clock=monotonic,
        ),
        bandwidth=None if limit is None else settings.bucket or TokenBucket(limit, monotonic),
        executor=settings.executor,
        nudge=settings.nudge,
        runtime=runtime,
    )
