"""The entry point: upload a file, or resume an unfinished upload.  (To cancel one, see engine/upload/abort.py.)

docs/architecture.md shows the steps.  Everything here runs in the caller's thread; parts run on workers.
"""

import os
from dataclasses import dataclass

from partway.state.uploads import UploadRecord

from ..backend.target import Target
from ..errors import ObjectExists, SourceChanged, SourceError
from ..events.upload import OverwriteNotExcluded, UploadDone, UploadSkipped
from ..limits import limits_at
from ..resume.adopt import adopt_orphan
from ..resume.same_file import under_stored_path
from ..run.announce import failures_emitted
from ..run.context import EngineContext
from ..run.record import ResumeInfo
from ..run.settings import UploadSettings, check_settings
from ..run.stored_options import check_key, target_of, with_sse_c_fingerprint
from ..source.plan import UploadPlan, plan_upload, replan
from ..workers.channel import SharedWorkers
from .multipart import send_multipart
from .open import OpenedRun, open_run
from .overwrite import needs_head
from .put_object import put_whole
from .skip import skip_upload
from .superseded import remove_superseded


def upload_file(
    path: str | os.PathLike[str],
    target: Target,
    context: EngineContext,
    *,
    region: str | None = None,
    profile: str | None = None,
    job: str | None = None,
    workers: SharedWorkers | None = None,
) -> UploadDone | UploadSkipped:
    """Upload one file and verify that the object equals it.  An unfinished upload of the same file is resumed.

    After an error, finished parts stay on S3 and in the store, and the next call resumes from there.

    Args:
        path: The file.  It is made absolute; links are not resolved.
        target: The destination.  Options that are set and differ from those of the unfinished upload are rejected.
        region, profile: Stored, so that the upload can be resumed without naming them again.
        job: ID of the job that owns the upload, or None.
        workers: Given when several uploads share their workers; None for a standalone upload.

    Returns:
        UploadDone, or UploadSkipped when the key is taken and ``no_overwrite`` is set.

    Raises:
        SourceError: the file cannot be read; SourceChanged: it changed while it was sent.
        PlanError: the part size, the settings or the options are invalid.
        StateLocked: another process is sending this file to this destination.
        UploadFailed: parts could not be sent; its ``__cause__`` says why.
        RemoteError: the service refused, or could not be reached.
        ProofFailed: the object exists but differs from the file.
        UploadCancelled, StateError.
    """
    info = ResumeInfo(region=region, profile=profile, job=job)
    return _upload(path, target, context, info=info, workers=workers)


def resume_upload(record: UploadRecord, context: EngineContext) -> UploadDone | UploadSkipped:
    """Resume a stored upload, whose record has everything but the credentials.  Otherwise like ``upload_file``.

    Not for streams: see engine/stream/finish.py.
    """
    info = ResumeInfo(region=record.region, profile=record.profile)
    return _upload(record.source, target_of(record), context, info=info, id=record.id)


@dataclass(frozen=True, slots=True)
class _FilePlanner:
    """Splits a file into parts.  size: of the file, in bytes; endpoint: as in Target."""

    size: int
    endpoint: str

    def plan(self, settings: UploadSettings) -> UploadPlan:
        return plan_upload(self.size, part_size=settings.part_size, limits=limits_at(self.endpoint, settings.limits))

    def replan(self, record: UploadRecord, settings: UploadSettings) -> UploadPlan:
        return replan(self.size, record.part_size, limits=limits_at(self.endpoint, settings.limits))


def _upload(
    path: str | os.PathLike[str],
    target: Target,
    context: EngineContext,
    *,
    info: ResumeInfo,
    id: str = "",
    workers: SharedWorkers | None = None,
) -> UploadDone | UploadSkipped:
    with failures_emitted(context.sink, context.store, id) as about:
        check_settings(context.settings)
        source = context.runtime.identify(path)
        check_key(target, context.settings.limits)
        target = with_sse_c_fingerprint(target, context.backend)
        source = under_stored_path(context.store, source, target)
        planner = _FilePlanner(source.size, target.endpoint)
        with open_run(source, target, context, planner, info=info, about=about, workers=workers) as opened:
            try:
                done = _send(opened, is_of_job=info.job is not None)
            except ObjectExists as error:
                return skip_upload(opened.run, error)
            except SourceError as error:
                # The file existed when the run started: if parts are on S3, restoring the file is enough to resume.
                if isinstance(error, SourceChanged) or opened.run.record.upload_id is None:
                    raise
                raise SourceChanged(f"{error}; restore the file and run again") from error
            remove_superseded(opened.run, done)
            return done


def _send(opened: OpenedRun[UploadPlan], *, is_of_job: bool) -> UploadDone:
    run, plan = opened.run, opened.plan
    opened.check_key_free()
    is_one_object = (
        plan.part_count == 1 and plan.file_size <= run.settings.limits.max_put_size and not run.settings.multipart
    )
    if run.settings.check_updated or run.settings.verify_object or not is_one_object:
        run.settle_source()  # else nothing compares the file later
    opened.abort_replaced()
    if opened.is_new:
        run.save_source()
    else:
        run.save()
    opened.identify()
    if needs_head(run.target) and not is_of_job:
        run.emit(OverwriteNotExcluded(upload=run.record.id))
    if not is_one_object and (opened.is_new or run.settings.adopt):
        adopt_orphan(run)
        opened.identify()
    return put_whole(run) if is_one_object and run.record.upload_id is None else send_multipart(run)
