"""A job: many files to one destination.  (docs/decisions/0013-jobs.md)

The walk is lazy and goes through a window of files at a time.  Large files of the window begin first, each as an upload
of its own; then the small ones, each as one object; as many at a time as there are places for parts in flight.  What is
done is a row in the store, so that a run after an interruption walks again and asks nobody about it.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice

from partway.state.jobs import FileRecord, JobRecord, JobStatus
from partway.state.store import StateStore

from .backend import MultipartBackend
from .claim import claimed_job
from .errors import PartwayError, PlanError, UploadCancelled, UploadFailed
from .events import EventSink, JobDone, OverwriteNotExcluded, ignore
from .job_failures import was_never_reached
from .job_files import JobFiles
from .job_ledger import Ledger, Stop
from .job_leftovers import Leftovers
from .job_match import job_to_resume, open_job
from .job_recovery import recover_files
from .job_rows import Standing, standing
from .job_spec import JobSpec
from .limits import S3Limits
from .live import JobTeller
from .options import check_key, with_customer_key
from .overlap import check_overlap
from .overwrite import needs_look
from .pool import Cancel
from .run import new_id
from .scan import EMPTY, Found, Passed, scan
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
    prune: bool = False,
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
        prune: True accepts that files of earlier runs are gone: they are forgotten, and their unfinished parts aborted.

    Returns:
        JobDone, also when files failed or are missing: it counts them, and the sink was told of each that failed.

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
        is_new = record is None
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
            leftovers = Leftovers(record, store, listed=spec.listed is not None)
            settle = partial(leftovers.settle, ledger, backend, settings, cancel)
            job = _Job(spec, record, store, told, ledger, files, leftovers, settle, is_new=is_new, prune=prune)
            return job.run(sources, settings.limits)


class _Job:
    """One run of a job, in the caller's thread.

    is_new: nothing is known of it from earlier runs.
    """

    def __init__(
        self,
        spec: JobSpec,
        record: JobRecord,
        store: StateStore,
        told: JobTeller,
        ledger: Ledger,
        files: JobFiles,
        leftovers: Leftovers,
        settle: Callable[..., Collection[str]],
        *,
        is_new: bool,
        prune: bool,
    ) -> None:
        self._spec = spec
        self._record = record
        self._store = store
        self._told = told
        self._ledger = ledger
        self._files = files
        self._leftovers = leftovers
        self._settle = settle
        self._is_new = is_new
        self._prune = prune
        self._met_any = False
        self._walk_failed = False
        self._knows_files = False

    def run(self, sources: Callable[[], Iterable[tuple[str, str | None]]], limits: S3Limits) -> JobDone:
        try:
            return self._run(sources, limits)
        except PartwayError as error:
            if self._is_new and was_never_reached(error):
                self._told.forget()
                self._store.jobs.remove(self._record.id)
            raise

    def _run(self, sources: Callable[[], Iterable[tuple[str, str | None]]], limits: S3Limits) -> JobDone:
        ledger = self._ledger
        self._knows_files = ledger.begin() > 0
        self._told.begin(self._record.id)
        if needs_look(self._spec.target(self._spec.prefix)):
            self._told(OverwriteNotExcluded(upload=self._record.id))
        try:
            self._walk(sources, limits)
            self._files.end()
            missing = self._missing()
        except Stop as stop:
            self._files.stop()
            raise stop.error from stop.error.__cause__
        except UploadCancelled:
            self._files.stop()
            raise
        finally:
            ledger.save()
        if not self._met_any and not missing and not self._prune:
            raise self._nothing()
        return ledger.end(missing)

    def _missing(self) -> int:
        """How many files of earlier runs the walk did not meet; 0 when that is accepted."""
        # Behind a folder that cannot be read, nothing is known to be gone.
        prune = self._prune and not self._walk_failed
        unfinished = self._settle(prune=prune)
        # A list says itself which files are wanted; but one without names may be no list at all.
        if not self._knows_files or (self._spec.listed and self._met_any):
            return 0
        # Their uploads tell of them; without those, the files were given up.
        self._store.jobs.forget_files(self._record.id, unfinished)
        if prune:
            self._store.jobs.forget_unmet(self._record.id)
        return self._store.jobs.count_unmet(self._record.id)

    def _nothing(self) -> UploadFailed:
        """The error of a walk without files; a job that had some stays."""
        if not self._is_new:
            return UploadFailed(
                f"none of the files of job {self._record.id} is there; bring them back (is a disk not mounted?) and "
                "resume, or add --prune to end the job without them",
                resumable=True,
            )
        self._store.jobs.remove(self._record.id)
        self._told.forget()
        what = "the list" if self._spec.listed else "the folder"
        what += " and the filters" if self._spec.filters else ""
        return UploadFailed(f"no file is there to upload; check {what}", resumable=False)

    def _walk(self, sources: Callable[[], Iterable[tuple[str, str | None]]], limits: S3Limits) -> None:
        """Begin to send every file that is left."""
        if self._knows_files:
            self._store.jobs.begin_walk()
        walk = self._going_on(scan(sources(), filters=self._spec.filters, follow_symlinks=self._spec.follow_symlinks))
        while window := list(islice(walk, _WINDOW)):
            for each in window:
                if isinstance(each, Passed):
                    self._pass(each)
            found = [each for each in window if isinstance(each, Found)]
            self._met_any = self._met_any or bool(found)
            self._send(dict(self._keyed(found, limits)))

    def _pass(self, passed: Passed) -> None:
        emptied = passed.reason == EMPTY and passed.path in self._spec.sources and not self._is_new
        if emptied and not self._prune:
            error = UploadFailed(
                "this folder is empty now; bring its files back (is a disk not mounted?) and resume, or add --prune to "
                "end the job without them",
                resumable=True,
            )
            self._met_any = True
            self._ledger.failed("", passed.path, "", error)
            return
        self._met_any = self._met_any or passed.failed
        self._walk_failed = self._walk_failed or passed.failed
        self._ledger.passed(passed)

    def _going_on(self, walk: Iterable[Found | Passed]) -> Iterator[Found | Passed]:
        """The walk, while what was begun goes on: where most files are done, or the disk is slow, it takes its time."""
        for each in walk:
            self._files.go_on()
            yield each

    def _send(self, found: Mapping[str, Found]) -> None:
        """Send what is left of a window: large files first, then the small ones."""
        self._leftovers.meet(found)
        if self._knows_files:
            self._store.jobs.meet(found)
        known = self._store.jobs.files(self._record.id, list(found))
        left: list[tuple[str, Found]] = []
        doubtful: dict[str, FileRecord] = {}
        for key, each in found.items():
            row = known.get(key)
            stands = standing(row, each.identity)
            if stands is Standing.DONE:
                self._ledger.resumed()
                continue
            left.append((key, each))
            if row is not None and stands is Standing.DOUBTFUL:
                doubtful[key] = row
        small = [pair for pair in left if self._files.is_small(*pair)]
        large = [pair for pair in left if not self._files.is_small(*pair)]
        for key, each in sorted(large, key=lambda pair: -pair[1].size):
            self._files.send_large(key, each, doubtful.get(key))
        for key, each in small:
            self._files.send_small(key, each, doubtful.get(key))

    def _keyed(self, found: Iterable[Found], limits: S3Limits) -> Iterator[tuple[str, Found]]:
        for each in found:
            try:
                key = self._spec.key(each.name)
                check_key(self._spec.target(key), limits)
            except PlanError as error:
                self._ledger.failed("", each.path, "", error)
                continue
            yield key, each
