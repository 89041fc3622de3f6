"""Finish a stream for which CompleteMultipartUpload was sent: S3 has all its bytes, so the producer is not needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from partway.state.uploads import STREAM, PartRecord, UploadRecord

from ..errors import ObjectExists, PlanError, UploadFailed, UploadVanished
from ..events.upload import UploadDone, UploadSkipped
from ..proof.proof import Proof
from ..run.announce import failures_emitted
from ..run.context import EngineContext
from ..run.record import ResumeInfo
from ..run.run import UploadRun
from ..run.settings import UploadSettings
from ..run.stored_options import target_of, with_sse_c_fingerprint
from ..source.identity import SourceIdentity
from ..upload.complete import complete, prove_completed_object
from ..upload.open import open_run
from ..upload.skip import skip_upload
from .earlier_parts import earlier_parts
from .plan import StreamPlan, plan_of_sent
from .send import RUN_AGAIN

# A stream has no file identity: only its bytes are compared.
STREAM_IDENTITY = SourceIdentity(path=STREAM, size=0, mtime_ns=0, ctime_ns=None, inode=0, device=0)


def finish_stream(record: UploadRecord, context: EngineContext) -> UploadDone | UploadSkipped:
    """Finish a stream whose status is COMPLETING, using only its stored receipts.

    Raises:
        UploadFailed: S3 no longer has all its parts; the producer must run again.
        StateLocked, RemoteError, ProofFailed, UploadCancelled, StateError.
    """
    with failures_emitted(context.sink, context.store, record.id) as about:
        target = with_sse_c_fingerprint(target_of(record), context.backend)
        planner = _SentPlanner(context.store.parts)
        with open_run(STREAM_IDENTITY, target, context, planner, info=ResumeInfo(), about=about) as opened:
            run = opened.run
            run.save()
            if (made := completed_by_earlier_run(run)) is not None:
                return run.finish(*made)
            parts = run.store.parts(run.record.id)
            listed = run.call(lambda s3: s3.list_parts(target, run.upload_id, run.algorithm))
            if len(earlier_parts(parts, listed).confirmed) < len(parts) or not parts:
                raise UploadFailed(f"S3 no longer has all parts of the stream; {RUN_AGAIN}", resumable=True)
            run.emit_started(parts)
            try:
                return complete(run, again=True)
            except ObjectExists as error:
                return skip_upload(run, error)


@dataclass(frozen=True, slots=True)
class _SentPlanner:
    """Plans a stream that was sent completely.  parts: returns the stored parts of the upload with an ID."""

    parts: Callable[[str], Sequence[PartRecord]]

    def plan(self, settings: UploadSettings) -> StreamPlan:
        raise PlanError("a stream cannot be started without its producer")

    def replan(self, record: UploadRecord, settings: UploadSettings) -> StreamPlan:
        sizes = [part.size for part in self.parts(record.id)]
        return plan_of_sent(record.part_size, sizes, limits=settings.limits)


def completed_by_earlier_run(run: UploadRun) -> tuple[Proof, str] | None:
    """The proof and the ETag of the object if the CompleteMultipartUpload of an earlier run took effect; else None.

    Sets ``run.plan`` to the plan of all parts that were sent.
    """
    parts = run.store.parts(run.record.id)
    run.plan = plan_of_sent(run.record.part_size, [part.size for part in parts], limits=run.settings.limits)
    if run.record.upload_id is None or not parts:
        return None
    try:
        listed = run.call(lambda s3: s3.list_parts(run.target, run.upload_id, run.algorithm))
    except UploadVanished:
        return prove_completed_object(run, parts, gone=True)
    if len(earlier_parts(parts, listed).confirmed) == len(parts):
        return None
    return prove_completed_object(run, parts, gone=not listed)
