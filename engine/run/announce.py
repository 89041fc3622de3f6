"""Failures as events, each emitted once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..errors import AlreadyEnded, AlreadyRunning, PartwayError, Refused, StateError, is_resumable
from ..events import EventSink
from ..events.upload import UploadFailed
from .failures import cause_of, was_never_reached


@contextmanager
def failures_emitted(sink: EventSink, store: StateStore, id: str) -> Iterator[Callable[[UploadRecord], None]]:
    """Tell the sink of the error that ends the block, with the upload's ID once it has one.

    Not of AlreadyEnded and AlreadyRunning: the upload has not failed, another process has it or has ended it.
    """

    def known(record: UploadRecord) -> None:
        nonlocal id
        id = record.id

    try:
        yield known
    except (AlreadyEnded, AlreadyRunning):
        raise
    except PartwayError as error:
        if id and not isinstance(error, StateError):
            _forget_if_nothing_began(store, id, error)
        sink(UploadFailed(upload=id, error=str(error), resumable=is_resumable(error)))
        raise


def _forget_if_nothing_began(store: StateStore, id: str, error: PartwayError) -> None:
    """Forget an upload that was refused, or that reached nobody, before S3 had anything of it."""
    record = store.upload(id)
    if record is None or record.upload_id is not None:
        return
    refused = isinstance(cause_of(error), Refused) and not is_resumable(error)
    if refused or (record.run == 1 and was_never_reached(error)):
        store.remove_upload(id)
