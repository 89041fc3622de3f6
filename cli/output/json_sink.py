"""Events as JSON, one object per line, for programs that run partway."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TextIO

from partway.engine.events import Event
from partway.engine.events.upload import PartProgress

from ..text.times import utc

_EVERY = 1.0  # seconds between two part_progress lines


def event_name(event: Event) -> str:
    """``upload_started`` for ``UploadStarted``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


class JsonSink:
    """Writes every event at once; ``part_progress`` at most once every ``every`` seconds (None: one).

    The text is ASCII: a control character in a name is written as ``\\u001b``.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._out = out
        self._every = every or _EVERY
        self._clock = clock
        self._now = now
        self._next = 0.0

    def __call__(self, event: Event, **more: int) -> None:
        """Write an event.  more: fields that come after its own."""
        if isinstance(event, PartProgress):
            now = self._clock()
            if now < self._next:
                return
            self._next = now + self._every
        head = {"event": event_name(event), "time": utc(self._now())}
        print(json.dumps(head | asdict(event) | more), file=self._out, flush=True)
