"""Plan a job: the same walk, but nothing is sent or stored.  Only a window of files is in memory."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice

from partway.state.uploads import UNFINISHED

from ..backend.protocol import MultipartBackend
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import PartwayError, PlanError, SourceError, is_resumable
from ..events.dry_run import JobPlanned
from ..events.request_counts import Requests
from ..events.upload import TAKEN, FileFailed, FileSkipped
from ..job.same_object import is_same
from ..job_records.match import open_job, with_encoding
from ..job_records.rows import SAME, FileState, file_state
from ..retry.policy import RetryPolicy
from ..run.context import EngineContext
from ..run.failures import fails_for_all
from ..run.record import default_algorithm
from ..run.settings import check_settings
from ..run.stored_options import check_key, with_sse_c_fingerprint
from ..upload.overwrite import target_exists
from ..walk.empty import is_emptied, no_files_error
from ..walk.file_limits import chosen
from ..walk.key_collisions import check_key_collisions, distinct, may_collide
from ..walk.order import Order, OrderBy, in_order
from ..walk.spec import JobSpec
from ..walk.walk import FileEntry, SkippedEntry, walk_sources
from ..workers.channel import WorkerContext
from ..workers.executor import fixed_workers
from ..workers.outcome import TaskDone, TaskFailed
from ..workers.part_tasks import retrying
from ..workers.pool import WorkerPool
from .file import planned

_WINDOW = 1000  # files in memory at a time
_MAX_CHECKS = 16  # concurrent checks


@dataclass(frozen=True, slots=True, kw_only=True)
class _CheckTask:
    """Check whether the file must be sent."""

    found: FileEntry
    target: Target
    backend: MultipartBackend
    policy: RetryPolicy
    algorithm: ChecksumAlgorithm
    skip_same: bool


def plan_job(
    spec: JobSpec,
    sources: Callable[[], Iterable[tuple[str, str | None]]],
    context: EngineContext,
    *,
    resume: str | None = None,
    fail_if_empty: bool = False,
) -> JobPlanned:
    """What ``run_job`` would do with these arguments.  Emits an event for each file.

    Raises:
        PlanError: two files have the same key, the settings are invalid, or an open job would write the same objects
            with other options.
        UploadFailed: there are no files, and that may be an error.
        RemoteError: the service would refuse every file, or is unreachable.  Only if the dry run needs the service.
    """
    store, settings = context.store, context.settings
    check_settings(settings)
    spec = replace(spec, options=with_sse_c_fingerprint(spec.target(spec.prefix), context.backend).options)
    record = store.jobs.get(resume) if resume else open_job(store, spec, restart=settings.restart)
    if record is not None and not settings.restart:
        spec = with_encoding(spec, record)
    resumed = None if record is None or settings.restart else record.id
    created_at = record.created_at if record is not None and resumed else context.clock.time()
    spec = replace(spec, limits=spec.limits.since(created_at))
    check_key_collisions(spec, sources, store.jobs, resumed, prune=False)
    if may_collide(spec):
        store.jobs.begin_walk()
    job = _DryJob(spec, "" if record is None else record.id, context, fail_if_empty=fail_if_empty)
    walk = walk_sources(sources(), filters=spec.filters, follow_symlinks=spec.follow_symlinks)
    # For people who read what would be done.
    walk = in_order(walk, spec.order or Order(by=OrderBy.NAME))
    while window := list(islice(walk, _WINDOW)):
        job.plan(window)
    return job.end()


class _DryJob:
    """The counts of a dry run, kept in the caller's thread."""

    def __init__(self, spec: JobSpec, id: str, context: EngineContext, *, fail_if_empty: bool) -> None:
        self._fail_if_empty, self._emptied = fail_if_empty, False
        self._spec, self._id, self._store, self._sink = spec, id, context.store, context.sink
        self._settings = replace(context.settings, part_size=spec.part_size, algorithm=spec.algorithm)
        self._context = replace(context, settings=self._settings)
        self._files = self._bytes = self._kept = self._skipped = self._failed = self._resumed = 0
        self._needed = Requests()
        uploads = context.store.uploads_in(spec.endpoint, spec.bucket, statuses=UNFINISHED, job=id) if id else ()
        self._unfinished = {each.key for each in uploads}

    def plan(self, window: Sequence[FileEntry | SkippedEntry]) -> None:
        """Plan the files of one window."""
        files = chosen(self._keyed(window), self._spec.limits, self._store.jobs, self._id, self._unfinished)
        # Several files with one key were rejected earlier, so a repeated key is the same file.
        keyed = distinct(files, self._store.jobs)[0] if may_collide(self._spec) else dict(files)
        uncertain = set() if self._settings.restart else self._drop_done(keyed)
        reasons = self._check(keyed, uncertain)
        for key, each in keyed.items():
            if key in uncertain and reasons[key] == SAME:
                self._resumed += 1
            else:
                self._file(key, each, reasons.get(key))
        self._context.cancel.raise_if_cancelled()

    def _keyed(self, window: Sequence[FileEntry | SkippedEntry]) -> Iterator[tuple[str, FileEntry]]:
        for each in window:
            if isinstance(each, SkippedEntry):
                self._skip(each)
                continue
            try:
                key = self._spec.key(each.name)
                check_key(self._spec.target(key), self._settings.limits)
                if not os.access(each.path, os.R_OK):
                    raise SourceError("it is not readable by this user")
            except (PlanError, SourceError) as error:
                if self._spec.limits.allow(each):
                    self._fail(each.path, "", error)
                continue
            yield key, each

    def end(self) -> JobPlanned:
        """The counts.

        Raises:
            UploadFailed: there were no files, and that may be an error.
        """
        if not self._files + self._skipped + self._failed + self._resumed:
            error = no_files_error(
                self._spec, self._id or None, emptied=self._emptied, fail_if_empty=self._fail_if_empty
            )
            if error is not None:
                raise error
        event = JobPlanned(
            job=self._id,
            target=self._spec.url,
            files=self._files,
            bytes=self._bytes,
            kept_bytes=self._kept,
            skipped=self._skipped,
            failed=self._failed,
            resumed=self._resumed,
            **asdict(self._needed),
        )
        self._sink(event)
        return event

    def _drop_done(self, keyed: dict[str, FileEntry]) -> set[str]:
        """Remove finished files, and return the keys of those that may have changed since they were sent."""
        known = self._store.jobs.files(self._id, list(keyed)) if self._id else {}
        states = {key: file_state(row, keyed[key].identity) for key, row in known.items()}
        for key, state in states.items():
            if state is FileState.DONE:
                self._resumed += 1
                del keyed[key]
        return {key for key, state in states.items() if state is FileState.UNCERTAIN}

    def _check(self, keyed: dict[str, FileEntry], uncertain: Collection[str]) -> dict[str, str | PartwayError | None]:
        """Why files need not or cannot be sent, by key; None for files to send.  Only files that require a request."""
        needs_all = self._spec.skip_same or self._spec.options.no_overwrite
        if not needs_all and not uncertain:
            return {}
        algorithm = self._settings.algorithm or default_algorithm(
            self._store, self._spec.endpoint, self._context.clock.time()
        )
        tasks = (
            _CheckTask(
                found=each,
                target=self._spec.target(key),
                backend=self._context.backend,
                policy=self._settings.policy,
                algorithm=algorithm,
                skip_same=self._spec.skip_same or key in uncertain,
            )
            for key, each in keyed.items()
            if needs_all or key in uncertain
        )
        reasons: dict[str, str | PartwayError | None] = {}
        workers = fixed_workers(self._settings.concurrency or _MAX_CHECKS, self._context.runtime)
        with WorkerPool(workers, cancel=self._context.cancel, on_message=lambda _: None) as pool:
            for outcome in pool.stream(_check, tasks):
                key = outcome.task.target.key
                match outcome:
                    case TaskDone(result=reason):
                        reasons[key] = reason
                    case TaskFailed(error=PartwayError() as error) if not fails_for_all(error):
                        reasons[key] = error
                    case TaskFailed(error=error):
                        raise error
        return reasons

    def _file(self, key: str, found: FileEntry, reason: str | PartwayError | None) -> None:
        target = self._spec.target(key)
        try:
            if isinstance(reason, PartwayError):
                raise reason
            if reason is not None:
                self._skipped += 1
                self._sink(FileSkipped(job=self._id, source=found.path, target=target.url, reason=reason))
                return
            record = self._store.unfinished(found.path, target.endpoint, target.bucket, target.key)
            source = found.identity if record is None else self._context.runtime.identify(found.path)
            event = planned(source, target, record, self._context)
        except PartwayError as error:
            self._fail(found.path, target.url, error)
            return
        self._files += 1
        self._bytes += found.size
        self._kept += event.kept_bytes
        # A job sends a small file without a HEAD of the key; with ``skip_same``, there is always a HEAD.
        heads = int(self._spec.skip_same) - int(target.options.no_overwrite and bool(event.put_object))
        event = replace(event, head_object=event.head_object + heads)
        self._needed += event
        self._sink(event)

    def _skip(self, entry: SkippedEntry) -> None:
        if entry.failed:
            self._fail(entry.path, "", SourceError(entry.reason))
        else:
            self._emptied = self._emptied or is_emptied(entry, self._spec)
            self._sink(FileSkipped(job=self._id, source=entry.path, target="", reason=entry.reason))

    def _fail(self, path: str, url: str, error: PartwayError) -> None:
        self._failed += 1
        resumable = is_resumable(error)
        self._sink(FileFailed(job=self._id, source=path, target=url, error=str(error), resumable=resumable))


def _check(task: _CheckTask, worker: WorkerContext) -> str | None:
    s3 = retrying(task.backend, task.policy, worker)
    if task.skip_same and is_same(s3, task.target, task.found.path, task.found.size, task.algorithm, worker):
        return SAME
    if task.target.options.no_overwrite and target_exists(s3, task.target, task.algorithm):
        return TAKEN
    return None
