"""Upload settings: what a caller may choose besides the source and the destination."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from ..checksums import ChecksumAlgorithm
from ..errors import PlanError
from ..flow.bandwidth import MIN_BANDWIDTH, TokenBucket
from ..flow.concurrency import Concurrency
from ..flow.pace import Limit, PaceKeeper
from ..flow.shared_slots import SharedSlots
from ..limits import AWS, S3Limits
from ..retry.circuit_breaker import Nudge
from ..retry.policy import RetryPolicy
from ..workers.executor import Workers
from ..workers.runtime import SYSTEM, Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings:
    """How to upload.  The properties of the object itself are in ObjectOptions.

    part_size: bytes; None chooses one for the file.  An unfinished upload keeps the size it was started with.
    concurrency: the maximum number of parts in flight; None adapts it to the throughput, up to 32.
    bandwidth: bytes per second over all workers, or a timetable; None means unlimited.  Not supported with an executor.
    algorithm: the required checksum algorithm; None means CRC64NVME, or what the service supports instead.
    guess_content_type: True derives the content type from the source's name, unless the options set one.
    restart: True aborts an unfinished upload of the same source to the same destination and starts over.
    adopt: True resumes an unfinished upload of the key that S3 has but the store does not know.
    check_updated: False sends the file as it was at the start: it may grow or be touched during the upload.
    verify_source: True reads the file again before completing the upload, and compares every part.
    verify_each: True asks for every object of a job after its write, even where S3's response has proven it.
    verify_object: False trusts the response to the write: no HEAD follows.
    require_checksum: False accepts a response that lacks the checksum of what was sent.
    multipart: True creates a multipart upload even for a source of one part.
    same_options: True starts over, instead of failing or keeping the options, when the unfinished upload was started
        with other options or another checksum algorithm.
    executor: runs the parts; None means threads of this process.
    bucket: a token bucket with ``bandwidth`` that several uploads share; None limits this upload alone.
    slots: for parts in flight, which several uploads share; None limits this upload alone.
    nudge: call it to probe an unreachable endpoint immediately.
    """

    part_size: int | None = None
    concurrency: int | None = None
    bandwidth: Limit = None
    limits: S3Limits = AWS
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    algorithm: ChecksumAlgorithm | None = None
    guess_content_type: bool = True
    restart: bool = False
    adopt: bool = False
    check_updated: bool = True
    verify_source: bool = False
    verify_each: bool = False
    verify_object: bool = True
    require_checksum: bool = True
    multipart: bool = False
    same_options: bool = False
    executor: Executor | None = None
    bucket: TokenBucket | None = field(default=None, compare=False, repr=False)
    slots: SharedSlots | None = field(default=None, compare=False, repr=False)
    nudge: Nudge = field(default_factory=Nudge, compare=False, repr=False)

    def needs_checksum(self, algorithm: ChecksumAlgorithm) -> bool:
        """True when the response to a write with a checksum in this algorithm must contain it, too."""
        return algorithm is not ChecksumAlgorithm.MD5 and self.require_checksum


def check_settings(settings: UploadSettings) -> None:
    """Reject settings that cannot be honored.

    Raises:
        PlanError: the bandwidth is so low that S3 would time out, or it cannot be limited because an executor is set.
    """
    if settings.bandwidth is None:
        return
    if settings.executor is not None:
        raise PlanError("a bandwidth limit needs workers in this process: set bandwidth or executor, not both")
    if isinstance(settings.bandwidth, int) and settings.bandwidth < MIN_BANDWIDTH:
        raise PlanError(f"a bandwidth of {settings.bandwidth:,} bytes per second is below {MIN_BANDWIDTH:,}")


def make_workers(settings: "UploadSettings", part_size: int, runtime: Runtime = SYSTEM) -> Workers:
    """Create workers according to the settings.  part_size: bytes of a typical part."""
    clock = runtime.clock
    concurrency = Concurrency(settings.concurrency, part_size=part_size, shared=settings.slots, clock=clock.monotonic)
    # What an executor sends elsewhere cannot be counted.
    pace = None
    if settings.executor is None:
        pace = PaceKeeper(settings.bandwidth, concurrency, shared=settings.bucket, clock=clock)
    return Workers(concurrency, pace=pace, executor=settings.executor, nudge=settings.nudge, runtime=runtime)
