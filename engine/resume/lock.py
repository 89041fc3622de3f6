"""The claim on an upload or a job, with a sentence that says who has it and by which ID it is found."""

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
    """Hold the upload, so that no other process sends it.

    Raises:
        AlreadyRunning: another process does.
    """

    def holder() -> str:
        record = store.unfinished(source, target.endpoint, target.bucket, target.key)
        return f"{_process(record)} is already sending {source} to {target.url}{_named('upload', record)}"

    with _held(store, source, target, holder):
        yield


def check_unfinished(store: StateStore, id: str) -> UploadRecord:
    """The upload as it is stored now.

    The caller of a resume holds its lock: without this check, an upload that ended since its record was read would be
    sent again from the start, and undo what another process decided.

    Raises:
        AlreadyEnded: it is no longer unfinished.
    """
    record = store.upload(id)
    if record is None or record.finished:
        status = "removed" if record is None else record.status.label
        raise AlreadyEnded(f"upload {id} is already {status}; there is nothing to resume")
    return record


@contextmanager
def _held(store: StateStore, source: str, target: Target, holder: Callable[[], str]) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(store.lock(source, target.endpoint, target.bucket, target.key))
        except StateLocked as error:
            raise AlreadyRunning(f"{holder()}; wait until it exits, or stop it") from error
        yield


def _process(record: UploadRecord | JobRecord | None) -> str:
    return (record and record.holder) or "another process"


def _named(kind: str, record: UploadRecord | JobRecord | None) -> str:
    """By the ID that commands take; nothing while the other process has not stored it yet."""
    return f" ({kind} {record.id})" if record is not None else ""
