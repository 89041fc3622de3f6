"""Plan an upload from the file and the store alone.  Nothing is sent, locked or stored.

S3 is asked only whether an object exists, and only if that decides the result (``no_overwrite``).  It is not asked for
its parts: that requires a ListParts for each upload, and the result may depend on the file's bytes.
"""

from dataclasses import asdict, replace

from partway.state.uploads import UploadRecord, UploadStatus

from ..backend.target import Target
from ..events.dry_run import UploadPlanned
from ..events.request_counts import Requests, of_one_object, of_parts, of_restart
from ..events.upload import TAKEN, UploadSkipped
from ..limits import limits_at
from ..run.context import EngineContext
from ..run.record import default_algorithm
from ..run.settings import check_settings
from ..run.stored_options import check_algorithm, check_key, check_record, options_at_create, with_sse_c_fingerprint
from ..source.identity import SourceIdentity, recorded_identity
from ..source.plan import plan_upload, replan
from ..upload.overwrite import needs_head, target_exists
from ..workers.executor import fixed_workers
from ..workers.part_tasks import retrying
from ..workers.pool import WorkerPool


def plan_file(path: str, target: Target, context: EngineContext) -> UploadPlanned | UploadSkipped:
    """What ``upload_file`` would do with these arguments.

    Raises:
        SourceError, PlanError: it would be rejected.
        RemoteError: it cannot be determined whether the object exists.
    """
    store, settings = context.store, context.settings
    check_settings(settings)
    source = context.runtime.identify(path)
    check_key(target, settings.limits)
    target = with_sse_c_fingerprint(target, context.backend)
    record = store.unfinished(source.path, target.endpoint, target.bucket, target.key)
    fresh = record is None or settings.restart
    if fresh and target.options.no_overwrite and _exists(target, context):
        return UploadSkipped(source=source.path, target=target.url, reason=TAKEN)
    return planned(source, target, record, context)


def planned(
    source: SourceIdentity, target: Target, record: UploadRecord | None, context: EngineContext
) -> UploadPlanned:
    """What an upload of the file would do.  record: the file's unfinished upload, or None.

    Raises:
        PlanError: it would be rejected.
    """
    store, settings = context.store, context.settings
    limits, heads = limits_at(target.endpoint, settings.limits), _heads(target)
    if record is None or settings.restart:
        plan = plan_upload(source.size, part_size=settings.part_size, limits=limits)
        if plan.part_count == 1 and plan.file_size <= limits.max_put_size:
            needed = of_one_object(heads=heads)
        else:
            needed = of_parts(send=plan.part_count, sent=None, heads=heads, orphans=True)
        if record is not None and record.upload_id is not None:
            needed += of_restart(sent=len(store.parts(record.id)))
        return _event(source.path, target, plan.file_size, plan.part_size, plan.part_count, needed)
    check_record(record, limits)
    check_algorithm(record, settings.algorithm)
    heads = _heads(replace(target, options=options_at_create(record, target.options)), record)
    plan = replan(source.size, record.part_size, limits=limits)
    moved = recorded_identity(record) != source
    if record.upload_id is None and plan.part_count == 1 and plan.file_size <= limits.max_put_size:
        needed, kept = of_one_object(heads=heads), []
    else:
        stored = store.parts(record.id)
        kept = [p for p in stored if p.number <= plan.part_count and p.size == plan.part(p.number).size]
        sent = None if record.upload_id is None else len(stored)
        needed = of_parts(send=plan.part_count - len(kept), sent=sent, heads=heads)
    event = _event(source.path, target, plan.file_size, plan.part_size, plan.part_count, needed)
    kept_bytes = sum(part.size for part in kept)
    return replace(event, kept_parts=len(kept), kept_bytes=kept_bytes, source_changed=moved and bool(kept))


def _heads(target: Target, record: UploadRecord | None = None) -> int:
    """The number of HEAD requests before the object is created.  record: the upload that would be resumed, if any."""
    at_first = target.options.no_overwrite and (record is None or record.status is UploadStatus.OPEN)
    return int(at_first) + int(needs_head(target))


def _event(source: str, target: Target, size: int, part_size: int, part_count: int, needed: Requests) -> UploadPlanned:
    return UploadPlanned(
        source=source,
        target=target.url,
        total_bytes=size,
        part_size=part_size,
        part_count=part_count,
        kept_bytes=0,
        kept_parts=0,
        **asdict(needed),
    )


def _exists(target: Target, context: EngineContext) -> bool:
    backend, policy = context.backend, context.settings.policy
    algorithm = context.settings.algorithm or default_algorithm(context.store, target.endpoint, context.clock.time())
    with WorkerPool(fixed_workers(1, context.runtime), cancel=context.cancel, on_message=lambda _: None) as pool:
        return pool.run(lambda worker: target_exists(retrying(backend, policy, worker), target, algorithm))
