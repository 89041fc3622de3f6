"""Publish the progress of a job for ``partway watch``."""

from collections.abc import Callable
from typing import Any

from partway.state.live import LivePhase, LiveStore

from ..events import Event, EventSink
from ..events.upload import FileDone, FileFailed, FileSkipped, JobStarted, NetworkLost, NetworkRestored
from .publisher import _LONGEST, _MOST_FILES, ProgressPublisher


class JobPublisher(ProgressPublisher):
    """The sink of one job.  Its large files are uploads that tell of themselves; of the small ones it is told here."""

    def __init__(self, live: LiveStore, sink: EventSink, **clocks: Callable[[], float]) -> None:
        super().__init__(live, sink, **clocks)
        self._resumed = self._done = self._skipped = self._failed = self._bytes = 0
        self._files: dict[str, int] = {}
        self._away_since: float | None = None

    def __call__(self, event: Event) -> None:
        self._sink(event)
        urgent = False
        match event:
            case NetworkLost() if event.upload == self._id:
                self._away_since, urgent = self._now(), True
            case NetworkRestored() if event.upload == self._id:
                self._away_since, urgent = None, True
            case FileDone():
                self._done += 1
                self._bytes += event.bytes
            case FileSkipped():
                self._skipped += bool(event.target)
            case FileFailed():
                self._failed += 1
            case JobStarted():
                self._resumed = event.done_files
            case _:
                return
        self._news(urgent=urgent)

    def file_begun(self, path: str) -> None:
        """A small file goes to a worker."""
        self._files[path] = 0
        self._news()

    def file_sent(self, path: str, sent: int) -> None:
        """So many of its bytes are on their way."""
        self._files[path] = sent
        self._news()

    def file_ended(self, path: str) -> None:
        """It does not go on, however that came."""
        self._files.pop(path, None)

    def retried(self, reason: str) -> None:
        """A call about a small file is tried again."""
        self._retries += 1
        self._reason = reason
        self._news()

    def _sent(self) -> int:
        return self._bytes + sum(self._files.values())

    def _facts(self) -> dict[str, Any]:
        files = sorted(self._files.items(), key=lambda pair: -pair[1])
        return {
            "phase": LivePhase.SENDING,
            "done_bytes": self._bytes,
            "resumed_files": self._resumed,
            "done_files": self._done,
            "skipped_files": self._skipped,
            "failed_files": self._failed,
            "away_since": self._away_since,
            "files": tuple((path[-_LONGEST:], sent) for path, sent in files[:_MOST_FILES]),
        }
