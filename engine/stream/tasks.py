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
from ..resume.reconcile import UnverifiedPart, settle
from ..retry.policy import RetryPolicy
from ..workers.channel import WorkerContext
from ..workers.part_tasks import SendTask, SentPart, send_part
from .reader import StreamChunker
from .spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTask:
    """Send the stream's next part.

    doubts: what S3 may have, by part number.
    md5: True when some claim rests on an ETag.
    least: bytes that the stream has at least, if it is the one that earlier runs sent.
    run: to be noted for a part that only S3 knew.
    spool: a part that was read before; None: read the next one.
    """

    cutter: StreamChunker
    backend: MultipartBackend
    policy: RetryPolicy
    target: Target
    upload_id: str
    algorithm: ChecksumAlgorithm
    doubts: Mapping[int, UnverifiedPart]
    md5: bool
    least: int
    run: int
    spool: Spool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedPart:
    """What became of one part; exactly one of the three is not None.  The spool is for the caller to close.

    kept: S3 had it already.
    sent: S3 has it now.
    unsupported: S3 does not know the checksum; the part has to be sent with another.
    differs: an earlier run sent other bytes, or fewer, as this part.
    """

    spool: Spool
    kept: PartRecord | None = None
    sent: SentPart | None = None
    unsupported: ChecksumUnsupported | None = None
    differs: bool = False


def send_next(task: StreamTask, line: WorkerContext) -> StreamedPart | None:
    """Take a part and see to it that S3 has it; None when the stream is over.

    Raises:
        RemoteError, SourceError, PlanError, UploadFailed, UploadCancelled: the part was not sent; its spool is closed.
    """
    spool = task.spool or task.cutter.next(task.algorithm, line, md5=task.md5)
    if spool is None:
        return None
    try:
        if task.cutter.ended and task.cutter.total < task.least:
            # The upload ends here.  The part would replace a longer one, and the next run could not tell any more.
            spool.close()
            return None
        doubt = task.doubts.get(spool.number)
        if doubt is not None and doubt.spec.size == spool.size:
            checksum = spool.checksum_in(task.algorithm)
            md5 = spool.checksum_in(ChecksumAlgorithm.MD5)
            if checksum is not None and (part := settle(doubt, checksum=checksum, md5=md5, run=task.run)):
                return StreamedPart(spool=spool, kept=part)
        with task.cutter.sending(line):
            sent = send_part(_send_task(task, spool), line)
        if spool.checksum_in(task.algorithm) not in (None, sent.checksum):
            raise UploadFailed(
                f"the temporary file of part {spool.number} gave back other bytes than were written; this machine's "
                "disk or memory is not to be trusted",
                resumable=True,
            )
        differs = doubt is not None and doubt.spec.size == spool.size
        return StreamedPart(spool=spool, sent=sent, differs=differs)
    except ChecksumUnsupported as error:
        return StreamedPart(spool=spool, unsupported=error)
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
