"""Send the small files of a job: a worker sends each with one PutObject."""

from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, assert_never

from partway.state.jobs import FileRecord

from ..backend.target import Target
from ..errors import PartwayError, UploadCancelled
from ..job_records.rows import SAME
from ..proof.write_trust import WriteTrust
from ..retry.outage_events import Outage
from ..retry.policy import Retry
from ..run.failures import needs_full_upload
from ..run.preserve import with_file_attributes
from ..run.stored_options import with_content_type
from ..upload.source_check import SourceChecks
from ..walk.walk import FileEntry
from ..workers.channel import WorkerContext
from ..workers.coroutines import CoroutineScheduler
from ..workers.executor import Workers
from .checksum import JobChecksum
from .context import JobRun
from .results import JobResults
from .same_object import NotComparable
from .tasks import FileNotSent, FileOutcome, FileProgress, FileSent, FileTask, NeedsFullUpload, send_file


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentFile:
    """A file for which one PutObject was not enough.  before: as for ``JobFiles.send_large``."""

    key: str
    found: FileEntry
    before: FileRecord | None


@dataclass(frozen=True, slots=True)
class _Ended:
    task: FileTask
    before: FileRecord | None
    weight: int
    future: "Future[FileOutcome]"


class SmallFiles:
    """Sends files concurrently, and records the result of each.  Used in the caller's thread.

    running: the number of files that are being sent.
    was_cancelled: True once a file ended by a cancel.

    Args:
        max_size: The maximum size of a file that is sent with one PutObject, in bytes.
    """

    def __init__(
        self,
        job: JobRun,
        results: JobResults,
        checksum: JobChecksum,
        workers: Workers,
        scheduler: CoroutineScheduler,
        *,
        max_size: int,
    ) -> None:
        self._job = job
        self._settings = job.upload_settings
        self._results = results
        self._checksum = checksum
        self._workers = workers
        self._concurrency = workers.concurrency
        self._messages = scheduler.callback_queue(self.on_message)
        self._worker = WorkerContext.of(workers, self._messages, job.context.cancel)
        self._max_size = max_size
        self._trust = WriteTrust(job.spec.endpoint, always_ask=self._settings.verify_each)
        self._outage = Outage(job.publisher, job.context.clock.monotonic)
        self._unsent: list[UnsentFile] = []
        self.running = 0
        self.was_cancelled = False

    def __bool__(self) -> bool:
        """True while a file is being sent, or waits for ``take_unsent``."""
        return bool(self.running or self._unsent)

    def close(self) -> None:
        """Stop listening to workers: they end at their next check."""
        self._worker.close()

    def start(self, key: str, found: FileEntry, before: FileRecord | None) -> None:
        """Start to send a file.  before: as for ``JobFiles.send_large``."""
        weight = self._concurrency.weight(found.size)
        self._concurrency.take(weight)
        task = FileTask(
            found=found,
            target=self._target(key, found),
            backend=self._job.context.backend,
            policy=self._settings.policy,
            algorithm=self._checksum.algorithm,
            max_size=self._max_size,
            skip_same=self._job.spec.skip_same or before is not None,
            checks=SourceChecks.of(self._settings),
            trust=self._trust,
        )
        self._job.publisher.file_begun(found.path)
        self.running += 1
        future = self._workers.call(send_file, task, self._worker)
        future.add_done_callback(lambda ended: self._messages.put(_Ended(task, before, weight, ended)))

    def take_unsent(self) -> list[UnsentFile]:
        """The files that must be sent as uploads, since the last call."""
        unsent, self._unsent = self._unsent, []
        return unsent

    def on_message(self, message: Any) -> None:
        """Handle a message from a worker.

        Raises:
            JobStopped: a file failed in a way that ends the job.
        """
        publisher = self._job.publisher
        match message:
            case _Ended():
                self.running -= 1
                self._concurrency.release(message.weight)
                publisher.file_ended(message.task.found.path)
                self._end(message.task, message.before, message.future)
            case FileProgress():
                self._concurrency.sent((message.path, 1), message.sent, message.size)
                publisher.file_sent(message.path, message.sent)
            case NotComparable():
                self._results.not_comparable(message)
            case Retry():
                publisher.retried(message.reason)
                if message.unreachable:
                    self._outage.lost(self._job.record.id, message)
                self._concurrency.on_retry(message)

    def _end(self, task: FileTask, before: FileRecord | None, future: "Future[FileOutcome]") -> None:
        path, key, url = task.found.path, task.target.key, task.target.url
        match _outcome(future):
            case FileSent(source=source, proof=proof):
                self._record_response(path, sent=source.size)
                self._results.done(key, source, url, proof.value)
            case FileNotSent(source=source, reason=reason):
                self._record_response(path, sent=0)
                if reason == SAME:
                    self._results.same(key, source, url, before)
                else:
                    self._results.skipped(key, source, url, reason)
            case NeedsFullUpload():
                self._concurrency.remove_upload(path)
                self._unsent.append(UnsentFile(key=key, found=task.found, before=before))
            case UploadCancelled():
                self._concurrency.remove_upload(path)
                self.was_cancelled = True
            case PartwayError() as error:
                self._concurrency.remove_upload(path)
                self._results.failed(key, path, url, error, size=task.found.size)
            case never:
                assert_never(never)

    def _record_response(self, path: str, *, sent: int) -> None:
        self._outage.reached(self._job.record.id)
        self._concurrency.done((path, 1), sent)

    def _target(self, key: str, found: FileEntry) -> Target:
        target = self._job.spec.target(key)
        options = with_file_attributes(target.options, found.path, found.mtime_ns)
        if self._settings.guess_content_type:
            options = with_content_type(options, found.path)
        return replace(target, options=options)


def _outcome(future: "Future[FileOutcome]") -> FileOutcome | PartwayError:
    """The outcome of a file, or its error.  Any other exception is a bug and is raised."""
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, PartwayError):
        raise error
    return NeedsFullUpload() if needs_full_upload(error) else error
