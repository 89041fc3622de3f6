"""Publish how far a run is, for ``partway watch`` in other processes: a sink around the caller's sink.

Every event passes through, so one costs little; a snapshot is written about once a second.
"""

import os
import socket
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from partway.state.errors import StateError
from partway.state.live import LiveStore, ProgressSnapshot, RunOutcome

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import UploadCancelled
from ..events import EventSink

_INTERVAL = 1.0  # seconds between two snapshots
_BURST = 5.0  # seconds of them that urgent ones may use up in advance


class ProgressPublisher:
    """Publishes snapshots, and never fails: an upload does not end because its progress cannot be published.

    As a context manager it publishes at the end of the block how the run ended.  Use it while the upload is locked.

    Args:
        live: Stores the snapshots.
        sink: Receives each event first.
    """

    def __init__(self, live: LiveStore, sink: EventSink, clock: Clock = SYSTEM_CLOCK) -> None:
        self._live = live
        self._sink = sink
        self._now = clock.time
        self._clock = clock.monotonic
        self._id = ""
        self._began_at = 0.0
        self._next = clock.monotonic()
        self._changed_at = 0.0
        self._is_stale = False  # something changed after the last snapshot

    def begin(self, id: str) -> None:
        """Publish the run as one of this upload or job."""
        if id != self._id:
            self.forget()
            self._id, self._began_at = id, self._now()
        self._changed(urgent=True)

    def forget(self) -> None:
        """Remove the snapshot; nothing is published until ``begin``."""
        if self._id:
            with suppress(StateError):
                self._live.remove(self._id)
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
            self._changed_at = self._now()
            self._publish(
                ended=RunOutcome.INTERRUPTED if stopped else RunOutcome.FAILED, error=str(error) or type(error).__name__
            )

    def on_idle(self) -> None:
        """Publish the last change before a long silence; to be called while nothing happens."""
        if self._is_stale and self._id and self._clock() >= self._next:
            self._next = self._clock() + _INTERVAL
            self._publish()

    def _changed(self, *, urgent: bool = False) -> None:
        """Publish when it is time.  A long silence may follow an urgent change; over time they add no snapshots."""
        now = self._clock()
        self._changed_at, self._is_stale = self._now(), True
        if self._id and (now >= self._next or (urgent and self._next - now < _BURST)):
            self._next = max(self._next, now) + _INTERVAL
            self._publish()

    def _publish(self, **ended: Any) -> None:
        self._is_stale = False
        snapshot = ProgressSnapshot(
            id=self._id,
            pid=os.getpid(),
            host=socket.gethostname(),
            began_at=self._began_at,
            updated_at=self._changed_at,
            **self._numbers(),
            **ended,
        )
        with suppress(StateError):
            self._live.publish(snapshot)

    def _since_epoch(self, at: float | None) -> float | None:
        """A time of the monotonic clock, in seconds since the epoch."""
        return None if at is None else self._now() - (self._clock() - at)

    def _numbers(self) -> dict[str, Any]:
        """Fields of ProgressSnapshot that subclasses know."""
        raise NotImplementedError
