"""The progress of one upload, computed from its events.  Pure: the clock is a parameter.

Progress bars, log lines and ``partway watch`` show it, and UploadPublisher publishes it.
"""

from pathlib import PurePath

from partway.state.live import LivePhase

from ..events import Event
from ..events.upload import (
    NetworkLost,
    NetworkProbed,
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


class UploadProgress:
    """The progress of one upload.  One thread updates it; others may read it.

    name: of the file; the upload's ID until the name is known.
    total, resumed, done: bytes; ``resumed`` were sent by earlier runs, ``done`` in finished parts of this run.
    open_ended: True for a stream; ``total`` is then the size that the user expects, or 0.
    part_count: None for a stream.
    in_flight: bytes sent of each unfinished part, by part number.
    checked, check_total: bytes of local parts compared so far, and to compare.
    retries, reason: the number of retried calls, and the reason for the last retry.
    away_since: when the endpoint became unreachable, or None.
    retry_at: when the endpoint is probed next; None when unknown.  Both on the clock of the events.

    Args:
        rate: Measures the rate; a FixedRate shows the rate that another process measured.
    """

    def __init__(self, rate: Rate | None = None) -> None:
        self.upload = ""
        self.name = ""
        self.target = ""
        self.phase = LivePhase.STARTING
        self.total = 0
        self.open_ended = False
        self.part_size = 0
        self.part_count: int | None = 0
        self.resumed = 0
        self.resumed_parts = 0
        self.done = 0
        self.done_parts = 0
        self.in_flight: dict[int, int] = {}
        self.checked = 0
        self.check_total = 0
        self.retries = 0
        self.reason = ""
        self.away_since: float | None = None
        self.retry_at: float | None = None
        self._rate = rate or Rate()

    @property
    def sent(self) -> int:
        """Bytes that this run has sent, of finished parts and of parts in flight."""
        return self.done + sum(tuple(self.in_flight.values()))

    @property
    def away(self) -> bool:
        """True while the endpoint is unreachable."""
        return self.away_since is not None

    @property
    def there(self) -> int:
        """Bytes on S3 or in flight."""
        there = self.resumed + self.sent
        return there if self.open_ended else min(self.total, there)

    @property
    def parts_there(self) -> int:
        """Finished parts, of this run and of earlier ones."""
        return self.resumed_parts + self.done_parts

    def fraction(self) -> float:
        """From 0 to 1; below 1 for a stream that has not ended."""
        if self.open_ended and self.phase is LivePhase.SENDING:
            return min(self.there / self.total, 0.99) if self.total else 0.0
        return self.there / self.total if self.total else 0.0

    def rate(self) -> float | None:
        """The recent rate of this run in bytes per second; None when unknown."""
        return self._rate.value()

    def seconds_left(self) -> float | None:
        """Seconds left at the current rate; None when unknown."""
        rate = self.rate()
        if self.open_ended and self.there >= self.total:
            return None
        return (self.total - self.there) / rate if rate else None

    def update(self, event: Event, now: float) -> bool:
        """Apply one event.  now: seconds on any monotonic clock.  Returns False for an event that changes nothing."""
        match event:
            case PartProgress():
                self.in_flight[event.number] = event.sent
                self._rate.update(self.sent, now)
            case PartDone():
                self.in_flight.pop(event.number, None)
                self.done += event.size
                self.done_parts += 1
                self._rate.update(self.sent, now)
            case PartKept():
                self.resumed += event.size
                self.resumed_parts += 1
            case PartRetried():
                self.in_flight.pop(event.number, None)
                self.retries += 1
                self.reason = event.reason
            case PartsChecked():
                self.upload, self.phase = event.upload, LivePhase.CHECKING
                self.name = self.name or self.upload
                self.checked, self.check_total = event.bytes, event.total_bytes
            case UploadStarted():
                self._start(event, now)
            case NetworkLost():
                self.away_since, self.retry_at = now, now + event.wait
                self._rate.reset()
            case NetworkProbed():
                self.retry_at = now + event.wait
            case NetworkRestored():
                self.away_since = self.retry_at = None
                self._rate.reset()
            case UploadCompleting():
                self.phase = LivePhase.COMPLETING
                self._rate.reset()
            case _:
                return False
        return True

    def _start(self, event: UploadStarted, now: float) -> None:
        self.upload, self.target = event.upload, event.target
        self.name = PurePath(event.source).name
        self.phase = LivePhase.SENDING
        self.open_ended = event.total_bytes is None
        self.total = (event.expected_bytes if event.total_bytes is None else event.total_bytes) or 0
        self.part_size, self.part_count = event.part_size, event.part_count
        self.resumed, self.resumed_parts = event.resumed_bytes, event.resumed_parts
        self.done_parts = self.done = 0
        self.in_flight.clear()
        self._rate.reset()
        self._rate.update(self.sent, now)
