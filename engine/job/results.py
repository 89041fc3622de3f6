"""Record the results of a job's files: store them, then emit them, and count them."""

import os
from dataclasses import replace
from functools import partial

from partway.state.jobs import FileRecord, FileStatus, JobStatus

from ..errors import PartwayError, SourceError, UploadFailed, is_resumable
from ..events.upload import ComparisonFailed, FileDone, FileFailed, FileSkipped, JobDone, JobStarted
from ..job_records.later_uploads import needs_rows
from ..job_records.rows import SAME, file_row
from ..run.failures import cause_of, fails_for_all, may_fail_for_all
from ..source.identity import SourceIdentity
from ..walk.walk import EMPTY, SkippedEntry
from .context import JobRun
from .same_object import NotComparable

_FLUSH_SECONDS, _FLUSH_FILES = 0.25, 200  # maximum age and number of results that wait to be written together
_MAX_FAILURES_IN_ROW = 10  # failures that may have one cause; then the other files would fail, too


class JobStopped(Exception):
    """Ends the job early with this error.  Finished files stay finished."""

    def __init__(self, error: PartwayError) -> None:
        super().__init__(str(error))
        self.error = error


class JobResults:
    """Collects the results of one run of a job, in the caller's thread.

    Keys include the prefix, paths are absolute, ``url`` is the destination as users write it, sizes are in bytes.

    keep_paths: True stores each file's path, which is needed if it does not follow from the key.
    """

    def __init__(self, job: JobRun, *, keep_paths: bool) -> None:
        self._record = job.record
        self._store = job.store
        self._jobs = job.store.jobs
        self._sink = job.publisher
        self._fail_fast = job.settings.fail_fast
        self._row = partial(file_row, keep_path=keep_paths)
        self._clock = job.context.clock
        self._began = self._written_at = self._clock.monotonic()
        self._unwritten: list[tuple[FileRecord, FileDone | FileSkipped | None]] = []
        self._done = self._skipped = self._failed = self._resumed = self._bytes = self._empty = 0
        self._failures_in_row = 0
        self._all_resumable = True
        self._not_comparable: set[str] = set()  # reasons that have been emitted

    def start(self) -> int:
        """Store the job and emit JobStarted.  Returns the number of stored files of earlier runs."""
        self._jobs.save(self._record)
        known = self._jobs.totals(self._record.id)
        self._sink(
            JobStarted(
                job=self._record.id,
                target=self._record.target,
                done_files=known.done + known.skipped,
                done_bytes=known.bytes,
            )
        )
        return known.done + known.skipped + known.failed

    def already_done(self) -> None:
        """Count a file that an earlier run finished."""
        self._resumed += 1

    def same(self, key: str, source: SourceIdentity, url: str, before: FileRecord | None) -> None:
        """Record that the object has the same bytes as the file.

        before: the row of the earlier run that sent it, if it was compared because the file may have changed.
        """
        if before is None:
            self.skipped(key, source, url, SAME)
        else:
            self._resumed += 1
            self._add(self._row(key, source, before.status, before.note), None)

    def done(self, key: str, source: SourceIdentity, url: str, proof: str) -> None:
        """Record that the object of a file is verified.  source: the file as it was sent."""
        self._done += 1
        self._bytes += source.size
        event = FileDone(job=self._record.id, source=source.path, target=url, bytes=source.size, proof=proof)
        self._add(self._row(key, source, FileStatus.DONE, proof), event)

    def skipped(self, key: str, source: SourceIdentity, url: str, reason: str) -> None:
        """Record that a file was not sent, for this reason."""
        self._skipped += 1
        event = FileSkipped(job=self._record.id, source=source.path, target=url, reason=reason, bytes=source.size)
        self._add(self._row(key, source, FileStatus.SKIPPED, reason), event)

    def not_comparable(self, found: NotComparable) -> None:
        """Record that an object cannot be compared with its file.  Emitted once per reason."""
        if found.reason not in self._not_comparable:
            self._not_comparable.add(found.reason)
            self._sink(
                ComparisonFailed(job=self._record.id, source=found.path, target=found.target, reason=found.reason)
            )

    def skipped_by_walk(self, entry: SkippedEntry) -> None:
        """Record an entry that the walk found and that is not uploaded."""
        if entry.failed:
            self.failed("", entry.path, "", SourceError(entry.reason))
        else:
            self._empty += entry.reason == EMPTY
            self._sink(FileSkipped(job=self._record.id, source=entry.path, target="", reason=entry.reason))

    def failed(self, key: str, path: str, url: str, error: PartwayError, *, size: int = 0) -> None:
        """Record a failed file.  A failure without a key (""), or of a file that is gone, is emitted but not stored.

        size: bytes that the walk found; 0 when unknown.

        Raises:
            JobStopped: the other files would fail in the same way, or ``fail_fast`` is set.
        """
        resumable = is_resumable(error)
        self._failed += 1
        self._all_resumable = self._all_resumable and resumable
        self.flush()
        self._sink(
            FileFailed(job=self._record.id, source=path, target=url, error=str(error), resumable=resumable, bytes=size)
        )
        if key and not (isinstance(cause_of(error), SourceError) and not os.path.lexists(path)):
            # For `partway show`, and so that the file counts as missing if a later walk does not find it.  Written with
            # the next transaction.
            failure = FileRecord(key=key, size=0, mtime_ns=0, status=FileStatus.FAILED, note=_storable(error))
            self._unwritten.append((failure, None))
        self._failures_in_row = self._failures_in_row + 1 if may_fail_for_all(error) else 0
        if fails_for_all(error):
            raise JobStopped(error)
        if self._failures_in_row >= _MAX_FAILURES_IN_ROW:
            again = "; run again to resume" if resumable else ""
            raise JobStopped(UploadFailed(f"the job stopped: {error}{again}", resumable=resumable))
        if self._fail_fast:
            raise JobStopped(UploadFailed(f"the job stopped at {path}: {error}", resumable=resumable))

    def _add(self, record: FileRecord, event: FileDone | FileSkipped | None) -> None:
        self._failures_in_row = 0
        self._unwritten.append((record, event))
        if len(self._unwritten) >= _FLUSH_FILES:
            self.flush()
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Write results that have waited long enough.  Call it also while no file finishes."""
        if self._unwritten and self._clock.monotonic() - self._written_at >= _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the waiting results in one transaction, then emit them."""
        unwritten, self._unwritten = self._unwritten, []
        if unwritten:
            self._jobs.save_files(self._record.id, [record for record, _ in unwritten])
        self._written_at = self._clock.monotonic()
        for _, event in unwritten:
            if event is not None:
                self._sink(event)

    def save(self, status: JobStatus = JobStatus.OPEN) -> None:
        """Write the waiting results, and the job with its counts."""
        self.flush()
        totals = self._jobs.totals(self._record.id)
        self._record = replace(
            self._record,
            status=status,
            updated_at=self._clock.time(),
            done=totals.done,
            skipped=totals.skipped,
            failed=self._failed,
            bytes=totals.bytes,
        )
        self._jobs.save(self._record)

    def end(self, missing: int) -> JobDone:
        """Emit JobDone.  If nothing remains to be done, store the job as completed and delete the rows of its files,
        unless an unfinished upload or job may write the same keys.

        missing: the number of files of earlier runs that the walk did not find.
        """
        if not self._failed and not missing:
            self.save(JobStatus.COMPLETED)
            if not needs_rows(self._store, self._record):
                self._jobs.delete_files(self._record.id)
        return self.emit_end(missing)

    def emit_end(self, missing: int) -> JobDone:
        """Emit JobDone without changing the store."""
        done = JobDone(
            job=self._record.id,
            target=self._record.target,
            done=self._done,
            skipped=self._skipped,
            failed=self._failed,
            resumed=self._resumed,
            bytes=self._bytes,
            empty_folders=self._empty,
            missing=missing,
            seconds=round(self._clock.monotonic() - self._began, 3),
            resumable=bool(self._failed or missing) and self._all_resumable,
        )
        self._sink(done)
        return done


def _storable(error: PartwayError) -> str:
    """The error's text as valid UTF-8, since a path in it may contain undecodable bytes."""
    return str(error).encode("utf-8", "backslashreplace").decode()
