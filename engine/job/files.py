"""Send the files of a job: large ones as uploads, small ones with one PutObject each, with one set of workers."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

from partway.state.jobs import FileRecord
from partway.state.live import LiveStore

from ..errors import UploadCancelled
from ..limits import limits_at
from ..run.settings import make_workers
from ..source.plan import plan_upload
from ..walk.count import CountTask, FileCount, count_files
from ..walk.walk import FileEntry
from ..workers.channel import WorkerContext
from ..workers.coroutines import CoroutineScheduler
from ..workers.pool import GRACE
from .checksum import JobChecksum
from .context import JobRun
from .results import JobResults, JobStopped
from .small_files import SmallFiles
from .uploads import JobUploads


class JobFiles:
    """Sends files concurrently, and records the result of each.  Used in the caller's thread.

    A context manager; call ``stop`` after a method has raised JobStopped or UploadCancelled.
    """

    def __init__(self, job: JobRun, results: JobResults) -> None:
        limits = limits_at(job.spec.endpoint, job.context.settings.limits)
        part_size = plan_upload(0, part_size=job.spec.part_size, limits=limits).part_size
        self._max_small = min(part_size, limits.max_put_size)
        self._clock = job.context.clock
        self._cancel = job.context.cancel
        self._publisher = job.publisher
        self._results = results
        self._workers = make_workers(job.context.settings, part_size, job.context.runtime)
        self._scheduler = CoroutineScheduler(self._workers, self._on_idle)
        self._counting: WorkerContext | None = None
        checksum = JobChecksum(job)
        self._small = SmallFiles(job, results, checksum, self._workers, self._scheduler, max_size=self._max_small)
        self._uploads = JobUploads(
            job, results, checksum, self._scheduler, part_size=part_size, on_message=self._small.on_message
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_counting()
        self._small.close()
        self._scheduler.__exit__(kind, error, trace)
        self._workers.close()

    def follow_pace(self, live: LiveStore, job: str) -> None:
        """Let ``partway pace`` change the limits of this job."""
        if self._workers.pace is not None:
            self._workers.pace.follow(live, job)

    def is_small(self, key: str, found: FileEntry) -> bool:
        """True when one PutObject is enough for the file, and it has no unfinished upload to resume."""
        return found.size <= self._max_small and not self._uploads.has_unfinished(key, found)

    def send_large(self, key: str, found: FileEntry, before: FileRecord | None) -> None:
        """Start an upload of the file.

        Args:
            before: The row of an earlier run that sent this file, if it may have changed since: it is compared with the
                object first.  None sends the file unconditionally.

        Raises:
            JobStopped, UploadCancelled, StateError: as soon as a file fails in a way that ends the job.
        """
        self._wait_for_slot()
        self._uploads.start(key, found, before)

    def send_small(self, key: str, found: FileEntry, before: FileRecord | None) -> None:
        """Start to send the file with one PutObject.  ``before`` and the errors are those of ``send_large``."""
        self._resend_as_uploads()
        self._wait_for_slot()
        self._small.start(key, found, before)

    def count_ahead(self, task: CountTask, on_count: Callable[[FileCount], None]) -> None:
        """Have a worker count files, unless one does already.  on_count: called in the caller's thread."""
        if self._counting is not None:
            return
        messages = self._scheduler.callback_queue(partial(_deliver_count, on_count))
        self._counting = WorkerContext.of(self._workers, messages, self._cancel)
        self._workers.call(count_files, task, self._counting).add_done_callback(messages.put)

    def stop_counting(self) -> None:
        """The count is no longer needed."""
        if self._counting is not None:
            self._counting.close()

    def run_ready(self) -> None:
        """Continue the files in progress, without blocking.

        Raises:
            JobStopped, UploadCancelled, StateError: as soon as a file fails in a way that ends the job.
        """
        self._scheduler.run_ready()
        self._cancel.raise_if_cancelled()

    def finish(self) -> None:
        """Wait for all files in progress.

        Raises:
            JobStopped, UploadCancelled, StateError: as soon as a file fails in a way that ends the job.
        """
        while self._small or self._scheduler:
            self._resend_as_uploads()
            if self._small or self._scheduler:
                self._run_once()
        if self._small.was_cancelled or self._uploads.was_cancelled:
            # The last file ended before this thread noticed the cancel.
            self._cancel.raise_if_cancelled()

    def stop(self) -> None:
        """Wait for the files in progress.  Uploads are cancelled; small files finish, or are abandoned after a grace
        period if the job was cancelled."""
        self._uploads.cancel.set()
        end = self._clock.monotonic() + GRACE
        while self._scheduler or (
            self._small.running and not (self._cancel.is_set() and self._clock.monotonic() > end)
        ):
            try:
                self._scheduler.run_once()
            except JobStopped:
                # The first JobStopped has been raised already, and is the reported error.
                continue

    def _resend_as_uploads(self) -> None:
        for each in self._small.take_unsent():
            self.send_large(each.key, each.found, each.before)

    def _wait_for_slot(self) -> None:
        while not self._has_slot():
            self._run_once()
        self._cancel.raise_if_cancelled()

    def _has_slot(self) -> bool:
        concurrency = self._workers.concurrency
        return len(self._scheduler) < 2 * concurrency.limit and concurrency.has_room(reserved=self._uploads.reserved)

    def _run_once(self) -> None:
        self._cancel.raise_if_cancelled()
        self._scheduler.run_once()

    def _on_idle(self) -> None:
        self._results.flush_if_due()
        self._publisher.on_idle()


def _deliver_count(on_count: Callable[[FileCount], None], message: "FileCount | Future[FileCount]") -> None:
    """message: what was counted so far, or the end of the count."""
    with suppress(UploadCancelled):
        on_count(message if isinstance(message, FileCount) else message.result())
