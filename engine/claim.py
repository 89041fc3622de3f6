"""The claim on an upload, with a sentence that says who has it."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from partway.state.errors import StateLocked
from partway.state.store import StateStore

from .backend import Target
from .job_spec import JobSpec


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


@contextmanager
def claimed_job(store: StateStore, spec: JobSpec) -> Iterator[None]:
    """Hold the job, so that no other process runs it.

    Raises:
        StateLocked: another process does.
    """
    name = "job " + hashlib.sha256(spec.to_json().encode()).hexdigest()[:16]
    with claimed(store, name, Target(bucket=spec.bucket, key=spec.prefix, endpoint=spec.endpoint)):
        yield
