"""Publish the progress of one upload for ``partway watch``."""

from collections.abc import Callable
from typing import Any

from partway.state.live import LivePhase, LiveStore

from ..events import Event, EventSink
from ..events.upload import (
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
from .publisher import _MOST_PARTS, ProgressPublisher


class UploadPublisher(ProgressPublisher):
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
