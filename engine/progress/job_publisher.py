"""Publish the progress of a job for ``partway watch``."""

from typing import Any

from partway.state.live import LivePhase, LiveStore

from ..clock import SYSTEM_CLOCK, Clock
from ..events import Event, EventSink
from ..events.upload import FileDone, FileFailed, FileSkipped, JobCounted, JobStarted, NetworkLost, NetworkRestored
from .job import JobProgress
from .publisher import ProgressPublisher

_MAX_FILES, _MAX_PATH = 4, 300  # small files in flight that a snapshot lists, and characters of a path


class JobPublisher(ProgressPublisher):
    """The sink of one job.  Its multipart uploads publish their own snapshots; small files are counted here."""

    def __init__(self, live: LiveStore, sink: EventSink, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(live, sink, clock)
        self._progress = JobProgress()

    def __call__(self, event: Event) -> None:
        self._sink(event)
        urgent = False
        match event:
            case NetworkLost() | NetworkRestored():
                if event.upload != self._id:
                    return
                urgent = True
            case JobCounted():
                urgent = not event.counting
            case JobStarted() | FileDone() | FileSkipped() | FileFailed():
                pass
            case _:
                return
        self._progress.update(event, self._clock())
        self._changed(urgent=urgent)

    def file_begun(self, path: str) -> None:
        """Record that a worker starts to send a small file."""
        self.file_sent(path, 0)

    def file_sent(self, path: str, sent: int) -> None:
        """Record that ``sent`` of its bytes were sent."""
        self._progress.small_file_sent(path, sent, self._clock())
        self._changed()

    def file_ended(self, path: str) -> None:
        """Record that it is no longer in flight, with or without success."""
        self._progress.small_file_ended(path)

    def retried(self, reason: str) -> None:
        """Record the retry of a call about a small file."""
        self._progress.small_file_retried(reason)
        self._changed()

    def _numbers(self) -> dict[str, Any]:
        progress = self._progress
        files = sorted(progress.small_files.items(), key=lambda pair: -pair[1])
        return {
            "phase": LivePhase.SENDING,
            "rate": progress.rate(),
            "done_bytes": progress.file_bytes,
            "settled_bytes": progress.settled_bytes,
            "failed_bytes": progress.failed_bytes,
            "total_files": progress.total_files,
            "total_bytes": progress.total_bytes,
            "counting": progress.counting,
            "resumed_files": progress.resumed,
            "done_files": progress.done,
            "skipped_files": progress.skipped,
            "failed_files": progress.failed,
            "files": tuple((path[-_MAX_PATH:], sent) for path, sent in files[:_MAX_FILES]),
            "retries": progress.retries,
            "reason": progress.reason,
            "away_since": self._since_epoch(progress.small_files_away_since),
        }
