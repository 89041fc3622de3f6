"""Handlers of Python's ``logging`` for standard error and a file; every line of both has its secrets masked."""

import logging
import os
import sys
from pathlib import Path

from ..text.escape import printable
from ..text.times import utc
from .levels import Level, Verbosity
from .secrets import mask

_NAMES = {
    Level.INFO: ("partway",),
    Level.DEBUG: ("partway", "urllib3"),
    Level.WIRE: ("partway", "urllib3", "botocore", "boto3"),
}
_installed: list[tuple[logging.Logger, logging.Handler]] = []


class _Formatter(logging.Formatter):
    """The time in UTC, as in --log-file; text that a terminal would interpret is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{utc(record.created)} {record.name}"
        text = record.getMessage()
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        first, *more = mask(text).split("\n")
        return "\n".join([f"{head} {printable(first)}", *(f"  {printable(line)}" for line in more)])


class _Stderr(logging.Handler):
    """Writes to the current ``sys.stderr``."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except (OSError, ValueError):
            # A failing log does not stop an upload.
            return


def install(verbosity: Verbosity) -> None:
    """Log at these levels; replaces the handlers of an earlier call.

    Raises:
        OSError: the file cannot be written.
    """
    wanted: list[tuple[Level | None, logging.Handler]] = [(verbosity.stderr, _Stderr())]
    if verbosity.file is not None:
        wanted.append((verbosity.file_level, _file_handler(verbosity.file)))
    for logger, handler in _installed:
        logger.removeHandler(handler)
    _installed.clear()
    for level, handler in wanted:
        handler.setFormatter(_Formatter())
        for name in () if level is None else _NAMES[level]:
            logger = logging.getLogger(name)
            logger.setLevel(logging.DEBUG)
            logger.addHandler(handler)
            logger.propagate = False
            _installed.append((logger, handler))


def _file_handler(path: Path) -> logging.Handler:
    # Readable only by its owner: names of buckets and files are private.
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    return logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
