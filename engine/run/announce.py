"""Emit each failure of an upload as one event."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from partway.state.store import StateStore

from ..errors import AlreadyEnded, AlreadyRunning, PartwayError, Refused, StateError, is_resumable
from ..events import EventSink
from ..events.upload import UploadFailed
from .failures import cause_of, was_never_reached


@dataclass(slots=True)
class FailedUpload:
    """The upload that a failure is about.  id: "" until it has one."""

    id: str


@contextmanager
def failures_emitted(sink: EventSink, store: StateStore, id: str) -> Iterator[FailedUpload]:
    """Emit UploadFailed for an error that ends the block, with the upload's ID if it has one.

    Not for AlreadyEnded and AlreadyRunning: the upload did not fail; another process is sending it or has ended it.
    """

    about = FailedUpload(id)
    try:
        yield about
    except (AlreadyEnded, AlreadyRunning):
        raise
    except PartwayError as error:
        if about.id and not isinstance(error, StateError):
            _delete_if_nothing_was_sent(store, about.id, error)
        sink(UploadFailed(upload=about.id, error=str(error), resumable=is_resumable(error)))
        raise


def _delete_if_nothing_was_sent(store: StateStore, id: str, error: PartwayError) -> None:
    """Delete the record of an upload that was refused, or never reached the endpoint, before S3 created it."""
    record = store.upload(id)
    if record is None or record.upload_id is not None:
        return
    refused = isinstance(cause_of(error), Refused) and not is_resumable(error)
    if refused or (record.run == 1 and was_never_reached(error)):
        store.delete_upload(id)
