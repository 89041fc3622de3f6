"""Plan the upload of a stream."""

from dataclasses import replace

from partway.state.store import StateStore
from partway.state.uploads import STREAM, UploadRecord, UploadStatus

from ..backend.target import Target
from ..events.dry_run import UploadPlanned
from ..events.request_counts import of_parts
from ..run.context import EngineContext
from ..run.settings import check_settings
from ..run.stored_options import check_algorithm, check_key, check_record, options_at_create, with_sse_c_fingerprint
from ..stream.settings import StreamPlanner, StreamSettings
from .file import _event


def plan_stream_upload(target: Target, context: EngineContext, *, stream: StreamSettings) -> UploadPlanned:
    """What ``upload_stream`` would do, as far as it is known before the stream is read.

    Raises:
        PlanError: it would be rejected.
    """
    store, settings = context.store, context.settings
    check_settings(settings)
    check_key(target, settings.limits)
    target = with_sse_c_fingerprint(target, context.backend)
    record = store.unfinished(STREAM, target.endpoint, target.bucket, target.key)
    planner = StreamPlanner(stream=stream, endpoint=target.endpoint, parts=store.parts)
    if record is None or settings.restart:
        plan, parts = planner.plan(settings), []
    else:
        check_record(record, settings.limits)
        check_algorithm(record, settings.algorithm)
        options_at_create(record, target.options)
        plan, parts = planner.replan(record, settings), store.parts(record.id)
    return UploadPlanned(
        source=STREAM,
        target=target.url,
        total_bytes=None,
        part_size=plan.part_size,
        part_count=None,
        kept_parts=len(parts),
        kept_bytes=sum(part.size for part in parts),
        most_bytes=min(plan.max_bytes, settings.limits.max_object_size),
    )


def plan_end_of_stream(record: UploadRecord, target: Target, store: StateStore) -> UploadPlanned:
    """What remains to be done for a stream that was sent completely."""
    assert record.status is UploadStatus.COMPLETING
    count, size = store.part_totals(record.id)
    needed = of_parts(send=0, sent=count)
    event = _event(STREAM, target, size, record.part_size, count, needed)
    return replace(event, kept_parts=count, kept_bytes=size)
