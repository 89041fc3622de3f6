"""A stream whose Complete was sent: its bytes are all on S3, so its end needs no producer."""

from dataclasses import replace

from partway.state.uploads import STREAM, UploadRecord

from ..errors import ObjectExists, UploadFailed, UploadVanished
from ..events.upload import UploadDone, UploadSkipped
from ..progress.upload_publisher import UploadPublisher
from ..proof.proof import Proof
from ..resume.lock import check_unfinished, claimed
from ..run.announce import failures_emitted
from ..run.context import EngineContext
from ..run.record import holder
from ..run.run import UploadRun
from ..run.stored_options import check_record, target_of, with_customer_key
from ..source.identity import SourceIdentity
from ..upload.complete import complete, proven_before
from ..upload.skip import skip_upload
from .earlier_parts import earlier_parts
from .plan import plan_of_sent
from .send import RUN_AGAIN


def finish_stream(record: UploadRecord, context: EngineContext) -> UploadDone | UploadSkipped:
    """Finish a stream whose status is COMPLETING, by its receipts alone.

    Raises:
        UploadFailed: S3 has not all of its parts any more; its producer has to run again.
        StateLocked, RemoteError, ProofFailed, UploadCancelled, StateError.
    """
    store, settings = context.store, context.settings
    with failures_emitted(context.sink, store, record.id):
        target = with_customer_key(target_of(record), context.backend)
        check_record(record, settings.limits)
        with claimed(store, STREAM, target), UploadPublisher(store.live, context.sink) as told:
            check_unfinished(store, record.id)
            parts = store.parts(record.id)
            run = UploadRun(
                source=SourceIdentity(path=STREAM, size=0, mtime_ns=0, ctime_ns=None, inode=0, device=0),
                target=target,
                plan=plan_of_sent(record.part_size, [part.size for part in parts]),
                record=replace(record, run=record.run + 1, holder=holder()),
                context=replace(context, sink=told),
                on_idle=told.on_idle,
            )
            with run.pool:
                run.save()
                told.begin(run.record.id)
                if (made := made_earlier(run)) is not None:
                    return run.finish(*made)
                listed = run.call(lambda s3: s3.list_parts(target, run.upload_id, run.algorithm))
                if len(earlier_parts(parts, listed).confirmed) < len(parts) or not parts:
                    raise UploadFailed(f"S3 has not all parts of the stream any more; {RUN_AGAIN}", resumable=True)
                run.announce_start(parts)
                try:
                    return complete(run, again=True)
                except ObjectExists as error:
                    return skip_upload(run, error)


def made_earlier(run: UploadRun) -> tuple[Proof, str] | None:
    """The proof and the ETag of the object when the Complete that an earlier run sent took effect; None when it did
    not.  ``run.plan`` is then that of all that was sent."""
    parts = run.store.parts(run.record.id)
    run.plan = plan_of_sent(run.record.part_size, [part.size for part in parts], limits=run.settings.limits)
    if run.record.upload_id is None or not parts:
        return None
    try:
        listed = run.call(lambda s3: s3.list_parts(run.target, run.upload_id, run.algorithm))
    except UploadVanished:
        return proven_before(run, parts, gone=True)
    if len(earlier_parts(parts, listed).confirmed) == len(parts):
        return None
    return proven_before(run, parts, gone=not listed)
