"""Events as lines of a log, with a line about the bytes in flight now and then."""

import time
from collections.abc import Callable

from partway.engine.events import Event
from partway.engine.events.upload import PartProgress, PartsChecked
from partway.engine.progress.running import RunningUploads

from .log_lines import log_line, whose
from .status_line import state

_EVERY = 10.0  # seconds between two lines about the bytes in flight of one upload


class EventLines:
    """last: the ID of the upload or job that the last event was about; "-" when it had none.

    Args:
        timer: Seconds from any start; never set back.
    """

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self.last = "-"
        self._timer = timer
        self._uploads = RunningUploads()
        self._next = timer() + _EVERY

    def lines(self, event: Event) -> list[tuple[str, str]]:
        """IDs and what happened, for one event; most events about bytes in flight have none."""
        now = self._timer()
        self._uploads.update(event, now)
        self.last = whose(event)
        if not isinstance(event, (PartProgress, PartsChecked)):
            return [(self.last, log_line(event))]
        if now < self._next:
            return []
        self._next = now + _EVERY
        return [(upload.upload, state(upload)) for upload in self._uploads]
