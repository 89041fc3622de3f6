"""A job: many files to one destination.  (docs/decisions/0013-jobs.md)

The walk is lazy and goes through a window of files at a time.  Large files of the window go first, each as an upload of
its own with every worker on its parts; then the small ones side by side, each as one object.  What is done is a row in
the store, so that a run after an interruption walks again and asks nobody about it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from partway.state.jobs import FileStatus, JobRecord, JobStatus
from partway.state.store import StateStore

from .backend import MultipartBackend, Target
from .bandwidth import Bandwidth, most_workers
from .claim import claimed_job
from .concurrency import Concurrency
from .errors import (
    PartwayError,
    PlanError,
    StateError,
    StateLocked,
    UploadCancelled,
    UploadFailed,
)
from .events import EventSink, JobDone, UploadSkipped, ignore
from .job_failures import may_go_the_long_way
from .job_ledger import Ledger, Stop
from .job_spec import JobSpec
from .job_work import SAME, FileProgress, FileSent, FileTask, is_same, send_file
from .live import JobTeller
from .options import check_key, with_content_type, with_customer_key
from .overlap import check_overlap
from .plan import PartSpec, plan_upload
from .pool import Cancel, WorkerPool
from .retry import Retry
from .run import new_id
from .scan import Found, Passed, scan
from .settings import UploadSettings, check_settings
from .upload import holder, upload_file, usual_algorithm
from .work import retrying

_WINDOW = 1000  # files that are known at a time
_SIDE_BY_SIDE = 16  # small files at the same time, where nobody named a number


def run_job(
    spec: JobSpec,
    sources: Callable[[], Iterable[tuple[str, str | None]]],
    *,
    backend: MultipartBackend,
    store: StateStore,
    settings: UploadSettings = UploadSettings(),  # noqa: B008 - frozen
    sink: EventSink = ignore,
    cancel: Cancel | None = None,
    region: str | None = None,
    profile: str | None = None,
    fail_fast: bool = False,
    now: Callable[[], float] = time.time,
) -> JobDone:
    """Upload every file of the sources, or what an earlier run of the same job left.

    One file's failure does not stop the others.

    Args:
        spec: What to upload.  An open job of an equal spec is gone on with.
        sources: Gives paths and names as ``scan`` takes them; called again for each pass.
        settings: As for one upload; ``restart`` forgets what earlier runs did.
        fail_fast: True ends the job with the first file that fails.

    Returns:
        JobDone, also when files failed: it counts them, and the sink was told of each.

    Raises:
        PlanError: two files have one key, or the settings are not possible.
        StateLocked: another process runs this job.
        UploadFailed: there is nothing to upload, the service does not answer, or a file failed and ``fail_fast`` is
            set.
        CredentialsExpired, UploadCancelled, StateError.
    """
    check_settings(settings)
    cancel = cancel or Cancel()
    spec = replace(spec, options=with_customer_key(spec.target(spec.prefix), backend).options)
    text = spec.to_json()
    with claimed_job(store, spec), JobTeller(store.live, sink) as told:
        record = store.jobs.unfinished(text, spec.endpoint)
        if record is not None and settings.restart:
            store.jobs.forget_files(record.id)
        if record is None:
            check_overlap(spec, sources)
            record = JobRecord(
                id=new_id(),
                status=JobStatus.OPEN,
                spec=text,
                target=spec.url,
                endpoint=spec.endpoint,
                region=region,
                profile=profile,
                created_at=now(),
                updated_at=now(),
            )
        record = replace(record, holder=holder(), updated_at=now())
        job = _Job(spec, record, backend, store, settings, told, cancel, fail_fast, now)
        return job.run(sources)


class _Job:
    """One run of a job, in the caller's thread."""

    def __init__(
        self,
        spec: JobSpec,
        record: JobRecord,
        backend: MultipartBackend,
        store: StateStore,
        settings: UploadSettings,
        told: JobTeller,
        cancel: Cancel,
        fail_fast: bool,
        now: Callable[[], float],
    ) -> None:
        self._spec = spec
        self._ledger = Ledger(record, store, told, fail_fast=fail_fast, now=now)
        self._record = record
        self._backend = backend
        self._store = store
        self._settings = replace(
            settings,
            part_size=spec.part_size,
            algorithm=spec.algorithm,
            guess_content_type=spec.guess_content_type,
        )
        self._told = told
        self._cancel = cancel
        self._now = now
        plan = plan_upload(0, part_size=spec.part_size, limits=settings.limits)
        # Bytes of the largest file that goes as one object.
        self._small = min(plan.part_size, settings.limits.max_put_size)
        limit = settings.bandwidth
        self._concurrency = Concurrency(
            settings.concurrency or _SIDE_BY_SIDE, at_most=None if limit is None else most_workers(limit)
        )
        self._bandwidth = None if limit is None else Bandwidth(limit, time.monotonic)

    def run(self, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> JobDone:
        ledger = self._ledger
        ledger.begin()
        self._told.begin(self._record.id)
        anything = False
        walk = scan(sources(), filters=self._spec.filters, follow_symlinks=self._spec.follow_symlinks)
        try:
            while window := list(islice(walk, _WINDOW)):
                passed = [each for each in window if isinstance(each, Passed)]
                found = [each for each in window if isinstance(each, Found)]
                anything = anything or bool(found) or any(each.failed for each in passed)
                for each in passed:
                    ledger.passed(each)
                self._send(found)
                if self._cancel.wanted:
                    raise UploadCancelled("stopped on request")
        except Stop as stop:
            raise stop.error from stop.error.__cause__
        finally:
            ledger.save()
        if not anything:
            self._store.jobs.remove(self._record.id)
            self._told.forget()
            what = "the list" if self._spec.listed else "the folder"
            what += " and the filters" if self._spec.filters else ""
            raise UploadFailed(f"no file is there to upload; check {what}", resumable=False)
        return ledger.end()

    def _send(self, found: Sequence[Found]) -> None:
        """Send what is left of a window: large files first, then the small ones."""
        keyed = dict(self._keyed(found))
        known = self._store.jobs.files(self._record.id, list(keyed))
        left: list[tuple[str, Found]] = []
        for key, each in keyed.items():
            before = known.get(key)
            finished = before is not None and before.status is not FileStatus.FAILED
            if before is not None and finished and (before.size, before.mtime_ns) == (each.size, each.mtime_ns):
                self._ledger.resumed()
            else:
                left.append((key, each))
        large = [pair for pair in left if not self._is_small(pair[1].size)]
        for key, each in sorted(large, key=lambda pair: -pair[1].size):
            self._send_large(key, each)
        self._send_small([pair for pair in left if self._is_small(pair[1].size)])

    def _keyed(self, found: Iterable[Found]) -> Iterator[tuple[str, Found]]:
        for each in found:
            try:
                key = self._spec.key(each.name)
                check_key(self._spec.target(key), self._settings.limits)
            except PlanError as error:
                self._ledger.failed("", each.path, "", error)
                continue
            yield key, each

    def _is_small(self, size: int) -> bool:
        return size <= self._small

    def _send_small(self, files: Sequence[tuple[str, Found]]) -> None:
        if not files:
            return
        algorithm = self._settings.algorithm or usual_algorithm(self._store, self._spec.endpoint, self._now())

        def tasks() -> Iterator[FileTask]:
            for key, each in files:
                self._told.file_begun(each.path)
                yield FileTask(
                    found=each,
                    target=self._target(key, each.path),
                    backend=self._backend,
                    policy=self._settings.policy,
                    algorithm=algorithm,
                    most=self._small,
                    skip_same=self._spec.skip_same,
                )

        unusual: list[FileTask] = []
        stop: list[Stop] = []
        with WorkerPool(
            self._concurrency,
            cancel=self._cancel,
            hear=self._hear,
            at_rest=self._at_rest,
            bandwidth=self._bandwidth,
        ) as pool:
            for outcome in pool.stream(send_file, tasks(), enough=lambda: bool(stop)):
                self._told.file_ended(outcome.task.found.path)
                if outcome.result is None:
                    assert outcome.error is not None
                    try:
                        self._trouble(outcome.task, outcome.error, unusual)
                    except Stop as error:
                        stop.append(error)
                elif outcome.result.unusual:
                    unusual.append(outcome.task)
                else:
                    self._concurrency.done(1, 0)
                    self._finish(outcome.task, outcome.result)
        if stop:
            raise stop[0]
        for task in unusual:
            self._send_large(task.target.key, task.found)

    def _hear(self, message: Any) -> None:
        if isinstance(message, FileProgress):
            self._told.file_sent(message.path, message.sent)
        elif isinstance(message, Retry):
            self._told.retried(message.reason)
            if message.throttled:
                self._concurrency.slow_down()
            elif message.timed_out:
                self._concurrency.timed_out()

    def _at_rest(self) -> None:
        self._ledger.flush_when_due()
        self._told.at_rest()

    def _trouble(self, task: FileTask, error: BaseException, unusual: list[FileTask]) -> None:
        if isinstance(error, UploadCancelled):
            return
        if not isinstance(error, PartwayError):
            raise error
        if may_go_the_long_way(error):
            unusual.append(task)
        else:
            self._ledger.failed(task.target.key, task.found.path, task.target.url, error)

    def _target(self, key: str, path: str) -> Target:
        target = self._spec.target(key)
        if not self._settings.guess_content_type:
            return target
        return replace(target, options=with_content_type(target.options, path))

    def _send_large(self, key: str, found: Found) -> None:
        """One file by the way of single uploads, which knows about everything that is unusual."""
        target = self._spec.target(key)
        try:
            if self._spec.skip_same and self._is_same(target, found):
                self._ledger.skipped(key, found.path, target.url, found.size, found.mtime_ns, SAME)
                return
            done = upload_file(
                found.path,
                target,
                backend=self._backend,
                store=self._store,
                settings=self._settings,
                sink=self._told,
                cancel=self._cancel,
                region=self._record.region,
                profile=self._record.profile,
                job=self._record.id,
                now=self._now,
            )
        except (UploadCancelled, StateError) as error:
            if not isinstance(error, StateLocked):
                raise
            self._ledger.failed(key, found.path, target.url, error)
        except PartwayError as error:
            self._ledger.failed(key, found.path, target.url, error)
        else:
            if isinstance(done, UploadSkipped):
                self._ledger.skipped(key, found.path, target.url, found.size, found.mtime_ns, done.reason)
            else:
                self._ledger.done(key, found.path, target.url, done.bytes, found.mtime_ns, done.proof)
            self._ledger.flush()

    def _is_same(self, target: Target, found: Found) -> bool:
        algorithm = self._settings.algorithm or usual_algorithm(self._store, self._spec.endpoint, self._now())
        whole = PartSpec(number=1, offset=0, size=found.size)
        with WorkerPool(1, cancel=self._cancel, hear=self._hear) as pool:
            return pool.run(
                lambda line: is_same(
                    retrying(self._backend, self._settings.policy, line), target, found.path, whole, algorithm
                )
            )

    def _finish(self, task: FileTask, sent: FileSent) -> None:
        source, target = sent.source, task.target
        if sent.proof is None:
            self._ledger.skipped(target.key, source.path, target.url, source.size, source.mtime_ns, sent.skipped or "")
        else:
            self._ledger.done(target.key, source.path, target.url, source.size, source.mtime_ns, sent.proof.value)
