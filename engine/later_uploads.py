"""What later commands put where an unfinished upload or job would write: a resume of the older one does not undo it."""

from partway.state.jobs import JobRecord
from partway.state.records import UploadRecord, UploadStatus
from partway.state.store import StateStore

LATER = "a later upload wrote the object"


class LaterUploads:
    """The completed uploads of a store, by where they went: the last of each."""

    def __init__(self, store: StateStore) -> None:
        self._last: dict[tuple[str, str, str], UploadRecord] = {}
        # Oldest first.
        for each in store.uploads(statuses=[UploadStatus.COMPLETED]):
            self._last[each.endpoint, each.bucket, each.key] = each

    def after(self, record: UploadRecord) -> UploadRecord | None:
        """The upload that began after anything was done for this one, and is completed; None when there is none."""
        last = self._last.get((record.endpoint, record.bucket, record.key))
        return last if last is not None and last.created_at > record.updated_at else None


def keys_written_since(store: StateStore, job: JobRecord, bucket: str) -> frozenset[str]:
    """The keys in the bucket that uploads of other commands wrote since the job ran last."""
    return frozenset(
        each.key
        for each in store.uploads(statuses=[UploadStatus.COMPLETED])
        if (each.endpoint, each.bucket) == (job.endpoint, bucket)
        and each.job != job.id
        and each.created_at > job.updated_at
    )
