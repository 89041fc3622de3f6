"""Publish the progress of one upload for ``partway watch``."""

from typing import Any

from partway.state.live import LivePhase, LiveStore

from ..clock import SYSTEM_CLOCK, Clock
from ..events import Event, EventSink
from ..events.upload import NetworkLost, NetworkProbed, NetworkRestored, PartsChecked, UploadCompleting, UploadStarted
from .publisher import ProgressPublisher
from .upload import UploadProgress

_MAX_PARTS = 256  # parts in flight that a snapshot lists


class UploadPublisher(ProgressPublisher):
    """The sink of one upload."""

    def __init__(self, live: LiveStore, sink: EventSink, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(live, sink, clock)
        self._progress = UploadProgress()
        self._expected: int | None = None

    def __call__(self, event: Event) -> None:
        self._sink(event)
        urgent = False
        match event:
            case UploadStarted():
                urgent, self._expected = True, event.expected_bytes
            case PartsChecked():
                urgent = self._progress.phase is not LivePhase.CHECKING
            case NetworkLost() | NetworkRestored() | UploadCompleting():
                urgent = True
            case NetworkProbed():
                return  # not progress: watchers show how long nothing has happened
            case _:
                pass
        if self._progress.update(event, self._clock()):
            self._changed(urgent=urgent)

    def _numbers(self) -> dict[str, Any]:
        progress = self._progress
        return {
            "phase": progress.phase,
            "rate": progress.rate(),
            "resumed_bytes": progress.resumed,
            "resumed_parts": progress.resumed_parts,
            "done_bytes": progress.done,
            "done_parts": progress.done_parts,
            "parts": tuple(sorted(progress.in_flight.items())[:_MAX_PARTS]),
            "expected_bytes": self._expected,
            "checked_bytes": progress.checked,
            "check_bytes": progress.check_total,
            "retries": progress.retries,
            "reason": progress.reason,
            "away_since": self._since_epoch(progress.away_since),
        }
