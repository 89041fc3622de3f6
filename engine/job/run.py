"""The entry point for jobs: upload many files to one destination.  (docs/decisions/0013-jobs.md)

The walk is lazy: it holds one window of files at a time.  The large files of a window start first, each as an upload of
its own, then the small ones, each as one PutObject; as many at a time as there are slots for parts in flight.  A
finished file is a row in the store, so that a run after an interruption walks again without asking S3 about it.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from partway.state.jobs import JobRecord, JobStatus

from ..events.upload import JobDone
from ..job_records.later_uploads import WrittenSince
from ..job_records.lock import locked_job
from ..job_records.match import job_to_resume, open_job, with_encoding
from ..job_records.recovery import recover_files
from ..progress.job_publisher import JobPublisher
from ..run.context import EngineContext
from ..run.record import process_name
from ..run.run import new_id
from ..run.settings import check_settings
from ..run.stored_options import with_sse_c_fingerprint
from ..walk.key_collisions import check_key_collisions, may_collide
from ..walk.spec import JobSpec
from .context import JobRun, JobSettings
from .count import JobCount
from .files import JobFiles
from .results import JobResults
from .sending import JobWalk


def run_job(
    spec: JobSpec,
    sources: Callable[[], Iterable[tuple[str, str | None]]],
    context: EngineContext,
    *,
    job: JobSettings = JobSettings(),  # noqa: B008 - frozen
    region: str | None = None,
    profile: str | None = None,
    resume: str | None = None,
) -> JobDone:
    """Upload every file of the sources, or those that an earlier run of the same job has not finished.

    The failure of one file does not stop the others.

    Args:
        spec: What to upload.  An open job of the same sources and destination is resumed.
        sources: Returns paths and names for ``walk_sources``; called once per pass.
        context: As for one upload; its setting ``restart`` discards the work of earlier runs.
        resume: The ID of the open job with this spec; None finds an open job, or starts one.

    Returns:
        JobDone, even if files failed or are missing: it counts them, and the sink receives a FileFailed for each.

    Raises:
        PlanError: two files have the same key, the settings are invalid, or an open job would write the same objects
            with other options.
        AlreadyRunning: another process is running this job.
        AlreadyEnded: another process has ended the job to resume.
        UploadFailed: no files were found where some were expected, the service does not respond, a file failed and
            ``fail_fast`` is set, or another process has restarted the job to resume.
        CredentialsExpired, UploadCancelled, StateError.
    """
    store, settings, now = context.store, context.settings, context.clock.time
    check_settings(settings)
    spec = replace(spec, options=with_sse_c_fingerprint(spec.target(spec.prefix), context.backend).options)
    with locked_job(store, spec), JobPublisher(store.live, context.sink, context.clock) as publisher:
        if resume is not None:
            record: JobRecord | None = job_to_resume(store, resume, spec)
        else:
            record = open_job(store, spec, restart=settings.restart)
        is_new = record is None
        written_since: WrittenSince | None = None
        if resume is not None and record is not None:
            # A resume must not overwrite what was written after the job; the job's own command may.
            written_since = WrittenSince(store, record, spec.bucket)
        if record is not None and not settings.restart:
            spec = with_encoding(spec, record)
        text, keep_paths = spec.to_json(), may_collide(spec)
        if record is not None and not settings.restart:
            recover_files(store, record, spec.bucket, keep_paths=keep_paths)
        resumed = None if record is None or settings.restart else record.id
        created_at = now() if record is None or settings.restart else record.created_at
        spec = replace(spec, limits=spec.limits.since(created_at))
        counted = check_key_collisions(spec, sources, store.jobs, resumed, prune=job.prune)
        if record is None:
            record = JobRecord(
                id=new_id(),
                status=JobStatus.OPEN,
                spec=text,
                target=spec.url,
                endpoint=spec.endpoint,
                region=region,
                profile=profile,
                created_at=created_at,
                updated_at=created_at,
            )
        elif settings.restart:
            store.jobs.delete_files(record.id)
            # Uploads that were completed before the restart no longer count.
            record = replace(record, created_at=created_at)
        record = replace(record, spec=text, holder=process_name(), updated_at=now())
        run = JobRun(spec=spec, record=record, context=context, publisher=publisher, settings=job, is_new=is_new)
        results = JobResults(run, keep_paths=keep_paths)
        with JobFiles(run, results) as files:
            return JobWalk(run, results, files, JobCount(run, counted), written_since).run(sources)
