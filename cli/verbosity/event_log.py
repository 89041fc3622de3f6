"""A sink that logs events, for -v and PARTWAY_LOG."""

import logging

from partway.engine.events import Event

from ..output.messages.event_lines import EventLines

_logger = logging.getLogger("partway")


class EventLog:
    """Writes a line for each event to the logger ``partway``."""

    def __init__(self) -> None:
        self._lines = EventLines()

    def __call__(self, event: Event) -> None:
        for id, line in self._lines.lines(event):
            _logger.info("%s %s", id, line)
