"""Let other processes know how far a run is: sinks around a sink that fold its events into the store's live record.

Everything passes here, so an event costs no more than a look at the clock, and a record is written about once a second.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from partway.state.errors import StateError
from partway.state.live import Ended, LivePhase, LiveRecord, LiveStore

from .errors import UploadCancelled
from .events import (
    Event,
    EventSink,
    FileDone,
    FileFailed,
    FileSkipped,
    JobStarted,
    NetworkLost,
    NetworkRestored,
    PartDone,
    PartKept,
    PartProgress,
    PartRetried,
    PartsChecked,
    UploadCompleting,
    UploadStarted,
)
from .rate import Rate

_EVERY = 1.0  # seconds between two records
_AHEAD = 5.0  # seconds of them that what matters may use up at once
_MOST_PARTS = 256
_MOST_FILES, _LONGEST = 4, 300


class _Teller:
    """Writes the record, and never fails: an upload does not end because nobody can be told of it.

    As a context manager it says at the end of the block that the run is over.  Use it under the claim.
    """

    def __init__(
        self,
        live: LiveStore,
        sink: EventSink,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._sink = sink
        self._now = now
        self._clock = clock
        self._id = ""
        self._began_at = 0.0
        self._next = clock()
        self._news_at = 0.0
        self._untold = False
        self._rate = Rate()
        self._retries = 0
        self._reason = ""

    def begin(self, id: str) -> None:
        """The run is of this upload or job from now on."""
        if id != self._id:
            self.forget()
            self._id, self._began_at = id, self._now()
        self._news(urgent=True)

    def forget(self) -> None:
        """Nothing is to be known of the run any more."""
        if self._id:
            with suppress(StateError):
                self._live.end(self._id)
            self._id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.forget()
        elif self._id:
            stopped = isinstance(error, (UploadCancelled, KeyboardInterrupt))
            self._tell(ended=Ended.INTERRUPTED if stopped else Ended.FAILED, error=str(error) or type(error).__name__)

    def _news(self, *, urgent: bool = False) -> None:
        """Something happened.  Urgent is what a long silence may follow; over time that makes no more records."""
        now = self._clock()
        self._news_at, self._untold = self._now(), True
        if self._id and (now >= self._next or (urgent and self._next - now < _AHEAD)):
            self._next = max(self._next, now) + _EVERY
            self._rate.see(self._sent(), now)
            self._tell()

    def at_rest(self) -> None:
        """To be called while nothing happens: what happened last is told too, before a long silence."""
        if self._untold and self._id and self._clock() >= self._next:
            self._next = self._clock() + _EVERY
            self._tell()

    def _tell(self, **ended: Any) -> None:
        self._untold = False
        record = LiveRecord(
            id=self._id,
            pid=os.getpid(),
            host=socket.gethostname(),
            began_at=self._began_at,
            told_at=self._now() if ended else self._news_at,
            rate=self._rate.value(),
            retries=self._retries,
            reason=self._reason,
            **self._facts(),
            **ended,
        )
        with suppress(StateError):
            self._live.tell(record)

    def _sent(self) -> int:
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        raise NotImplementedError


class UploadTeller(_Teller):
    """The sink of one upload."""

    def __init__(self, live: LiveStore, sink: EventSink, **clocks: Callable[[], float]) -> None:
        super().__init__(live, sink, **clocks)
        self._phase = LivePhase.STARTING
        self._resumed_bytes = self._resumed_parts = self._done_bytes = self._done_parts = 0
        self._parts: dict[int, int] = {}
        self._expected: int | None = None
        self._checked = self._to_check = 0
        self._away_since: float | None = None

    def __call__(self, event: Event) -> None:
        self._sink(event)
        urgent = False
        match event:
            case PartProgress():
                self._parts[event.number] = event.sent
            case PartDone():
                self._parts.pop(event.number, None)
                self._done_bytes += event.size
                self._done_parts += 1
            case PartKept():
                self._resumed_bytes += event.size
                self._resumed_parts += 1
            case PartRetried():
                self._parts.pop(event.number, None)
                self._retries += 1
                self._reason = event.reason
            case PartsChecked():
                urgent = self._phase is not LivePhase.CHECKING
                self._phase, self._checked, self._to_check = LivePhase.CHECKING, event.bytes, event.total_bytes
            case UploadStarted():
                self._start(event)
                urgent = True
            case NetworkLost():
                self._away_since, urgent = self._now(), True
                self._rate.forget()
            case NetworkRestored():
                self._away_since, urgent = None, True
                self._rate.forget()
            case UploadCompleting():
                self._phase, urgent = LivePhase.COMPLETING, True
                self._rate.forget()
            case _:
                return
        self._news(urgent=urgent)

    def _start(self, event: UploadStarted) -> None:
        self._phase, self._expected = LivePhase.SENDING, event.expected_bytes
        self._resumed_bytes, self._resumed_parts = event.resumed_bytes, event.resumed_parts
        self._done_bytes = self._done_parts = 0
        self._parts.clear()
        self._rate.forget()

    def _sent(self) -> int:
        return self._done_bytes + sum(self._parts.values())

    def _facts(self) -> dict[str, Any]:
        return {
            "phase": self._phase,
            "resumed_bytes": self._resumed_bytes,
            "resumed_parts": self._resumed_parts,
            "done_bytes": self._done_bytes,
            "done_parts": self._done_parts,
            "parts": tuple(sorted(self._parts.items())[:_MOST_PARTS]),
            "expected_bytes": self._expected,
            "checked_bytes": self._checked,
            "check_bytes": self._to_check,
            "away_since": self._away_since,
        }


class JobTeller(_Teller):
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
