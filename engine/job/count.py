"""The total files and bytes of a job, emitted while they are counted.  (docs/decisions/0025-totals.md)"""

from ..events.upload import JobCounted
from ..walk.count import CountTask, FileCount
from ..walk.key_collisions import may_collide
from ..walk.walk import FileEntry, SkippedEntry
from .context import JobRun

_INTERVAL = 1.0  # seconds between two events


class JobCount:
    """The files that the walk has found, or those counted ahead of it, whichever are more.

    Args:
        counted: The files of a job whose sources were walked before, to compare keys; None for others.
    """

    def __init__(self, job: JobRun, counted: FileCount | None) -> None:
        self._spec = job.spec
        self._id = job.record.id
        self._sink = job.publisher
        self._clock = job.context.clock.monotonic
        self._next = self._clock() + _INTERVAL
        self._files = self._bytes = 0  # found by the walk
        self._ahead = counted or FileCount(files=0, bytes=0, complete=False)
        self._counts_walk = counted is None
        self._emitted: JobCounted | None = None

    @property
    def task(self) -> CountTask | None:
        """The task for a worker that counts while the walk waits for slots; None when nothing remains to be counted."""
        if self._ahead.complete or may_collide(self._spec):
            return None
        return CountTask(
            sources=self._spec.sources,
            filters=self._spec.filters,
            limits=self._spec.limits,
            follow_symlinks=self._spec.follow_symlinks,
        )

    def start(self) -> None:
        """Record the start of the job."""
        if self._ahead.complete:
            self._emit()

    def met(self, entry: FileEntry | SkippedEntry) -> None:
        """Record an entry that the walk found."""
        if self._counts_walk and isinstance(entry, FileEntry) and self._spec.limits.allow(entry):
            self._files += 1
            self._bytes += entry.size
            self._emit_if_due()

    def counted(self, count: FileCount) -> None:
        """Record the count of a worker."""
        self._ahead = count
        if count.complete:
            self._emit()
        else:
            self._emit_if_due()

    def end(self) -> None:
        """Record the end of the walk, whose own count is then final."""
        if self._counts_walk:
            self._ahead = FileCount(files=self._files, bytes=self._bytes, complete=True)
            self._emit()

    def _emit_if_due(self) -> None:
        if self._clock() >= self._next:
            self._emit()

    def _emit(self) -> None:
        event = JobCounted(
            job=self._id,
            total_files=max(self._files, self._ahead.files),
            total_bytes=max(self._bytes, self._ahead.bytes),
            counting=not self._ahead.complete,
        )
        self._next = self._clock() + _INTERVAL
        if event != self._emitted:
            self._emitted = event
            self._sink(event)
