"""The walk of a job's run: what it meets is sent, and what it does not meet any more is told."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from partway.state.jobs import FileRecord

from ..errors import PartwayError, PlanError, UploadCancelled, UploadFailed
from ..events.upload import JobDone, OverwriteNotExcluded
from ..job_records.later_uploads import LATER, WrittenSince
from ..job_records.rows import Standing, standing
from ..run.failures import was_never_reached
from ..run.stored_options import check_key
from ..upload.overwrite import needs_look
from ..walk.empty import is_emptied, is_gone, nothing_met
from ..walk.key_collisions import Collision, distinct, may_collide, with_rows
from ..walk.walk import FileEntry, SkippedEntry, scan
from .context import JobRun
from .files import JobFiles
from .leftovers import Leftovers
from .results import JobResults, Stop

_WINDOW = 1000  # files that are known at a time


class JobWalk:
    """One run of a job, in the caller's thread.

    decided: tells the keys of objects that later commands wrote; None: none did.
    """

    def __init__(self, job: JobRun, ledger: JobResults, files: JobFiles, decided: WrittenSince | None) -> None:
        self._spec = job.spec
        self._record = job.record
        self._store = job.store
        self._told = job.publisher
        self._ledger = ledger
        self._files = files
        self._leftovers = Leftovers(job, ledger)
        self._decided = decided
        self._is_new = job.is_new
        self._prune = job.settings.prune
        self._fail_if_empty = job.settings.fail_if_empty
        self._limits = job.context.settings.limits
        self._met_any = False
        self._emptied = False
        self._walk_failed = False
        self._knows_files = False

    def run(self, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> JobDone:
        try:
            return self._run(sources)
        except PartwayError as error:
            if self._is_new and was_never_reached(error):
                self._told.forget()
                self._store.jobs.remove(self._record.id)
            raise

    def _run(self, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> JobDone:
        ledger = self._ledger
        self._knows_files = ledger.begin() > 0
        self._told.begin(self._record.id)
        if needs_look(self._spec.target(self._spec.prefix)):
            self._told(OverwriteNotExcluded(upload=self._record.id))
        try:
            self._walk(sources)
            self._files.finish()
            missing = self._missing()
        except Stop as stop:
            self._files.stop()
            raise stop.error from stop.error.__cause__
        except UploadCancelled:
            self._files.stop()
            raise
        finally:
            ledger.save()
        if not self._met_any and not missing:
            return self._nothing()
        return ledger.end(missing)

    def _missing(self) -> int:
        """How many files of earlier runs the walk did not meet; 0 when that is accepted."""
        # Behind a folder that cannot be read, nothing is known to be gone.
        prune = self._prune and not self._walk_failed
        unfinished = self._leftovers.settle(prune=prune)
        # A list says itself which files are wanted; but one without names may be no list at all.
        if not self._knows_files or (self._spec.listed and self._met_any):
            return 0
        # Their uploads tell of them; without those, the files were given up.
        self._store.jobs.forget_files(self._record.id, unfinished)
        if prune:
            self._store.jobs.forget_unmet(self._record.id)
        return self._store.jobs.count_unmet(self._record.id)

    def _nothing(self) -> JobDone:
        """End a walk that met no file: a new job is forgotten, one that had files stays unless that is accepted.

        Raises:
            UploadFailed: it is not known to be well.
        """
        if self._prune and not self._is_new:
            return self._ledger.end(0)
        job = None if self._is_new else self._record.id
        error = nothing_met(self._spec, job, emptied=self._emptied, fail_if_empty=self._fail_if_empty)
        if self._is_new:
            self._store.jobs.remove(self._record.id)
            self._told.forget()
        if error is not None:
            raise error
        return self._ledger.tell_end(0)

    def _walk(self, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> None:
        """Begin to send every file that is left."""
        if self._knows_files or may_collide(self._spec):
            self._store.jobs.begin_walk()
        walk = self._going_on(scan(sources(), filters=self._spec.filters, follow_symlinks=self._spec.follow_symlinks))
        while window := list(islice(walk, _WINDOW)):
            for each in window:
                if isinstance(each, SkippedEntry):
                    self._pass(each)
            found = [each for each in window if isinstance(each, FileEntry)]
            self._met_any = self._met_any or bool(found)
            self._send(self._fresh(self._keyed(found)))

    def _pass(self, passed: SkippedEntry) -> None:
        emptied = is_emptied(passed, self._spec)
        self._emptied = self._emptied or emptied
        # In a new job, and in one that never met a file, a name without a file is a mistake.
        gone = self._knows_files and is_gone(passed, self._spec)
        if (emptied or gone) and not self._is_new:
            if not self._prune:
                what = "this folder is empty now" if emptied else "it is not there any more"
                error = UploadFailed(
                    f"{what}; bring its files back (is a disk not mounted?) and resume, or add --prune to end the job "
                    "without them",
                    resumable=True,
                )
                self._met_any = True
                self._ledger.failed("", passed.path, "", error)
                return
            if gone:
                return
        self._met_any = self._met_any or passed.failed
        self._walk_failed = self._walk_failed or passed.failed
        self._ledger.passed(passed)

    def _going_on(self, walk: Iterable[FileEntry | SkippedEntry]) -> Iterator[FileEntry | SkippedEntry]:
        """The walk, while what was begun goes on: where most files are done, or the disk is slow, it takes its time."""
        for each in walk:
            self._files.run_ready()
            yield each

    def _fresh(self, files: Iterable[tuple[str, FileEntry]]) -> dict[str, FileEntry]:
        """The files of a window that the walk did not meet before."""
        if not may_collide(self._spec):
            fresh = dict(files)
            if self._knows_files:
                self._store.jobs.meet(dict.fromkeys(fresh, ""))
            return fresh
        # What appeared since the keys were compared must not overwrite another file's object, either.
        fresh, collisions = distinct(files, self._store.jobs)
        for each in collisions:
            self._collide(each)
        return fresh

    def _collide(self, collision: Collision) -> None:
        url = self._spec.target(collision.key).url
        error = PlanError(f"its key is that of {collision.path}, which it would overwrite; send one of them elsewhere")
        self._ledger.failed("", collision.found.path, url, error)

    def _send(self, found: dict[str, FileEntry]) -> None:
        """Send what is left of a window: large files first, then the small ones."""
        self._leftovers.meet(found)
        known = self._store.jobs.files(self._record.id, list(found)) if self._knows_files else {}
        if not self._prune:
            for collision in with_rows(found, known):
                self._collide(collision)
                del found[collision.key]
        decided = self._decided.among(found) if self._decided else ()
        left: list[tuple[str, FileEntry]] = []
        doubtful: dict[str, FileRecord] = {}
        for key, each in found.items():
            row = known.get(key)
            stands = standing(row, each.identity)
            if stands is Standing.DONE:
                self._ledger.resumed()
                continue
            if key in decided:
                self._ledger.skipped(key, each.identity, self._spec.target(key).url, LATER)
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

    def _keyed(self, found: Iterable[FileEntry]) -> Iterator[tuple[str, FileEntry]]:
        for each in found:
            try:
                key = self._spec.key(each.name)
                check_key(self._spec.target(key), self._limits)
            except PlanError as error:
                self._ledger.failed("", each.path, "", error)
                continue
            yield key, each
