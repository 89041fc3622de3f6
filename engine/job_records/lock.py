"""Lock a job, so that only one process sends it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from partway.state.store import StateStore

from ..backend.target import Target
from ..resume.lock import describe_holder, hold_lock, id_suffix
from ..walk.spec import JobSpec
from .match import same_job


@contextmanager
def locked_job(store: StateStore, spec: JobSpec) -> Iterator[None]:
    """Lock every job with these sources and this destination, whatever its other options.

    Raises:
        AlreadyRunning: another process is running one of them.
    """
    name = "job " + hashlib.sha256(spec.identity.encode()).hexdigest()[:16]

    def holder() -> str:
        record = same_job(store, spec)
        return f"{describe_holder(record)} is already sending these files to {spec.url}{id_suffix('job', record)}"

    with hold_lock(store, name, Target(bucket=spec.bucket, key=spec.prefix, endpoint=spec.endpoint), holder):
        yield
