"""What workers do for a stream: take its next part, and send it unless S3 has it.  Threads only: they share the stream.

Where the part comes from is the only difference to a file: its spool is a file, which ``send_part`` sends.
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
    """Send the stream's next part.

    unverified: what S3 may have, by part number.
    md5: True when the MD5 of the parts is needed to compare them.
    least: bytes that the stream has at least, if it is the one that earlier runs sent.
    run: to be noted for a part that only S3 knew.
    spool: a part that was read before; None: read the next one.
    """

    chunker: StreamChunker
    backend: MultipartBackend
    policy: RetryPolicy
    target: Target
    upload_id: str
    algorithm: ChecksumAlgorithm
    unverified: Mapping[int, UnverifiedPart]
    md5: bool
    least: int
    run: int
    spool: Spool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPart:
    """S3 had the part already."""

    spool: Spool
    part: PartRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedPart:
    """S3 has the part now.  replaces: True when an earlier run had sent other bytes as this part."""

    spool: Spool
    sent: SentPart
    replaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedPart:
    """The service does not know the checksum; the part has to be sent with another."""

    spool: Spool
    reason: ChecksumUnsupported


# What became of one part; its spool is for the caller to close.
PartOutcome = KeptPart | StreamedPart | UnsupportedPart


def send_next(task: StreamTask, line: WorkerContext) -> PartOutcome | None:
    """Take a part and see to it that S3 has it; None when the stream is over.

    Raises:
        RemoteError, SourceError, PlanError, UploadFailed, UploadCancelled: the part was not sent; its spool is closed.
    """
    spool = task.spool or task.chunker.read_part(task.algorithm, line, md5=task.md5)
    if spool is None:
        return None
    try:
        if task.chunker.ended and task.chunker.total < task.least:
            # The upload ends here.  The part would replace a longer one, and the next run could not tell any more.
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
        with task.chunker.sending(line):
            sent = send_part(_send_task(task, spool), line)
        if spool.checksum_in(task.algorithm) not in (None, sent.checksum):
            raise UploadFailed(
                f"the temporary file of part {spool.number} returned other bytes than were written; "
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
