"""Which files of an interrupted batch are done, so that it sends them only once."""

from dataclasses import replace

from partway.state.store import StateStore
from partway.state.uploads import UploadRecord, UploadStatus

from ..backend.target import Target
from ..errors import PartwayError
from ..run.stored_options import stored_options
from ..source.identity import SourceIdentity, identify, recorded_identity


def is_finished(store: StateStore, source: str, target: Target, *, since: float) -> bool:
    """True when this file, as it is now, was uploaded to this destination with these options.

    S3 is not asked: as in a job, what is done is done.

    Args:
        since: Earlier uploads do not count; seconds since the epoch.
    """
    try:
        now = identify(source)
    except PartwayError:
        return False
    records = store.uploads_to(target.bucket, target.key)
    # What a later command wrote there is another object.
    last = max(records, key=lambda record: record.updated_at, default=None)
    return last is not None and _is_upload_of(last, now, target) and last.created_at >= since


def _is_upload_of(record: UploadRecord, now: SourceIdentity, target: Target) -> bool:
    try:
        stored = stored_options(record)
    except PartwayError:
        return False
    # These are derived from the file, or from the key that encrypts it.
    derived = {"file_attributes": (), "customer_key": None}
    if target.options.content_type is None:
        derived["content_type"] = None
    return (
        record.status is UploadStatus.COMPLETED
        and record.endpoint == target.endpoint
        and recorded_identity(record) == now
        and replace(stored, **derived) == replace(target.options, **derived)  # type: ignore[arg-type]
    )
