"""Lock an upload; the error names the process that holds the lock and the ID of the upload."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from partway.state.errors import StateLocked
from partway.state.jobs import JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..backend.target import Target
from ..errors import AlreadyEnded, AlreadyRunning


@contextmanager
def locked(store: StateStore, source: str, target: Target) -> Iterator[None]:
    """Hold the lock of the upload, so that no other process sends it.

    Raises:
        AlreadyRunning: another process holds the lock.
    """

    def holder() -> str:
        record = store.unfinished(source, target.endpoint, target.bucket, target.key)
        return f"{describe_holder(record)} is already sending {source} to {target.url}{id_suffix('upload', record)}"

    with hold_lock(store, source, target, holder):
        yield


def check_unfinished(store: StateStore, id: str) -> UploadRecord:
    """The current record of the upload, whose lock the caller holds.

    Without this check, a resume of an upload that another process has ended since its record was read would send
    everything again, and undo what that process did.

    Raises:
        AlreadyEnded: it is no longer unfinished.
    """
    record = store.upload(id)
    if record is None or record.finished:
        status = "removed" if record is None else record.status.label
        raise AlreadyEnded(f"upload {id} is already {status}; there is nothing to resume")
    return record


@contextmanager
def hold_lock(store: StateStore, source: str, target: Target, holder: Callable[[], str]) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(store.lock(source, target.endpoint, target.bucket, target.key))
        except StateLocked as error:
            raise AlreadyRunning(f"{holder()}; wait until it exits, or stop it") from error
        yield


def describe_holder(record: UploadRecord | JobRecord | None) -> str:
    return (record and record.holder) or "another process"


def id_suffix(kind: str, record: UploadRecord | JobRecord | None) -> str:
    """The ID that commands accept; "" while the other process has not stored the record yet."""
    return f" ({kind} {record.id})" if record is not None else ""
