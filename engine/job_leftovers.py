"""Unfinished uploads of a job that its walk does not meet any more."""

from collections.abc import Iterable

from partway.state.jobs import JobRecord
from partway.state.records import UNFINISHED, UploadRecord
from partway.state.store import StateStore

from .backend import MultipartBackend
from .cancel import cancel_upload
from .errors import PartwayError, StateError, StateLocked, UploadCancelled
from .job_ledger import Ledger
from .options import target_of
from .pool import Cancel
from .settings import UploadSettings


def is_given_up(upload: UploadRecord | None, job: JobRecord) -> bool:
    """True for an upload that ``restart`` of the job gave up, and that is not aborted yet.

    Each is aborted when its file's turn comes, which may be in a later run.
    """
    return upload is not None and upload.job == job.id and upload.created_at < job.created_at


class Leftovers:
    """The job's unfinished uploads, less those whose files were met."""

    def __init__(self, job: JobRecord, store: StateStore) -> None:
        self._job = job
        self._store = store
        self._unmet = {each.key: each for each in store.uploads(statuses=UNFINISHED) if each.job == job.id}

    def meet(self, keys: Iterable[str]) -> None:
        """The walk met the files of these keys."""
        for key in keys:
            self._unmet.pop(key, None)

    def settle(self, ledger: Ledger, backend: MultipartBackend, settings: UploadSettings, cancel: Cancel) -> None:
        """Abort what ``restart`` gave up: its file is gone, or not wanted any more.  At the end of the walk.

        Raises:
            Stop: the service refuses that for all, or does not answer.
            UploadCancelled, StateError.
        """
        for each in self._unmet.values():
            if not is_given_up(each, self._job):
                continue
            try:
                cancel_upload(each, backend=backend, store=self._store, settings=settings, cancel=cancel)
            except PartwayError as error:
                if isinstance(error, UploadCancelled) or (
                    isinstance(error, StateError) and not isinstance(error, StateLocked)
                ):
                    raise
                ledger.failed(each.key, each.source, target_of(each).url, error)
