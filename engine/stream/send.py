"""Send the parts of a stream that earlier runs did not send, and complete it.  Runs in the caller's thread."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import assert_never

from partway.state.uploads import STREAM, PartRecord, UploadStatus

from ..checksums import ChecksumAlgorithm
from ..errors import (
    ChecksumUnsupported,
    Conflict,
    PartsRefused,
    Refused,
    RemoteError,
    UploadCancelled,
    UploadFailed,
    UploadVanished,
    is_resumable,
)
from ..events.upload import PartKept, StreamCompared, StreamDiffered, UploadDone, UploadStarted
from ..run.run import UploadRun
from ..upload.complete import complete
from ..upload.create import create
from ..upload.multipart import check_part_limit, is_listed, restart_multipart
from ..workers.outcome import TaskDone, TaskFailed
from ..workers.part_tasks import SentPart
from .earlier_parts import EarlierParts, earlier_parts
from .plan import StreamPlan
from .reader import StreamChunker
from .spool import Spool
from .tasks import KeptPart, PartOutcome, StreamedPart, StreamTask, UnsupportedPart, send_next

RUN_AGAIN = "run the producer again with the same command"
# A file's upload handles these by reading the bytes again; for a stream, only the next run can.
_FIXED_BY_NEXT_RUN = (ChecksumUnsupported, Conflict, PartsRefused, UploadVanished)
_UNSUPPORTED = 3  # how often the responses for one part may lack a checksum that other parts have


def load_earlier_parts(run: UploadRun) -> EarlierParts:
    """The parts of the stream that earlier runs sent.  Creates the multipart upload if there is none.

    Raises:
        RemoteError, UploadFailed, UploadCancelled, StateError.
    """
    before = earlier_parts((), ())
    if run.record.upload_id is not None:
        stored = run.store.parts(run.record.id)
        try:
            before = earlier_parts(stored, run.call(lambda s3: s3.list_parts(run.target, run.upload_id, run.algorithm)))
        except UploadVanished as error:
            restart_multipart(run, error)
        else:
            if list(before.confirmed) != stored:
                run.store.replace_parts(run.record.id, before.confirmed)
    if run.record.upload_id is None:
        try:
            create(run)
        except ChecksumUnsupported as error:
            run.fall_back(error)
            if run.record.upload_id is None:
                create(run)
    run.save(status=UploadStatus.OPEN, size=0)
    return before


def send_stream(
    run: UploadRun,
    plan: StreamPlan,
    chunker: StreamChunker,
    first: Spool,
    before: EarlierParts,
    *,
    expected: int | None,
) -> None:
    """Read the stream to its end, and send every part that S3 does not have.

    Args:
        first: The first part, which was already read.
        expected: The size in bytes that the user expects; only reported in events.

    Raises:
        UploadFailed: some parts could not be sent; its ``__cause__`` says why.
        RemoteError, SourceError, PlanError, UploadCancelled, StateError.
    """
    run.emit(
        UploadStarted(
            upload=run.record.id,
            source=STREAM,
            target=run.target.url,
            total_bytes=None,
            part_size=plan.part_size,
            part_count=None,
            resumed_bytes=0,
            resumed_parts=0,
            expected_bytes=expected,
            most_bytes=plan.max_bytes,
        )
    )
    if before.parts:
        run.emit(StreamCompared(upload=run.record.id, parts=before.parts, bytes=before.bytes))
    sending = _Sending(run, chunker, before)
    sending.again.append(first)
    try:
        sending.run()
    finally:
        if sending.differing:
            run.emit(StreamDiffered(upload=run.record.id, parts=sending.differing))


class _Sending:
    """The parts that are read in one run.

    again: parts that were already read and must be sent, or sent again.
    differing: the number of parts that an earlier run sent with different bytes.
    """

    def __init__(self, run: UploadRun, chunker: StreamChunker, before: EarlierParts) -> None:
        self.again: deque[Spool] = deque()
        self.differing = 0
        self._run = run
        self._chunker = chunker
        self._before = before
        self._min_size = before.end(chunker.plan)
        self._stored = {part.number: part for part in before.confirmed}
        self._failures: list[BaseException] = []
        self._unsupported: Counter[int] = Counter()
        self._supported = False

    def run(self) -> None:
        """Send all parts.  After a failure, nothing more is read, but parts in flight finish and are recorded."""
        for outcome in self._run.pool.stream(send_next, self._tasks(), stop_when=self._should_stop):
            match outcome:
                case TaskDone(result=part):
                    if part is not None:
                        self._handle(part)
                case TaskFailed(error=error):
                    if not isinstance(error, UploadCancelled):
                        self._fail(error)
        for spool in self.again:
            spool.close()
        if self._failures:
            check_part_limit(self._run, self._failures[0], None)
            _restart_if_lost(self._run, self._failures[0])
            raise _with_advice(self._failures[0])

    def _tasks(self) -> Iterator[StreamTask]:
        run, before = self._run, self._before
        while True:
            yield StreamTask(
                chunker=self._chunker,
                backend=run.backend,
                policy=run.settings.policy,
                target=run.target,
                upload_id=run.upload_id,
                algorithm=run.algorithm,
                unverified=before.unverified,
                md5=before.needs_md5,
                min_size=self._min_size,
                run=max(1, run.record.run - 1),
                spool=self.again.popleft() if self.again else None,
            )

    def _should_stop(self) -> bool:
        return bool(self._failures) or (self._chunker.ended and not self.again)

    def _fail(self, error: BaseException) -> None:
        self._failures.append(error)
        self._chunker.stop()

    def _handle(self, outcome: PartOutcome) -> None:
        match outcome:
            case KeptPart(spool=spool, part=part):
                self._keep(spool, part)
            case StreamedPart(spool=spool, sent=sent, replaces=replaces):
                self.differing += replaces
                self._save(spool, sent)
            case UnsupportedPart(spool=spool, reason=reason):
                self._resend(spool, reason)
            case _:
                assert_never(outcome)

    def _keep(self, spool: Spool, part: PartRecord) -> None:
        run = self._run
        spool.close()
        run.reached()
        if self._stored.get(spool.number) != part:
            run.store.save_parts(run.record.id, [part])
        run.emit(PartKept(upload=run.record.id, number=spool.number, size=spool.size))
        self._supported = True

    def _save(self, spool: Spool, sent: SentPart) -> None:
        run, receipt = self._run, sent.receipt
        run.reached()
        if receipt.checksum is None and run.settings.needs_checksum(run.algorithm):
            reason = f"the service did not answer with a {run.algorithm} checksum"
            self._resend(spool, ChecksumUnsupported(reason, operation="UploadPart"))
            return
        spool.close()
        self._supported = True
        run.count_sent(receipt.number, receipt.size)
        run.save_part(
            PartRecord(
                number=receipt.number,
                size=receipt.size,
                etag=receipt.etag,
                checksum=sent.checksum,
                run=run.record.run,
            )
        )

    def _resend(self, spool: Spool, reason: ChecksumUnsupported) -> None:
        """Send the part again from its spool, with an MD5 if the service appears to support nothing else."""
        run, number = self._run, spool.number
        self._unsupported[number] += 1
        self.again.append(spool)
        if run.algorithm is ChecksumAlgorithm.MD5 or (self._supported and self._unsupported[number] < _UNSUPPORTED):
            if self._unsupported[number] > _UNSUPPORTED:
                self._fail(reason)
            return
        try:
            run.fall_back(reason)
        except UploadFailed as error:
            self._fail(error)
            return
        if self._supported:
            # The receipts of earlier parts no longer prove anything.
            self._fail(reason)


def _with_advice(failure: BaseException) -> BaseException:
    """The failure with advice for the user."""
    if isinstance(failure, RemoteError):
        failed = UploadFailed(
            f"the stream could not be sent to its end: {failure}; {RUN_AGAIN}",
            resumable=is_resumable(failure) or isinstance(failure, _FIXED_BY_NEXT_RUN),
        )
        failed.__cause__ = failure
        return failed
    return failure


def _restart_if_lost(run: UploadRun, failure: BaseException) -> None:
    """Make the next run start over if S3 reports that the upload does not exist and does not list it.

    Otherwise, with a service that cannot list parts, every run would use the stored receipts and be refused again.
    """
    if isinstance(failure, UploadVanished) and not is_listed(run) and not _is_unfinished(run):
        restart_multipart(run, failure)


def _is_unfinished(run: UploadRun) -> bool:
    """True when S3 lists the upload among the unfinished uploads of its key."""
    uploads = run.call(lambda s3: s3.list_uploads(run.target)) or ()
    return any(upload.upload_id == run.upload_id for upload in uploads)


def complete_stream(run: UploadRun) -> UploadDone:
    """Complete the stream's upload and verify the object.

    Raises:
        UploadFailed: S3 requires parts again that cannot be read again; the next run sends them.
        RemoteError, ProofFailed, UploadCancelled, StateError.
    """
    try:
        return complete(run, again=False)
    except Conflict as error:
        run.forget_parts()
        raise _with_advice(error) from error
    except PartsRefused as error:
        # The receipts cannot be trusted: the next run compares the parts that S3 lists with the stream.
        run.store.replace_parts(run.record.id, ())
        raise _with_advice(error) from error
    except ChecksumUnsupported as error:
        run.fall_back(error)
        raise _with_advice(error) from error
    except UploadVanished as error:
        _restart_if_lost(run, error)
        raise _with_advice(error) from error
    except Refused as error:
        check_part_limit(run, error, len(run.store.parts(run.record.id)))
        raise
