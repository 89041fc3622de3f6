"""What became of a job's files: remembered first, then announced, and counted."""

import os
from dataclasses import replace
from functools import partial

from partway.state.jobs import FileRecord, FileStatus, JobStatus

from ..errors import PartwayError, SourceError, UploadFailed, is_resumable
from ..events.upload import ComparisonFailed, FileDone, FileFailed, FileSkipped, JobDone, JobStarted
from ..job_records.later_uploads import is_awaited
from ..job_records.rows import SAME, file_row
from ..run.failures import cause_of, fails_for_all, may_fail_for_all
from ..source.identity import SourceIdentity
from ..walk.walk import EMPTY, SkippedEntry
from .context import JobRun
from .same_object import NotComparable

_FLUSH_SECONDS, _FLUSH_FILES = 0.25, 200  # how long what is done may wait to be written, all together
_HOPELESS = 10  # files in a row that fail for what may be the same reason: the rest would too


class Stop(Exception):
    """The job ends here, with this error; what is done is done."""

    def __init__(self, error: PartwayError) -> None:
        super().__init__(str(error))
        self.error = error


class JobResults:
    """One for each run of a job, in the caller's thread.

    Keys are whole, paths absolute, ``url`` is the target as users write it, sizes are bytes.

    keep_paths: True where the keys alone do not tell the paths of the files.
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
        self._in_a_row = 0
        self._all_resumable = True
        self._not_comparable: set[str] = set()  # reasons that were told

    def begin(self) -> int:
        """Remember the job, and say that it begins; how many files it knows."""
        self._jobs.save(self._record)
        known = self._jobs.totals(self._record.id)
        self._sink(JobStarted(job=self._record.id, target=self._record.target, done_files=known.done + known.skipped))
        return known.done + known.skipped + known.failed

    def resumed(self) -> None:
        """A file was done by an earlier run."""
        self._resumed += 1

    def same(self, key: str, source: SourceIdentity, url: str, before: FileRecord | None) -> None:
        """The object has the file's bytes.

        before: the row of an earlier run that sent it, when it was compared only because it might be another file by
            now.
        """
        if before is None:
            self.skipped(key, source, url, SAME)
        else:
            self._resumed += 1
            self._note(self._row(key, source, before.status, before.note), None)

    def done(self, key: str, source: SourceIdentity, url: str, proof: str) -> None:
        """A file is there and proven; ``source``: as it was sent."""
        self._done += 1
        self._bytes += source.size
        event = FileDone(job=self._record.id, source=source.path, target=url, bytes=source.size, proof=proof)
        self._note(self._row(key, source, FileStatus.DONE, proof), event)

    def skipped(self, key: str, source: SourceIdentity, url: str, reason: str) -> None:
        """A file need not be sent."""
        self._skipped += 1
        event = FileSkipped(job=self._record.id, source=source.path, target=url, reason=reason)
        self._note(self._row(key, source, FileStatus.SKIPPED, reason), event)

    def not_comparable(self, found: NotComparable) -> None:
        """Whether an object is its file cannot be said; told once for each reason."""
        if found.reason not in self._not_comparable:
            self._not_comparable.add(found.reason)
            self._sink(
                ComparisonFailed(job=self._record.id, source=found.path, target=found.target, reason=found.reason)
            )

    def passed(self, passed: SkippedEntry) -> None:
        """The walk met something that is no file to upload."""
        if passed.failed:
            self.failed("", passed.path, "", SourceError(passed.reason))
        else:
            self._empty += passed.reason == EMPTY
            self._sink(FileSkipped(job=self._record.id, source=passed.path, target="", reason=passed.reason))

    def failed(self, key: str, path: str, url: str, error: PartwayError) -> None:
        """A file was not uploaded.  One without a key (""), or that is gone, is announced and not remembered.

        Raises:
            Stop: the others would fail in the same way, or the first failure is to end the job.
        """
        resumable = is_resumable(error)
        self._failed += 1
        self._all_resumable = self._all_resumable and resumable
        self.flush()
        self._sink(FileFailed(job=self._record.id, source=path, target=url, error=str(error), resumable=resumable))
        if key and not (isinstance(cause_of(error), SourceError) and not os.path.lexists(path)):
            # For who looks later, and to be missed when it is not met again; it waits for the next transaction.
            failure = FileRecord(key=key, size=0, mtime_ns=0, status=FileStatus.FAILED, note=_utf8(error))
            self._unwritten.append((failure, None))
        self._in_a_row = self._in_a_row + 1 if may_fail_for_all(error) else 0
        if fails_for_all(error):
            raise Stop(error)
        if self._in_a_row >= _HOPELESS:
            again = "; run again to go on" if resumable else ""
            raise Stop(UploadFailed(f"the job stopped: {error}{again}", resumable=resumable))
        if self._fail_fast:
            raise Stop(UploadFailed(f"the job stopped at {path}: {error}", resumable=resumable))

    def _note(self, record: FileRecord, event: FileDone | FileSkipped | None) -> None:
        self._in_a_row = 0
        self._unwritten.append((record, event))
        if len(self._unwritten) >= _FLUSH_FILES:
            self.flush()
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Write what has waited long enough; to be called also while no file ends."""
        if self._unwritten and self._clock.monotonic() - self._written_at >= _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits, in one transaction, and announce it."""
        unwritten, self._unwritten = self._unwritten, []
        if unwritten:
            self._jobs.save_files(self._record.id, [record for record, _ in unwritten])
        self._written_at = self._clock.monotonic()
        for _, event in unwritten:
            if event is not None:
                self._sink(event)

    def save(self, status: JobStatus = JobStatus.OPEN) -> None:
        """Write what waits, and the job with its counts."""
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
        """Say how it ended; a job of which nothing is left to do is completed.  Its files' rows are not needed any
        more, unless something unfinished may write the same keys.

        missing: files that earlier runs knew and the walk did not meet.
        """
        if not self._failed and not missing:
            self.save(JobStatus.COMPLETED)
            if not is_awaited(self._store, self._record):
                self._jobs.forget_files(self._record.id)
        return self.tell_end(missing)

    def tell_end(self, missing: int) -> JobDone:
        """As ``end``, without a word in the store."""
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


def _utf8(error: PartwayError) -> str:
    """The reason as the store can keep it: a path in it may be no UTF-8."""
    return str(error).encode("utf-8", "backslashreplace").decode()
