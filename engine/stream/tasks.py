"""The task of a worker for a stream: read the next part, and send it unless S3 has it.  Threads only, which share it.

Only the origin of a part differs from a file's upload: it is in a spool, which ``send_part`` sends like a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from partway.state.uploads import PartRecord

from ..backend.protocol import MultipartBackend
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import ChecksumUnsupported, UploadFailed
from ..resume.reconcile import UnverifiedPart, verify_part
from ..retry.policy import RetryPolicy
from ..workers.channel import WorkerContext
from ..workers.part_tasks import SendTask, SentPart, send_part
from .reader import StreamChunker
from .spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTask:
    """Send the next part of the stream.

    unverified: the parts that S3 may have, by part number.
    md5: True when the MD5 of the parts is needed to compare them.
    min_size: the size in bytes that earlier runs have sent; a shorter stream ended early.
    run: the run number to record for a part that the store did not know.
    spool: a part that was already read; None to read the next one.
    """

    chunker: StreamChunker
    backend: MultipartBackend
    policy: RetryPolicy
    target: Target
    upload_id: str
    algorithm: ChecksumAlgorithm
    unverified: Mapping[int, UnverifiedPart]
    md5: bool
    min_size: int
    run: int
    spool: Spool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPart:
    """S3 already had the part."""

    spool: Spool
    part: PartRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedPart:
    """The part was sent.  replaces: True when an earlier run sent different bytes as this part."""

    spool: Spool
    sent: SentPart
    replaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedPart:
    """The service does not support the checksum; the part must be sent with another."""

    spool: Spool
    reason: ChecksumUnsupported


# The outcome for one part.  The caller closes its spool.
PartOutcome = KeptPart | StreamedPart | UnsupportedPart


def send_next(task: StreamTask, worker: WorkerContext) -> PartOutcome | None:
    """Read a part and make sure that S3 has it; None at the end of the stream.

    Raises:
        RemoteError, SourceError, PlanError, UploadFailed, UploadCancelled: the part was not sent; its spool is closed.
    """
    spool = task.spool or task.chunker.read_part(task.algorithm, worker, md5=task.md5)
    if spool is None:
        return None
    try:
        if task.chunker.ended and task.chunker.total < task.min_size:
            # The stream ended early.  This part would replace a longer one, which would hide that from the next run.
            spool.close()
            return None
        earlier = task.unverified.get(spool.number)
        if earlier is not None and earlier.spec.size != spool.size:
            earlier = None
        if earlier is not None:
            checksum = spool.checksum_in(task.algorithm)
            md5 = spool.checksum_in(ChecksumAlgorithm.MD5)
            if checksum is not None and (part := verify_part(earlier, checksum=checksum, md5=md5, run=task.run)):
                return KeptPart(spool=spool, part=part)
        with task.chunker.sending(worker):
            sent = send_part(_send_task(task, spool), worker)
        if spool.checksum_in(task.algorithm) not in (None, sent.checksum):
            raise UploadFailed(
                f"the temporary file of part {spool.number} returned different bytes than were written; "
                "check this machine's disk and memory",
                resumable=True,
            )
        return StreamedPart(spool=spool, sent=sent, replaces=earlier is not None)
    except ChecksumUnsupported as error:
        return UnsupportedPart(spool=spool, reason=error)
    except BaseException:
        spool.close()
        raise


def _send_task(task: StreamTask, spool: Spool) -> SendTask:
    return SendTask(
        backend=task.backend,
        policy=task.policy,
        target=task.target,
        upload_id=task.upload_id,
        path=spool.path,
        spec=spool.spec,
        algorithm=task.algorithm,
    )
