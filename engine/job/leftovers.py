"""Unfinished uploads of a job whose files the walk no longer finds."""

import os
from collections.abc import Collection, Iterable

from partway.state.jobs import JobRecord
from partway.state.uploads import UNFINISHED, UploadRecord

from ..errors import PartwayError, StateError, StateLocked, UploadCancelled, UploadFailed
from ..plural import plural, verb
from ..run.stored_options import target_of
from ..upload.abort import cancel_upload
from .context import JobRun
from .results import JobResults


def is_discarded(upload: UploadRecord | None, job: JobRecord) -> bool:
    """True for an upload that a restart of the job discarded and that has not been aborted yet.

    It is aborted when its file is sent, which may be in a later run.
    """
    return upload is not None and upload.job == job.id and upload.created_at < job.created_at


class Leftovers:
    """The job's unfinished uploads whose files the walk has not found."""

    def __init__(self, job: JobRun, results: JobResults) -> None:
        self._job = job.record
        self._context = job.context
        self._results = results
        self._listed = job.spec.listed is not None
        unfinished = job.store.uploads_in(job.spec.endpoint, job.spec.bucket, statuses=UNFINISHED, job=job.record.id)
        self._missing = {each.key: each for each in unfinished}

    @property
    def keys(self) -> Collection[str]:
        """The keys of the uploads whose files the walk has not found yet."""
        return self._missing

    def found(self, keys: Iterable[str]) -> None:
        """Record that the walk has found the files of these keys."""
        for key in keys:
            self._missing.pop(key, None)

    def settle(self, *, prune: bool) -> Collection[str]:
        """At the end of the walk, report unfinished files that are gone, and abort uploads that a restart discarded.

        Args:
            prune: True aborts the uploads of files that no longer exist, instead of reporting them.

        Returns:
            The keys of the uploads whose files were not found.

        Raises:
            JobStopped: the service refuses every abort, or does not respond.
            UploadCancelled, StateError.
        """
        for each in self._missing.values():
            if is_discarded(each, self._job):
                self._abort(each)
            elif self._listed and os.path.lexists(each.source):
                # The list has changed; the upload can be resumed by its own ID.
                continue
            elif prune:
                self._abort(each)
            else:
                self._results.failed("", each.source, target_of(each).url, self._vanished(each))
        return self._missing

    def _vanished(self, upload: UploadRecord) -> UploadFailed:
        count, _ = self._context.store.part_totals(upload.id)
        parts = f"{plural(count, 'part')} of it {verb(count)}"
        return UploadFailed(
            f"it no longer exists, and {parts} on S3; restore it and resume, or remove them with partway "
            f"cancel {upload.id}",
            resumable=True,
        )

    def _abort(self, upload: UploadRecord) -> None:
        try:
            cancel_upload(upload, self._context)
        except PartwayError as error:
            of_the_store = isinstance(error, StateError) and not isinstance(error, StateLocked)
            if of_the_store or isinstance(error, UploadCancelled):
                raise
            self._results.failed("", upload.source, target_of(upload).url, error)
