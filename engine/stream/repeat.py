"""Compare a stream with an existing object, whose upload was interrupted after it was completed."""

from collections.abc import Sequence

from partway.state.uploads import PartRecord

from ..errors import UploadFailed
from ..run.run import UploadRun
from .reader import StreamChunker
from .send import RUN_AGAIN
from .spool import Spool


def is_repeated(run: UploadRun, chunker: StreamChunker, first: Spool, parts: Sequence[PartRecord]) -> bool:
    """Read the stream and compare it with the parts of the object.

    Args:
        first: The first part of the stream, which was already read.

    Returns:
        True when the whole stream equals the object; False when the first part differs, so no part that must be sent
        was lost.

    Raises:
        UploadFailed: a later part differs.  The parts before it were discarded, so the producer must run again.
        SourceError, PlanError, UploadCancelled.
    """
    spool: Spool | None = first
    for part in parts:
        if spool is None or spool.size != part.size or spool.checksum_in(run.algorithm) != part.checksum:
            if part is parts[0]:
                return False
            raise _differs(spool, part.number)
        if part is not parts[0]:
            spool.close()
        spool = run.pool.run(lambda worker: chunker.read_part(run.algorithm, worker, md5=True))
    first.close()
    if spool is not None:
        raise _differs(spool, len(parts) + 1)
    return True


def _differs(spool: Spool | None, number: int) -> UploadFailed:
    if spool is not None:
        spool.close()
    return UploadFailed(
        f"an earlier run created the object, and the stream differs from it in part {number}; nothing was sent: "
        f"{RUN_AGAIN}, which sends all of it",
        resumable=True,
    )
