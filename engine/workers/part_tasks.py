"""The tasks of workers: module-level functions of picklable values, so that any executor can run them."""

from collections.abc import Callable
from dataclasses import dataclass

from ..backend.protocol import MultipartBackend
from ..backend.responses import PartReceipt
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm, Digest
from ..flow.stall import StallGuard
from ..retry.backend import RetryingBackend
from ..retry.policy import RetryPolicy
from ..source.identity import SourceIdentity
from ..source.plan import PartSpec
from .channel import WorkerContext, null_context

_REPORT_EVERY = 0.1  # seconds between two reports of one part


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Progress of a part: ``sent`` of its ``size`` bytes have been sent."""

    number: int
    sent: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTask:
    """Send one part of the file at ``path``."""

    backend: MultipartBackend
    policy: RetryPolicy
    target: Target
    upload_id: str
    path: str
    spec: PartSpec
    algorithm: ChecksumAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPart:
    """S3's receipt for a part, and the base64 checksum of the bytes that were sent; the receipt's may be None.

    identities: of the file that was read, before its first and after its last byte.
    """

    receipt: PartReceipt
    checksum: str
    identities: tuple[SourceIdentity, ...]


def send_part(task: SendTask, worker: WorkerContext | None = None) -> SentPart:
    """Send the part, with retries under the policy.

    Raises:
        RemoteError, SourceError, UploadCancelled: the part was not sent.
    """
    worker = worker or null_context()
    with worker.open_part(task.path, task.spec, task.algorithm, reporter(task.spec, worker)) as body:
        before = body.identify()
        receipt = retrying(task.backend, task.policy, worker).upload_part(task.target, task.upload_id, body)
        return SentPart(receipt=receipt, checksum=body.checksum, identities=(before, body.identify()))


def retrying(backend: MultipartBackend, policy: RetryPolicy, worker: WorkerContext) -> RetryingBackend:
    """The backend with retries, which are emitted; a cancel ends the waits between attempts."""
    return RetryingBackend(
        backend,
        policy,
        sleep=worker.sleep,
        clock=worker.clock.monotonic,
        on_retry=worker.emit,
        breaker=worker.breaker,
    )


def reporter(spec: PartSpec, worker: WorkerContext) -> Callable[[int], None]:
    """A ``PartReader.on_read`` that limits the bandwidth, detects cancellation and stalls, and reports progress."""
    monotonic = worker.clock.monotonic
    guard = StallGuard(monotonic)
    next_report = 0.0
    before = 0

    def on_read(sent: int) -> None:
        nonlocal next_report, before
        worker.raise_if_cancelled()
        if worker.bandwidth is not None and sent > before:
            wait = worker.bandwidth.take(sent - before)
            worker.sleep(wait)
            guard.pause(wait)
        before = sent
        guard.check(sent)
        now = monotonic()
        if sent and (now >= next_report or sent == spec.size):
            next_report = now + _REPORT_EVERY
            worker.emit(Sent(number=spec.number, sent=sent, size=spec.size))

    return on_read


@dataclass(frozen=True, slots=True, kw_only=True)
class HashTask:
    """Compute the checksum of one part of the file at ``path``, and its MD5 if ``md5``."""

    path: str
    spec: PartSpec
    algorithm: ChecksumAlgorithm
    md5: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHash:
    """Base64 checksums of one part's bytes.

    number: the part's 1-based number.
    md5: None unless it was requested.
    identities: of the file that was read, before its first and after its last byte.
    """

    number: int
    checksum: str
    md5: str | None
    identities: tuple[SourceIdentity, ...]


def hash_part(task: HashTask, worker: WorkerContext | None = None) -> PartHash:
    """Read the part once and compute its checksums."""
    worker = worker or null_context()
    digests = [Digest(task.algorithm)] + ([Digest(ChecksumAlgorithm.MD5)] if task.md5 else [])
    with worker.open_part(task.path, task.spec, task.algorithm) as reader:
        before = reader.identify()
        for block in reader.blocks():
            worker.raise_if_cancelled()
            for digest in digests:
                digest.update(block)
        identities = (before, reader.identify())
    md5 = digests[1].value() if task.md5 else None
    return PartHash(number=task.spec.number, checksum=digests[0].value(), md5=md5, identities=identities)
