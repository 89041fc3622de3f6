"""The way in: upload a file, or finish an unfinished upload.  (To give one up: engine/upload/abort.py.)

The steps are drawn in docs/architecture.md.  Everything here runs in the caller's thread; parts run on workers.
"""

import os
from dataclasses import replace

from partway.state.uploads import UploadRecord

from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import ObjectExists, SourceChanged, SourceError
from ..events.upload import OverwriteNotExcluded, UploadDone, UploadSkipped
from ..progress.upload_publisher import UploadPublisher
from ..resume.adopt import adopt_orphan
from ..resume.lock import check_unfinished, claimed
from ..resume.same_file import under_stored_path
from ..run.announce import failures_emitted
from ..run.context import EngineContext
from ..run.record import default_algorithm, holder, new_record
from ..run.run import UploadRun
from ..run.settings import UploadSettings, check_settings
from ..run.stored_options import (
    check_algorithm,
    check_key,
    check_record,
    options_at_create,
    target_of,
    with_content_type,
    with_customer_key,
)
from ..source.identity import identify
from ..source.plan import plan_upload, replan
from ..workers.channel import Lane
from .abort import give_up
from .multipart import send_multipart
from .overwrite import needs_look
from .put_object import put_whole
from .skip import check_key_free, skip_upload
from .superseded import remove_superseded


def upload_file(
    path: str | os.PathLike[str],
    target: Target,
    context: EngineContext,
    *,
    region: str | None = None,
    profile: str | None = None,
    job: str | None = None,
    lane: Lane | None = None,
) -> UploadDone | UploadSkipped:
    """Upload one file and prove that the object equals it; an unfinished upload of the same file is finished.

    After an error, finished parts stay on S3 and in the store, and calling again goes on from there.

    Args:
        path: The file; made absolute, links are not resolved.
        target: Where it goes.  Options that are set and differ from those of the unfinished upload are refused.
        region, profile: Noted in the store, so that the upload can be resumed without naming them again.
        job: The job that the upload belongs to; None when it is none's.
        lane: Given by who runs several side by side; None when the upload is alone.

    Returns:
        UploadDone, or UploadSkipped when the key is taken and ``no_overwrite`` is set.

    Raises:
        SourceError: the file cannot be read; SourceChanged: it changed while it was sent.
        PlanError: the part size, the settings or the options are not possible.
        StateLocked: another process is sending this file to this target.
        UploadFailed: parts could not be sent; its cause says why.
        RemoteError: the service refused, or could not be reached.
        ProofFailed: the object is there and is not the file.
        UploadCancelled, StateError.
    """
    return _upload(path, target, context, region=region, profile=profile, job=job, lane=lane)


def _upload(
    path: str | os.PathLike[str],
    target: Target,
    context: EngineContext,
    *,
    region: str | None,
    profile: str | None,
    id: str = "",
    job: str | None = None,
    lane: Lane | None = None,
) -> UploadDone | UploadSkipped:
    store, settings = context.store, context.settings
    with failures_emitted(context.sink, store, id) as known:
        check_settings(settings)
        source = identify(path)
        check_key(target, settings.limits)
        target = with_customer_key(target, context.backend)
        source = under_stored_path(store, source, target)
        with claimed(store, source.path, target), UploadPublisher(store.live, context.sink) as told:
            if id:
                check_unfinished(store, id)
            record = store.unfinished(source.path, target.endpoint, target.bucket, target.key)
            fresh, before = record is None or settings.restart, record
            if record is None or settings.restart:
                if settings.guess_content_type:
                    target = replace(target, options=with_content_type(target.options, source.path))
                plan = plan_upload(source.size, part_size=settings.part_size, limits=settings.limits)
                algorithm = settings.algorithm or default_algorithm(store, target.endpoint, context.clock.time())
                now = context.clock.time()
                record = new_record(source, target, plan.part_size, algorithm, region, profile, now, job)
                record = replace(record, wanted_algorithm=settings.algorithm)
            else:
                check_record(record, settings.limits)
                plan = replan(source.size, record.part_size, limits=settings.limits)
                settings = with_stored_wish(settings, record)
                check_algorithm(record, settings.algorithm)
                target = replace(target, options=options_at_create(record, target.options))
                record = replace(record, run=record.run + 1, holder=holder(), wanted_algorithm=settings.algorithm)
            run = UploadRun(
                source=source,
                target=target,
                plan=plan,
                record=record,
                context=replace(context, settings=settings, sink=told),
                on_idle=told.on_idle,
                lane=lane,
            )
            with run.pool:
                try:
                    if before is not None:
                        known(before)
                    check_key_free(run, before if fresh else None)
                    run.settle_source()
                    if fresh and before is not None:
                        # Last of all: what cannot be planned, read or written must not cost the parts that are there.
                        give_up(before, run.context, lane)
                        known(replace(before, id=""))
                    if fresh:
                        run.save_source()
                    else:
                        run.save()
                    known(record)
                    told.begin(record.id)
                    if needs_look(target) and job is None:
                        run.emit(OverwriteNotExcluded(upload=record.id))
                    whole = plan.part_count == 1 and plan.file_size <= settings.limits.max_put_size
                    if not whole and (fresh or settings.adopt):
                        adopt_orphan(run)
                        known(run.record)
                        told.begin(run.record.id)
                    done = put_whole(run) if whole and run.record.upload_id is None else send_multipart(run)
                except ObjectExists as error:
                    return skip_upload(run, error)
                except SourceError as error:
                    # The file was there when the run began: with parts on S3, to bring it back is enough.
                    if isinstance(error, SourceChanged) or run.record.upload_id is None:
                        raise
                    raise SourceChanged(f"{error}; bring the file back and run again") from error
                remove_superseded(run, done)
                return done


def resume_upload(record: UploadRecord, context: EngineContext) -> UploadDone | UploadSkipped:
    """Finish a stored upload; everything but the credentials is in its record.  Otherwise as ``upload_file``.

    Not for a stream: see engine/stream/finish.py.
    """
    return _upload(
        record.source, target_of(record), context, region=record.region, profile=record.profile, id=record.id
    )


def with_stored_wish(settings: UploadSettings, record: UploadRecord) -> UploadSettings:
    """The settings with the checksum algorithm that the user asked for when the upload began, unless another is named
    now: where the service does not know it, no other takes its place silently."""
    if settings.algorithm is not None or record.wanted_algorithm is None:
        return settings
    return replace(settings, algorithm=ChecksumAlgorithm(record.wanted_algorithm))
