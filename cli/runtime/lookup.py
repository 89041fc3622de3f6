"""Find an upload or a job by the start of its ID."""

import click

from partway.state.jobs import JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..text.escape import printable


def find_upload(store: StateStore, prefix: str) -> UploadRecord:
    """The upload whose ID starts with ``prefix``.

    Raises:
        click.UsageError: there is none, or several.
    """
    found = store.uploads(prefix) if prefix else []
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(
            f"several uploads have an ID that starts with {prefix!r}: {', '.join(r.id for r in found)}"
        )
    raise click.UsageError(f"there is no upload or job {printable(prefix)!r}; see `partway list`")


def find_job(store: StateStore, prefix: str) -> JobRecord | None:
    """The job whose ID starts with ``prefix``, if there is exactly one and no such upload."""
    found = store.jobs.all(prefix) if prefix and not store.uploads(prefix) else []
    return found[0] if len(found) == 1 else None
