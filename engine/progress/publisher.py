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
from partway.state.live import Ended, LiveStore, ProgressSnapshot

from ..errors import UploadCancelled
from ..events import EventSink
from .rate import Rate

_EVERY = 1.0  # seconds between two records
_AHEAD = 5.0  # seconds of them that what matters may use up at once
_MOST_PARTS = 256
_MOST_FILES, _LONGEST = 4, 300


class ProgressPublisher:
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

    def on_idle(self) -> None:
        """To be called while nothing happens: what happened last is told too, before a long silence."""
        if self._untold and self._id and self._clock() >= self._next:
            self._next = self._clock() + _EVERY
            self._tell()

    def _tell(self, **ended: Any) -> None:
        self._untold = False
        record = ProgressSnapshot(
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
