"""Find an upload by its ID."""

from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from .._arguments.errors import OptionError


def find_unfinished(store: StateStore, id: str) -> UploadRecord | JobRecord:
    """The unfinished upload or job whose ID starts with ``id``.

    Raises:
        OptionError: there is none, there are several, or it is finished.
    """
    if not isinstance(id, str) or not id:
        raise OptionError(f"{id!r} is not an upload ID")
    uploads, jobs = store.uploads(id), store.jobs.all(id)
    found: list[UploadRecord | JobRecord] = [*uploads, *jobs]
    if not found:
        raise OptionError(f"there is no upload {id!r}; see Client.uploads()")
    if len(found) > 1:
        raise OptionError(f"several uploads have an ID that starts with {id!r}: {', '.join(each.id for each in found)}")
    (record,) = found
    is_finished = record.status is not JobStatus.OPEN if isinstance(record, JobRecord) else record.finished
    if is_finished:
        raise OptionError(f"upload {record.id} is {record.status.label}; it cannot be resumed or cancelled")
    return record
