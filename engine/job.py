"""A job: many files to one destination.  (docs/decisions/0013-jobs.md)

The walk is lazy and goes through a window of files at a time.  Large files of the window begin first, each as an upload
of its own; then the small ones, each as one object; as many at a time as there are places for parts in flight.  What is
done is a row in the store, so that a run after an interruption walks again and asks nobody about it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice

from partway.state.jobs import FileStatus, JobRecord, JobStatus
from partway.state.store import StateStore

from .backend import MultipartBackend
from .claim import claimed_job
from .errors import PlanError, UploadCancelled, UploadFailed
from .events import EventSink, JobDone, ignore
from .job_files import JobFiles
from .job_ledger import Ledger, Stop
from .job_leftovers import Leftovers
from .job_match import job_to_resume, open_job
from .job_recovery import recover_files
from .job_spec import JobSpec
from .limits import S3Limits
from .live import JobTeller
from .options import check_key, with_customer_key
from .overlap import check_overlap
from .pool import Cancel
from .run import new_id
from .scan import Found, Passed, scan
from .settings import UploadSettings, check_settings
from .upload import holder

_WINDOW = 1000  # files that are known at a time


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
    resume: str | None = None,
    fail_fast: bool = False,
    now: Callable[[], float] = time.time,
) -> JobDone:
    """Upload every file of the sources, or what an earlier run of the same job left.

    One file's failure does not stop the others.

    Args:
        spec: What to upload.  An open job of the same sources and destination is resumed.
        sources: Gives paths and names as ``scan`` takes them; called again for each pass.
        settings: As for one upload; ``restart`` forgets what earlier runs did.
        resume: The id of the open job whose spec this is; None looks for one.
        fail_fast: True ends the job with the first file that fails.

    Returns:
        JobDone, also when files failed: it counts them, and the sink was told of each.

    Raises:
        PlanError: two files have one key, the settings are not possible, or an open job would write the same objects
            with other options.
        StateLocked: another process runs this job.
        UploadFailed: there is nothing to upload, the service does not answer, a file failed and ``fail_fast`` is set,
            or another process ended the job that was to be resumed.
        CredentialsExpired, UploadCancelled, StateError.
    """
    check_settings(settings)
    cancel = cancel or Cancel()
    spec = replace(spec, options=with_customer_key(spec.target(spec.prefix), backend).options)
    text = spec.to_json()
    with claimed_job(store, spec), JobTeller(store.live, sink) as told:
        if resume is not None:
            record: JobRecord | None = job_to_resume(store, resume, spec)
        else:
            record = open_job(store, spec, restart=settings.restart)
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
        elif settings.restart:
            store.jobs.forget_files(record.id)
            # What was completed before counts no more, either.
            record = replace(record, created_at=now())
        else:
            recover_files(store, record)
        record = replace(record, spec=text, holder=holder(), updated_at=now())
        ledger = Ledger(record, store, told, fail_fast=fail_fast, now=now)
        with JobFiles(
            spec,
            record,
            ledger,
            backend=backend,
            store=store,
            settings=settings,
            told=told,
            cancel=cancel,
            now=now,
        ) as files:
            leftovers = Leftovers(record, store)
            settle = partial(leftovers.settle, ledger, backend, settings, cancel)
            return _Job(spec, record, store, told, ledger, files, leftovers, settle).run(sources, settings.limits)


class _Job:
    """One run of a job, in the caller's thread."""

    def __init__(
        self,
        spec: JobSpec,
        record: JobRecord,
        store: StateStore,
        told: JobTeller,
        ledger: Ledger,
        files: JobFiles,
        leftovers: Leftovers,
        settle: Callable[[], None],
    ) -> None:
        self._spec = spec
        self._record = record
        self._store = store
        self._told = told
        self._ledger = ledger
        self._files = files
        self._leftovers = leftovers
        self._settle = settle

    def run(self, sources: Callable[[], Iterable[tuple[str, str | None]]], limits: S3Limits) -> JobDone:
        ledger = self._ledger
        ledger.begin()
        self._told.begin(self._record.id)
        try:
            anything = self._walk(sources, limits)
            self._files.end()
            self._settle()
        except Stop as stop:
            self._files.stop()
            raise stop.error from stop.error.__cause__
        except UploadCancelled:
            self._files.stop()
            raise
        finally:
            ledger.save()
        if not anything:
            self._store.jobs.remove(self._record.id)
            self._told.forget()
            what = "the list" if self._spec.listed else "the folder"
            what += " and the filters" if self._spec.filters else ""
            raise UploadFailed(f"no file is there to upload; check {what}", resumable=False)
        return ledger.end()

    def _walk(self, sources: Callable[[], Iterable[tuple[str, str | None]]], limits: S3Limits) -> bool:
        """Begin to send every file that is left; True when the walk met any."""
        anything = False
        walk = self._going_on(scan(sources(), filters=self._spec.filters, follow_symlinks=self._spec.follow_symlinks))
        while window := list(islice(walk, _WINDOW)):
            passed = [each for each in window if isinstance(each, Passed)]
            found = [each for each in window if isinstance(each, Found)]
            anything = anything or bool(found) or any(each.failed for each in passed)
            for each in passed:
                self._ledger.passed(each)
            self._send(dict(self._keyed(found, limits)))
        return anything

    def _going_on(self, walk: Iterable[Found | Passed]) -> Iterator[Found | Passed]:
        """The walk, while what was begun goes on: where most files are done, or the disk is slow, it takes its time."""
        for each in walk:
            self._files.go_on()
            yield each

    def _send(self, found: Mapping[str, Found]) -> None:
        """Send what is left of a window: large files first, then the small ones."""
        self._leftovers.meet(found)
        known = self._store.jobs.files(self._record.id, list(found))
        left: list[tuple[str, Found]] = []
        for key, each in found.items():
            before = known.get(key)
            finished = before is not None and before.status is not FileStatus.FAILED
            if before is not None and finished and (before.size, before.mtime_ns) == (each.size, each.mtime_ns):
                self._ledger.resumed()
            else:
                left.append((key, each))
        small = [pair for pair in left if self._files.is_small(*pair)]
        large = [pair for pair in left if not self._files.is_small(*pair)]
        for key, each in sorted(large, key=lambda pair: -pair[1].size):
            self._files.send_large(key, each)
        for key, each in small:
            self._files.send_small(key, each)

    def _keyed(self, found: Iterable[Found], limits: S3Limits) -> Iterator[tuple[str, Found]]:
        for each in found:
            try:
                key = self._spec.key(each.name)
                check_key(self._spec.target(key), limits)
            except PlanError as error:
                self._ledger.failed("", each.path, "", error)
                continue
            yield key, each
