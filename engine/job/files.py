"""A job's files on their way: large ones as uploads, small ones as one object each, from one set of workers."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from partway.state.jobs import FileRecord

from ..backend.target import Target
from ..errors import PartwayError, StateError, StateLocked, UploadCancelled
from ..events import Event
from ..events.upload import PartsChecked, UploadSkipped, UploadStarted
from ..job_records.rows import SAME, file_as_sent, unfinished_uploads
from ..retry.outage_events import Outage
from ..retry.policy import Retry
from ..run.failures import needs_full_upload
from ..run.record import default_algorithm
from ..run.settings import make_workers
from ..run.stored_options import with_content_type
from ..source.identity import SourceIdentity
from ..source.plan import plan_upload
from ..upload.file import upload_file
from ..upload.source_check import SourceChecks
from ..walk.walk import FileEntry
from ..workers.channel import CancelToken, Lane, WorkerContext
from ..workers.coroutines import CoroutineScheduler
from ..workers.part_tasks import retrying
from ..workers.pool import GRACE, WorkerPool
from .context import JobRun
from .leftovers import is_given_up
from .results import JobResults, Stop
from .same_object import NotComparable, same_file
from .tasks import FileProgress, FileSent, FileTask, send_file


@dataclass(frozen=True, slots=True)
class _Ended:
    task: FileTask
    before: FileRecord | None
    share: int
    future: "Future[FileSent]"


class JobFiles:
    """Sends files, several at a time, and tells the ledger what became of each.  In the caller's thread.

    A context manager; whatever raises Stop is to be followed by ``stop``.
    """

    def __init__(self, job: JobRun, ledger: JobResults) -> None:
        spec, context = job.spec, job.context
        settings = context.settings
        plan = plan_upload(0, part_size=spec.part_size, limits=settings.limits)
        self._small = min(plan.part_size, settings.limits.max_put_size)
        self._spec = spec
        self._record = job.record
        self._ledger = ledger
        self._backend = context.backend
        self._store = context.store
        self._settings = replace(
            settings,
            part_size=spec.part_size,
            algorithm=spec.algorithm,
            guess_content_type=spec.guess_content_type,
        )
        self._told = job.publisher
        self._cancel = context.cancel
        self._cancel_uploads = CancelToken(parent=context.cancel)
        self._context = context
        self._workers = make_workers(settings, plan.part_size)
        self._concurrency = self._workers.concurrency
        self._lanes = CoroutineScheduler(self._workers, self._at_rest)
        self._messages = self._lanes.callback_queue(self._hear)
        self._line = WorkerContext(
            self._messages, context.cancel, self._workers.breaker, bandwidth=self._workers.bandwidth
        )
        self._running = 0  # small files
        self._part_size = plan.part_size
        self._reserved: dict[str, int] = {}  # parts of uploads that have not come to them, by key
        self._unusual: list[tuple[FileTask, FileRecord | None]] = []
        self._stopped = False  # a file by a cancel
        self._outage = Outage(job.publisher)  # of small files
        self._begun = unfinished_uploads(context.store, spec)
        self._learn()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()
        self._lanes.__exit__(kind, error, trace)
        self._workers.close()

    def is_small(self, key: str, found: FileEntry) -> bool:
        """True when the file can go as one object; one that was begun otherwise has to be brought to its end."""
        return found.size <= self._small and (found.path, key) not in self._begun

    def send_large(self, key: str, found: FileEntry, before: FileRecord | None) -> None:
        """Begin to send a file by the way of single uploads, which knows about everything that is unusual.

        Args:
            before: The row of a file that an earlier run sent and that may be another by now: it is compared with the
                object first.  None for a file that is sent in any case.

        Raises:
            Stop, UploadCancelled, StateError: as soon as any file meets what ends the job.
        """
        self._wait_for_room()
        # As many as it will want: others that are begun meanwhile would only wait for it.
        # But one that is compared with what S3 has, which may take long, may want none.
        compared = self._spec.skip_same or before is not None
        self._reserved[key] = 1 if compared else max(1, -(-found.size // self._part_size))
        self._lanes.spawn(partial(self._upload, key, found, before))

    def send_small(self, key: str, found: FileEntry, before: FileRecord | None) -> None:
        """Begin to send a file as one object; ``before`` as in ``send_large``.

        Raises:
            Stop, UploadCancelled, StateError: as soon as any file meets what ends the job.
        """
        self._send_unusual()
        self._wait_for_room()
        share = self._concurrency.weight(found.size)
        self._concurrency.acquire(share)
        task = FileTask(
            found=found,
            target=self._target(key, found.path),
            backend=self._backend,
            policy=self._settings.policy,
            algorithm=self._algorithm,
            most=self._small,
            skip_same=self._spec.skip_same or before is not None,
            checks=SourceChecks.of(self._settings),
        )
        self._told.file_begun(found.path)
        self._running += 1
        future = self._workers.call(send_file, task, self._line)
        future.add_done_callback(lambda ended: self._messages.put(_Ended(task, before, share, ended)))

    def _send_unusual(self) -> None:
        """Begin anew, as large ones, with small files of which one object was not enough."""
        unusual, self._unusual = self._unusual, []
        for task, before in unusual:
            self.send_large(task.target.key, task.found, before)

    def go_on(self) -> None:
        """See to what was begun, without waiting for anything.

        Raises:
            Stop, UploadCancelled, StateError: as soon as any file meets what ends the job.
        """
        self._lanes.run_ready()
        self._line.raise_if_cancelled()

    def end(self) -> None:
        """Wait until every file that was begun has ended.

        Raises:
            Stop, UploadCancelled, StateError: as soon as any file meets what ends the job.
        """
        while self._running or self._lanes or self._unusual:
            self._send_unusual()
            self._step()
        if self._stopped:
            # The last of them ended before the cancel was seen here.
            self._line.raise_if_cancelled()

    def stop(self) -> None:
        """Let what was begun end: uploads at once; small files by themselves, but for a cancel."""
        self._cancel_uploads.set()
        end = time.monotonic() + GRACE
        while self._lanes or (self._running and not (self._cancel.is_set() and time.monotonic() > end)):
            try:
                self._lanes.run_once()
            except Stop:
                # The first one says why.
                continue

    def _wait_for_room(self) -> None:
        while not self._has_room():
            self._step()
        self._line.raise_if_cancelled()

    def _has_room(self) -> bool:
        return len(self._lanes) < 2 * self._concurrency.limit and self._concurrency.has_room(
            reserved=sum(self._reserved.values())
        )

    def _step(self) -> None:
        self._line.raise_if_cancelled()
        self._lanes.run_once()

    def _at_rest(self) -> None:
        self._ledger.flush_if_due()
        self._told.on_idle()

    # --- large files

    def _upload(self, key: str, found: FileEntry, before: FileRecord | None, lane: Lane) -> None:
        def hear(event: Event) -> None:
            if isinstance(event, UploadStarted):
                self._reserved.pop(key, None)
            elif isinstance(event, PartsChecked) and key in self._reserved:
                self._reserved[key] = 1
            self._told(event)

        target = self._spec.target(key)
        try:
            begun = self._begun.get((found.path, key))
            compared = (self._spec.skip_same or before is not None) and begun is None
            if compared and (same := self._same(target, found, lane)) is not None:
                self._ledger.same(key, same, target.url, before)
                return
            restart = self._settings.restart or is_given_up(begun, self._record)
            done = upload_file(
                found.path,
                target,
                replace(
                    self._context,
                    settings=replace(self._settings, restart=restart),
                    sink=hear,
                    cancel=self._cancel_uploads,
                ),
                region=self._record.region,
                profile=self._record.profile,
                job=self._record.id,
                lane=lane,
            )
        except UploadCancelled:
            if not self._cancel_uploads.is_set():
                raise
            self._stopped = True
        except StateError as error:
            if not isinstance(error, StateLocked):
                raise
            self._ledger.failed(key, found.path, target.url, error)
        except PartwayError as error:
            self._ledger.failed(key, found.path, target.url, error)
        else:
            if isinstance(done, UploadSkipped):
                self._ledger.skipped(key, found.identity, target.url, done.reason)
            else:
                self._ledger.done(key, file_as_sent(self._store, done.upload, found), target.url, done.proof)
            self._ledger.flush()
            self._learn()
        finally:
            self._reserved.pop(key, None)

    def _same(self, target: Target, found: FileEntry, lane: Lane) -> SourceIdentity | None:
        def compare(line: WorkerContext) -> SourceIdentity | None:
            s3 = retrying(self._backend, self._settings.policy, line)
            return same_file(s3, target, found.path, self._algorithm, line)

        with WorkerPool(lane, cancel=self._cancel_uploads, on_message=self._hear) as pool:
            return pool.run(compare)

    def _learn(self) -> None:
        """An upload may have found out which checksum the service needs."""
        self._algorithm = self._settings.algorithm or default_algorithm(
            self._store, self._spec.endpoint, self._context.clock.time()
        )

    # --- small files

    def _target(self, key: str, path: str) -> Target:
        target = self._spec.target(key)
        guesses = self._settings.guess_content_type
        return replace(target, options=with_content_type(target.options, path)) if guesses else target

    def _hear(self, message: Any) -> None:
        match message:
            case _Ended():
                self._running -= 1
                self._concurrency.release(message.share)
                self._end_small(message.task, message.before, message.future)
            case FileProgress():
                self._concurrency.sent((message.path, 1), message.sent, message.size)
                self._told.file_sent(message.path, message.sent)
            case NotComparable():
                self._ledger.not_comparable(message)
            case Retry():
                self._told.retried(message.reason)
                if message.unreachable:
                    self._outage.lost(self._record.id, message)
                self._concurrency.on_retry(message)

    def _end_small(self, task: FileTask, before: FileRecord | None, future: "Future[FileSent]") -> None:
        path = task.found.path
        self._told.file_ended(path)
        error = future.exception()
        if error is not None:
            self._concurrency.remove_upload(path)
            if isinstance(error, UploadCancelled):
                self._stopped = True
                return
            if not isinstance(error, PartwayError):
                raise error
            if not needs_full_upload(error):
                self._ledger.failed(task.target.key, path, task.target.url, error)
                return
        sent = None if error else future.result()
        if sent is None or sent.unusual:
            self._concurrency.remove_upload(path)
            self._unusual.append((task, before))
            return
        self._outage.reached(self._record.id)
        source, target = sent.source, task.target
        self._concurrency.done((path, 1), source.size if sent.proof else 0)
        if sent.proof is not None:
            self._ledger.done(target.key, source, target.url, sent.proof.value)
        elif sent.skipped == SAME:
            self._ledger.same(target.key, source, target.url, before)
        else:
            self._ledger.skipped(target.key, source, target.url, sent.skipped or "")
