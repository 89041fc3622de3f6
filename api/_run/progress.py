"""How a running upload reports to callers: events, byte counts and log records."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from partway.engine.events import Event, EventSink
from partway.engine.events.upload import (
    ChecksumFellBack,
    FileDone,
    FileFailed,
    JobDone,
    NetworkLost,
    NetworkRestored,
    OverwriteNotExcluded,
    PartDone,
    PartKept,
    PartProgress,
    PartRetried,
    UploadDone,
    UploadFailed,
    UploadRenewed,
    UploadSkipped,
    UploadStarted,
)

logger = logging.getLogger("partway")
logger.addHandler(logging.NullHandler())

_LEVELS: dict[type, int] = {
    UploadStarted: logging.INFO,
    UploadDone: logging.INFO,
    UploadSkipped: logging.INFO,
    JobDone: logging.INFO,
    NetworkRestored: logging.INFO,
    PartRetried: logging.WARNING,
    NetworkLost: logging.WARNING,
    ChecksumFellBack: logging.WARNING,
    OverwriteNotExcluded: logging.WARNING,
    UploadRenewed: logging.WARNING,
    FileFailed: logging.WARNING,
    UploadFailed: logging.WARNING,
}


def log_event(event: Event) -> None:
    """Write the event to the logger ``partway``; events about single parts are at DEBUG."""
    level = _LEVELS.get(type(event), logging.DEBUG)
    if logger.isEnabledFor(level):
        logger.log(level, "%s", event)


@dataclass(slots=True)
class _Bytes:
    """Byte counts of one upload: from earlier runs, of finished parts, and of parts in flight by number."""

    kept: int = 0
    done: int = 0
    in_flight: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.kept + self.done + sum(self.in_flight.values())


class ByteCounter:
    """Calls ``callback`` with the number of bytes sent since its last call, as boto3 does.

    The numbers add up to the size of the object, also after a resume.  A number is negative when a part is sent again.
    """

    def __init__(self, callback: Callable[[int], object]) -> None:
        self._callback = callback
        self._uploads: dict[str, _Bytes] = {}
        self._ended: set[str] = set()  # destinations of a job's uploads, whose FileDone comes later

    def __call__(self, event: Event) -> None:
        """Count one event."""
        if change := self._change(event):
            self._callback(change)

    def _change(self, event: Event) -> int:
        if isinstance(event, FileDone):
            counted = event.target in self._ended
            self._ended.discard(event.target)
            return 0 if counted else event.bytes
        if not isinstance(event, (UploadStarted, PartProgress, PartRetried, PartDone, PartKept, UploadDone)):
            return 0
        upload = self._uploads.setdefault(event.upload, _Bytes())
        before = upload.total
        match event:
            case UploadStarted():
                upload.kept, upload.done = event.resumed_bytes, 0
                upload.in_flight.clear()
            case PartProgress():
                upload.in_flight[event.number] = event.sent
            case PartRetried():
                upload.in_flight.pop(event.number, None)
            case PartDone():
                upload.in_flight.pop(event.number, None)
                upload.done += event.size
            case PartKept():
                upload.kept += event.size
            case UploadDone():
                del self._uploads[event.upload]
                self._ended.add(event.target)
                return event.bytes - before
        return upload.total - before


def combine(*sinks: Callable[[Event], object] | None) -> EventSink:
    """One sink that calls all of them in order."""
    given = [sink for sink in sinks if sink is not None]

    def send(event: Event) -> None:
        for sink in given:
            sink(event)

    return send
