"""Send the large files of a job: each is an upload, and several run concurrently in one thread."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from partway.state.jobs import FileRecord

from ..backend.target import Target
from ..errors import PartwayError, StateError, StateLocked, UploadCancelled
from ..events import Event
from ..events.upload import PartsChecked, UploadDone, UploadSkipped, UploadStarted
from ..job_records.rows import file_as_sent, unfinished_uploads
from ..source.identity import SourceIdentity
from ..upload.file import upload_file
from ..walk.walk import FileEntry
from ..workers.channel import CancelToken, SharedWorkers, WorkerContext
from ..workers.coroutines import CoroutineScheduler
from ..workers.part_tasks import retrying
from ..workers.pool import WorkerPool
from .checksum import JobChecksum
from .context import JobRun
from .leftovers import is_discarded
from .results import JobResults
from .same_object import same_file


class JobUploads:
    """Sends files with ``upload_file``, and records the result of each.  Used in the caller's thread.

    Args:
        part_size: Bytes of a part, unless the file's size requires larger parts.
        on_message: Receives the messages of a worker that compares a file with its object.
    """

    def __init__(
        self,
        job: JobRun,
        results: JobResults,
        checksum: JobChecksum,
        scheduler: CoroutineScheduler,
        *,
        part_size: int,
        on_message: Callable[[Any], None],
    ) -> None:
        self._job = job
        self._settings = job.upload_settings
        self._results = results
        self._checksum = checksum
        self._scheduler = scheduler
        self._part_size = part_size
        self._on_message = on_message
        self._unfinished = unfinished_uploads(job.store, job.spec)
        self._reserved: dict[str, int] = {}  # slots for parts that have not started, by key
        self.cancel = CancelToken(parent=job.context.cancel)
        self.was_cancelled = False

    @property
    def reserved(self) -> int:
        """The number of slots that uploads need for parts that have not started."""
        return sum(self._reserved.values())

    def has_unfinished(self, key: str, found: FileEntry) -> bool:
        """True when an earlier run left an unfinished upload of this file to this key."""
        return (found.path, key) in self._unfinished

    def start(self, key: str, found: FileEntry, before: FileRecord | None) -> None:
        """Start an upload.  ``before`` and the errors are those of ``JobFiles.send_large``."""
        # Without reservations, other files would start and then wait for these slots.  But a file that is first
        # compared with its object, which may take long, may need none.
        is_compared = self._job.spec.skip_same or before is not None
        self._reserved[key] = 1 if is_compared else max(1, -(-found.size // self._part_size))
        self._scheduler.spawn(partial(self._run, key, found, before))

    def _run(self, key: str, found: FileEntry, before: FileRecord | None, workers: SharedWorkers) -> None:
        target = self._job.spec.target(key)
        try:
            if (same := self._same_file(key, found, before, target, workers)) is not None:
                self._results.same(key, same, target.url, before)
            else:
                self._record(key, found, target, self._upload(key, found, target, workers))
        except UploadCancelled:
            if not self.cancel.is_set():
                raise
            self.was_cancelled = True
        except PartwayError as error:
            if isinstance(error, StateError) and not isinstance(error, StateLocked):
                raise
            self._results.failed(key, found.path, target.url, error, size=found.size)
        finally:
            self._reserved.pop(key, None)

    def _same_file(
        self, key: str, found: FileEntry, before: FileRecord | None, target: Target, workers: SharedWorkers
    ) -> SourceIdentity | None:
        """The file's identity if its object has the same bytes; None if it has not, or need not be compared."""
        if not (self._job.spec.skip_same or before is not None) or self.has_unfinished(key, found):
            return None

        def compare(worker: WorkerContext) -> SourceIdentity | None:
            s3 = retrying(self._job.context.backend, self._settings.policy, worker)
            return same_file(s3, target, found.path, self._checksum.algorithm, worker)

        with WorkerPool(workers, cancel=self.cancel, on_message=self._on_message) as pool:
            return pool.run(compare)

    def _upload(self, key: str, found: FileEntry, target: Target, workers: SharedWorkers) -> UploadDone | UploadSkipped:
        record = self._job.record
        restart = self._settings.restart or is_discarded(self._unfinished.get((found.path, key)), record)
        return upload_file(
            found.path,
            target,
            replace(
                self._job.context,
                settings=replace(self._settings, restart=restart),
                sink=partial(self._on_event, key),
                cancel=self.cancel,
            ),
            region=record.region,
            profile=record.profile,
            job=record.id,
            workers=workers,
        )

    def _on_event(self, key: str, event: Event) -> None:
        if isinstance(event, UploadStarted):
            self._reserved.pop(key, None)
        elif isinstance(event, PartsChecked) and key in self._reserved:
            self._reserved[key] = 1
        self._job.publisher(event)

    def _record(self, key: str, found: FileEntry, target: Target, done: UploadDone | UploadSkipped) -> None:
        match done:
            case UploadSkipped():
                self._results.skipped(key, found.identity, target.url, done.reason)
            case UploadDone():
                sent = file_as_sent(self._job.store, done.upload, found)
                self._results.done(key, sent, target.url, done.proof)
        self._results.flush()
        self._checksum.update()
