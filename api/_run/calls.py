"""The calls into the engine.  Each runs in its upload's thread, with its own store."""

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from partway.engine.backend.target import Target
from partway.engine.dry_run.file import plan_file
from partway.engine.dry_run.job import plan_job
from partway.engine.errors import ObjectExists, UploadFailed
from partway.engine.events import Event
from partway.engine.events.dry_run import JobPlanned, UploadPlanned
from partway.engine.events.upload import FileFailed, UploadDone, UploadSkipped
from partway.engine.events.upload import UploadSkipped as Skipped
from partway.engine.job.context import JobSettings
from partway.engine.job.run import run_job
from partway.engine.run.context import EngineContext
from partway.engine.stream.finish import finish_stream
from partway.engine.stream.settings import StreamSettings
from partway.engine.stream.upload import upload_stream
from partway.engine.upload.file import resume_upload, upload_file
from partway.engine.walk.file_list import LISTED_ON_STDIN, list_chunks, listed_sources
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import WorkerContext
from partway.state.jobs import JobRecord
from partway.state.uploads import STREAM, UploadRecord, UploadStatus

from .._arguments.errors import OptionError
from .._arguments.options import Options
from .._arguments.sources import PathSource, StreamSource
from .feed import Feed
from .pipe import Pipe
from .results import JobResult, UploadResult, job_result

_Sources = Callable[[], Iterable[tuple[str, str | None]]]
_MAX_FAILURES = 20  # failed files listed in the result of a job


def send_path(
    source: PathSource, target: Target, context: EngineContext, *, region: str | None, profile: str | None
) -> UploadResult:
    """Upload a file.

    Raises:
        OptionError: the path is a directory.
        ObjectExists: the object exists and must not be overwritten.
        PartwayError: as the engine's ``upload_file``.
    """
    check_is_file(source.path)
    done = upload_file(source.path, target, context, region=region, profile=profile)
    result = _result(done, target, context)
    source.read_through()
    return result


def send_stream(
    source: StreamSource,
    target: Target,
    context: EngineContext,
    options: Options,
    directory: Path,
    *,
    region: str | None,
    profile: str | None,
) -> UploadResult:
    """Upload a stream.  directory: holds temporary copies of the parts in flight."""
    context = _restarted_if_shorter(source, target, context)
    feed = Feed(source.read)
    stream = StreamSettings(
        expected_size=options.get("expected_size", source.size),
        equal_parts=options.get("equal_parts", False),
        # Empty bytes are meant to be empty, unlike a stream that ends at once.
        allow_empty=options.get("allow_empty", source.size == 0),
        directory=directory,
        confirm=feed.check_end,
    )
    return _send_read(feed, target, context, stream, region=region, profile=profile)


def send_pipe(
    pipe: Pipe,
    check_end: Callable[[WorkerContext], None],
    target: Target,
    context: EngineContext,
    options: Options,
    directory: Path,
    *,
    region: str | None,
    profile: str | None,
) -> UploadResult:
    """Upload what is written into the pipe.  check_end: raises if the pipe ended before the data was complete."""
    stream = StreamSettings(
        expected_size=options.get("expected_size"),
        equal_parts=options.get("equal_parts", False),
        allow_empty=options.get("allow_empty", True),
        directory=directory,
        confirm=check_end,
    )
    return _send_read(pipe, target, context, stream, region=region, profile=profile)


def _send_read(
    source: Feed | Pipe,
    target: Target,
    context: EngineContext,
    stream: StreamSettings,
    *,
    region: str | None,
    profile: str | None,
) -> UploadResult:
    """Upload what is read from the source's descriptor, and close it."""
    is_read = False
    try:
        done = upload_stream(source.descriptor, target, context, stream=stream, region=region, profile=profile)
        is_read = True
    finally:
        source.close(is_read=is_read)
    return _result(done, target, context)


def send_files(
    spec: JobSpec,
    context: EngineContext,
    job: JobSettings,
    *,
    names: bytes,
    region: str | None,
    profile: str | None,
) -> JobResult:
    """Upload the files of directories.

    names: those of the job's list, when it is in memory.

    Raises:
        FilesFailed: some were not uploaded.
        PartwayError: as the engine's ``run_job``.
    """
    return _run_job(spec, _sources(spec, names), context, job, region, profile, None)


def plan_path(path: str, target: Target, context: EngineContext) -> UploadPlanned:
    """What ``send_path`` would do."""
    check_is_file(path)
    planned = plan_file(path, target, context)
    if isinstance(planned, Skipped):
        raise ObjectExists(f"{planned.target}: {planned.reason}")
    return planned


def plan_files(spec: JobSpec, context: EngineContext, job: JobSettings, *, names: bytes) -> JobPlanned:
    """What ``send_files`` would do."""
    return plan_job(spec, _sources(spec, names), context, fail_if_empty=job.fail_if_empty)


def _sources(spec: JobSpec, names: bytes) -> _Sources:
    """The paths and names of a job, as often as they are asked for."""
    listed = spec.listed
    if listed is None:
        return lambda: ((path, None) for path in spec.sources)
    if listed == LISTED_ON_STDIN:
        return lambda: listed_sources(spec, iter([names]))
    return lambda: listed_sources(spec, list_chunks(listed))


def resume(record: UploadRecord | JobRecord, context: EngineContext) -> UploadResult | JobResult:
    """Finish an unfinished upload or job.

    Raises:
        UploadFailed: it is a stream, which needs its bytes again.
        PartwayError: as the engine's functions.
    """
    if isinstance(record, JobRecord):
        spec = _spec_of(record)
        return _run_job(spec, _sources(spec, b""), context, JobSettings(), record.region, record.profile, record.id)
    target = Target(bucket=record.bucket, key=record.key, endpoint=record.endpoint)
    if not record.is_stream:
        return _result(resume_upload(record, context), target, context)
    if record.status is not UploadStatus.COMPLETING:
        raise UploadFailed(f"upload {record.id} is a stream; to resume, upload the same bytes to {target.url} again")
    return _result(finish_stream(record, context), target, context)


def check_is_file(path: str) -> None:
    """Check that the path is not a directory.

    Raises:
        OptionError: it is a directory; the message names the missing option.
    """
    try:
        is_directory = stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 - keeps undecodable names
    except OSError:
        return  # the upload reports what is wrong with it
    if is_directory:
        raise OptionError(f"{path} is a directory; add recursive=True to upload the files in it")


def _run_job(
    spec: JobSpec,
    sources: _Sources,
    context: EngineContext,
    job: JobSettings,
    region: str | None,
    profile: str | None,
    resume: str | None,
) -> JobResult:
    failures: list[FileFailed] = []

    def note(event: Event) -> None:
        if isinstance(event, FileFailed) and len(failures) < _MAX_FAILURES:
            failures.append(event)
        context.sink(event)

    done = run_job(
        spec,
        sources,
        replace(context, sink=note),
        job=job,
        region=region,
        profile=profile,
        resume=resume,
    )
    return job_result(done, failures)


def _spec_of(record: JobRecord) -> JobSpec:
    try:
        spec = JobSpec.from_json(record.spec)
    except (ValueError, TypeError, KeyError) as error:
        raise UploadFailed(
            f"the stored options of job {record.id} are unreadable; upload its files again", resumable=False
        ) from error
    if spec.listed == LISTED_ON_STDIN:
        raise UploadFailed(f"job {record.id} has a list of files; upload it again with the same list")
    return spec


def _restarted_if_shorter(source: StreamSource, target: Target, context: EngineContext) -> EngineContext:
    """Start over if an earlier run sent more bytes than this source has: a known size means that nothing is missing."""
    if source.size is None:
        return context
    record = context.store.unfinished(STREAM, target.endpoint, target.bucket, target.key)
    if (
        record is None
        or record.status is UploadStatus.COMPLETING
        or context.store.part_totals(record.id)[1] <= source.size
    ):
        return context
    return replace(context, settings=replace(context.settings, restart=True))


def _result(done: UploadDone | UploadSkipped, target: Target, context: EngineContext) -> UploadResult:
    if isinstance(done, Skipped):
        raise ObjectExists(f"{done.target}: {done.reason}")
    return UploadResult(
        id=done.upload,
        url=done.target,
        bucket=target.bucket,
        key=target.key,
        etag=done.etag,
        version_id=done.version_id,
        proof=done.proof,
        total_bytes=done.bytes,
        sent_bytes=done.sent_bytes,
        reused_bytes=done.resumed_bytes,
        parts=context.store.part_totals(done.upload)[0] or 1,
        seconds=done.seconds,
        retries=done.retries,
    )
