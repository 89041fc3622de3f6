"""The claim on an upload, with a sentence that says who has it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from partway.state.errors import StateLocked
from partway.state.store import StateStore

from .backend import Target


@contextmanager
def claimed(store: StateStore, source: str, target: Target) -> Iterator[None]:
    """Hold the claim; when somebody else has it, say who."""
    with ExitStack() as stack:
        try:
            stack.enter_context(store.claim(source, target.endpoint, target.bucket, target.key))
        except StateLocked as error:
            record = store.unfinished(source, target.endpoint, target.bucket, target.key)
            holder = (record and record.holder) or "another process"
            raise StateLocked(
                f"{holder} is already sending {source} to {target.url}; wait until it ends, or stop it"
            ) from error
        yield
