"""An upload's events folded into the numbers that bars and lines show.  Pure: the clock is given."""

from pathlib import PurePath
from typing import Literal

from partway.engine.events import Event
from partway.engine.events.upload import (
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
from partway.engine.progress.rate import Rate

Phase = Literal["starting", "checking", "sending", "completing"]


class UploadProgress:
    """How far one upload is.

    name: the file's; until that is known the upload's id.
    total, resumed, sent: bytes; ``resumed`` is what earlier runs had sent, ``sent`` what this run did.
    open_ended: True for a stream: ``total`` is what the user expects of it, or 0.
    part_count: None for a stream.
    checked, check_total: bytes of local parts compared so far; parts of the file, not of the network.
    away_since: when the endpoint was lost; None: it can be reached.
    retry_at: when it is probed next; None when nobody says.  Both on the clock of the events.
    """

    def __init__(self) -> None:
        self.upload = ""
        self.name = ""
        self.target = ""
        self.phase: Phase = "starting"
        self.total = 0
        self.open_ended = False
        self.part_size = 0
        self.part_count: int | None = 0
        self.resumed = 0
        self.resumed_parts = 0
        self.done_parts = 0
        self.retries = 0
        self.away_since: float | None = None
        self.retry_at: float | None = None
        self.checked = 0
        self.check_total = 0
        self._done = 0
        self._in_flight: dict[int, int] = {}
        self._rate = Rate()

    @property
    def sent(self) -> int:
        return self._done + sum(tuple(self._in_flight.values()))

    @property
    def away(self) -> bool:
        """True while the endpoint cannot be reached."""
        return self.away_since is not None

    @property
    def there(self) -> int:
        """Bytes that are on S3 or on their way."""
        there = self.resumed + self.sent
        return there if self.open_ended else min(self.total, there)

    @property
    def parts_there(self) -> int:
        """Finished parts, of this run and of earlier ones."""
        return self.resumed_parts + self.done_parts

    def fraction(self) -> float:
        """From 0 to 1; a stream is never all there before it ended."""
        if self.open_ended and self.phase == "sending":
            return min(self.there / self.total, 0.99) if self.total else 0.0
        return self.there / self.total if self.total else 0.0

    def rate(self) -> float | None:
        """Bytes a second of this run, lately; None while there is nothing to tell."""
        return self._rate.value()

    def seconds_left(self) -> float | None:
        """At the present rate; None when nobody can tell."""
        rate = self.rate()
        if self.open_ended and self.there >= self.total:
            return None
        return (self.total - self.there) / rate if rate else None

    def see(self, event: Event, now: float) -> None:
        """Take in one event; ``now`` is in seconds, from any start."""
        match event:
            case PartsChecked():
                self.upload, self.phase = event.upload, "checking"
                self.name = self.name or self.upload
                self.checked, self.check_total = event.bytes, event.total_bytes
            case UploadStarted():
                self._start(event, now)
            case PartProgress():
                self._in_flight[event.number] = event.sent
                self._rate.see(self.sent, now)
            case PartRetried():
                self.retries += 1
                self._in_flight.pop(event.number, None)
            case PartDone():
                self._in_flight.pop(event.number, None)
                self._done += event.size
                self.done_parts += 1
                self._rate.see(self.sent, now)
            case PartKept():
                self.resumed += event.size
                self.resumed_parts += 1
            case NetworkLost():
                self.away_since, self.retry_at = now, now + event.wait
            case NetworkProbed():
                self.retry_at = now + event.wait
            case NetworkRestored():
                self.away_since = self.retry_at = None
                self._rate.forget()
            case UploadCompleting():
                self.phase = "completing"
            case _:
                # What is said in a line, and what is about a whole job.
                pass

    def _start(self, event: UploadStarted, now: float) -> None:
        self.upload, self.target = event.upload, event.target
        self.name = PurePath(event.source).name
        self.phase = "sending"
        self.open_ended = event.total_bytes is None
        self.total = (event.expected_bytes if event.total_bytes is None else event.total_bytes) or 0
        self.part_size, self.part_count = event.part_size, event.part_count
        self.resumed, self.resumed_parts = event.resumed_bytes, event.resumed_parts
        self.done_parts = self._done = 0
        self._in_flight.clear()
        self._rate.forget()
        self._rate.see(self.sent, now)
