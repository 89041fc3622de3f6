"""The walk of a job's run: send the files that it finds, and report files of earlier runs that are missing."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from partway.state.jobs import FileRecord

from ..errors import PartwayError, PlanError, UploadCancelled, UploadFailed
from ..events.upload import JobDone, OverwriteNotExcluded
from ..job_records.later_uploads import LATER, WrittenSince
from ..job_records.rows import FileState, file_state
from ..run.failures import was_never_reached
from ..run.stored_options import check_key
from ..upload.overwrite import needs_head
from ..walk.empty import is_emptied, is_gone, no_files_error
from ..walk.file_limits import chosen
from ..walk.key_collisions import Collision, collisions_with_rows, distinct, may_collide
from ..walk.order import in_order
from ..walk.walk import FileEntry, SkippedEntry, walk_sources
from .context import JobRun
from .count import JobCount
from .files import JobFiles
from .leftovers import Leftovers
from .results import JobResults, JobStopped

_WINDOW = 1000  # files in memory at a time


class JobWalk:
    """One run of a job, in the caller's thread.

    written_since: keys that later commands wrote and that this run must not overwrite; None allows overwriting.
    """

    def __init__(
        self, job: JobRun, results: JobResults, files: JobFiles, count: JobCount, written_since: WrittenSince | None
    ) -> None:
        self._spec = job.spec
        self._record = job.record
        self._store = job.store
        self._publisher = job.publisher
        self._results = results
        self._files = files
        self._count = count
        self._leftovers = Leftovers(job, results)
        self._written_since = written_since
        self._is_new = job.is_new
        self._prune = job.settings.prune
        self._fail_if_empty = job.settings.fail_if_empty
        self._limits = job.context.settings.limits
        self._found_any = False
        self._emptied = False
        self._walk_failed = False
        self._knows_files = False

    def run(self, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> JobDone:
        try:
            return self._run(sources)
        except PartwayError as error:
            if self._is_new and was_never_reached(error):
                self._publisher.forget()
                self._store.jobs.delete(self._record.id)
            raise

    def _run(self, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> JobDone:
        results = self._results
        self._knows_files = results.start() > 0
        self._publisher.begin(self._record.id)
        self._count.start()
        self._files.follow_pace(self._store.live, self._record.id)
        if needs_head(self._spec.target(self._spec.prefix)):
            self._publisher(OverwriteNotExcluded(upload=self._record.id))
        try:
            self._walk(sources)
            self._files.finish()
            missing = self._missing()
        except JobStopped as stop:
            self._files.stop()
            raise stop.error from stop.error.__cause__
        except UploadCancelled:
            self._files.stop()
            raise
        finally:
            results.save()
        if not self._found_any and not missing:
            return self._nothing()
        return results.end(missing)

    def _missing(self) -> int:
        """The number of files of earlier runs that the walk did not find; 0 when that is accepted."""
        # Below an unreadable directory, no file is known to be gone.
        prune = self._prune and not self._walk_failed
        unfinished = self._leftovers.settle(prune=prune)
        # A list defines which files are wanted, but an empty list may be a mistake.
        if not self._knows_files or (self._spec.listed and self._found_any):
            return 0
        # Leftovers reports unfinished uploads itself.
        self._store.jobs.delete_files(self._record.id, unfinished)
        if prune:
            self._store.jobs.delete_missing(self._record.id)
        return self._store.jobs.count_missing(self._record.id)

    def _nothing(self) -> JobDone:
        """End a walk without files.  A new job is deleted; a job that had files stays open unless ``prune`` is set.

        Raises:
            UploadFailed: files were expected.
        """
        if self._prune and not self._is_new:
            return self._results.end(0)
        job = None if self._is_new else self._record.id
        error = no_files_error(self._spec, job, emptied=self._emptied, fail_if_empty=self._fail_if_empty)
        if self._is_new:
            self._store.jobs.delete(self._record.id)
            self._publisher.forget()
        if error is not None:
            raise error
        return self._results.emit_end(0)

    def _walk(self, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> None:
        """Start to send every pending file."""
        if self._knows_files or may_collide(self._spec):
            self._store.jobs.begin_walk()
        walk = walk_sources(sources(), filters=self._spec.filters, follow_symlinks=self._spec.follow_symlinks)
        walk = in_order(self._while_running(walk), self._spec.order)
        while window := list(islice(walk, _WINDOW)):
            for each in window:
                if isinstance(each, SkippedEntry):
                    self._skip(each)
            if len(window) == _WINDOW and (task := self._count.task) is not None:
                # The walk waits for slots from here on.
                self._files.count_ahead(task, self._count.counted)
            found = [each for each in window if isinstance(each, FileEntry)]
            keyed = self._chosen(self._keyed(found))
            self._found_any = self._found_any or bool(keyed)
            self._send(self._fresh(keyed))

    def _chosen(self, files: Iterable[tuple[str, FileEntry]]) -> list[tuple[str, FileEntry]]:
        known = self._record.id if self._knows_files else ""
        return chosen(files, self._spec.limits, self._store.jobs, known, self._leftovers.keys)

    def _skip(self, entry: SkippedEntry) -> None:
        emptied = is_emptied(entry, self._spec)
        self._emptied = self._emptied or emptied
        # In a job that never had a file, a source that does not exist is a mistake in the command.
        gone = self._knows_files and is_gone(entry, self._spec)
        if (emptied or gone) and not self._is_new:
            if not self._prune:
                what = "this directory is now empty" if emptied else "it no longer exists"
                error = UploadFailed(
                    f"{what}; restore its files (is a disk not mounted?) and resume, or add --prune to end the job "
                    "without them",
                    resumable=True,
                )
                self._found_any = True
                self._results.failed("", entry.path, "", error)
                return
            if gone:
                return
        self._found_any = self._found_any or entry.failed
        self._walk_failed = self._walk_failed or entry.failed
        self._results.skipped_by_walk(entry)

    def _while_running(self, walk: Iterable[FileEntry | SkippedEntry]) -> Iterator[FileEntry | SkippedEntry]:
        """The walk, while running uploads continue: it may take long (a slow disk, many finished files)."""
        for each in walk:
            self._files.run_ready()
            self._count.met(each)
            yield each
        self._files.stop_counting()
        self._count.end()

    def _fresh(self, files: Iterable[tuple[str, FileEntry]]) -> dict[str, FileEntry]:
        """The files of a window that the walk finds for the first time."""
        if not may_collide(self._spec):
            fresh = dict(files)
            if self._knows_files:
                self._store.jobs.record_walked(dict.fromkeys(fresh, ""))
            return fresh
        # A file that was created after the keys were compared must not overwrite another file's object either.
        fresh, collisions = distinct(files, self._store.jobs)
        for each in collisions:
            self._collide(each)
        return fresh

    def _collide(self, collision: Collision) -> None:
        url = self._spec.target(collision.key).url
        error = PlanError(
            f"it has the same key as {collision.path} and would overwrite it; upload one of them elsewhere"
        )
        self._results.failed("", collision.found.path, url, error, size=collision.found.size)

    def _send(self, found: dict[str, FileEntry]) -> None:
        """Send the pending files of a window: in the order of the job, or large files first."""
        self._leftovers.found(found)
        known = self._store.jobs.files(self._record.id, list(found)) if self._knows_files else {}
        if not self._prune:
            for collision in collisions_with_rows(found, known):
                self._collide(collision)
                del found[collision.key]
        later = self._written_since.among(found) if self._written_since else ()
        pending: list[tuple[str, FileEntry]] = []
        uncertain: dict[str, FileRecord] = {}
        for key, each in found.items():
            row = known.get(key)
            state = file_state(row, each.identity)
            if state is FileState.DONE:
                self._results.already_done()
                continue
            if key in later:
                self._results.skipped(key, each.identity, self._spec.target(key).url, LATER)
                continue
            pending.append((key, each))
            if row is not None and state is FileState.UNCERTAIN:
                uncertain[key] = row
        if self._spec.order is None:
            pending.sort(key=lambda pair: (1, 0) if self._files.is_small(*pair) else (0, -pair[1].size))
        for key, each in pending:
            send = self._files.send_small if self._files.is_small(key, each) else self._files.send_large
            send(key, each, uncertain.get(key))

    def _keyed(self, found: Iterable[FileEntry]) -> Iterator[tuple[str, FileEntry]]:
        for each in found:
            try:
                key = self._spec.key(each.name)
                check_key(self._spec.target(key), self._limits)
            except PlanError as error:
                if self._spec.limits.allow(each):
                    self._found_any = True
                    self._results.failed("", each.path, "", error, size=each.size)
                continue
            yield key, each
