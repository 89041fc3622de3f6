"""Publish the progress of a run for ``partway watch`` in other processes: a sink around the caller's sink.

Every event passes through it, so an event must be cheap; a snapshot is written about once a second.
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
_BURST = 5.0  # seconds by which urgent snapshots may run ahead of that interval


class ProgressPublisher:
    """Publishes snapshots.  It never fails: an upload must not end because its progress cannot be published.

    A context manager: at the end of the block, it publishes how the run ended.  Use it while the upload is locked.

    Args:
        live: Stores the snapshots.
        sink: Receives each event before it is published.
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
        self._is_stale = False  # True when something changed after the last snapshot

    def begin(self, id: str) -> None:
        """Publish the run as a run of the upload or job with this ID."""
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
        """Publish the last change if it was not published yet.  Call it while no event arrives."""
        if self._is_stale and self._id and self._clock() >= self._next:
            self._next = self._clock() + _INTERVAL
            self._publish()

    def _changed(self, *, urgent: bool = False) -> None:
        """Publish when the interval is over, or at once if urgent.  On average, urgent changes add no snapshots."""
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
        """Convert a time of the monotonic clock to seconds since the epoch."""
        return None if at is None else self._now() - (self._clock() - at)

    def _numbers(self) -> dict[str, Any]:
        """The fields of ProgressSnapshot that the subclass fills."""
        raise NotImplementedError
