"""The level and destination of logging, from -v, -vv, --debug and PARTWAY_LOG."""

import os
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import click

VARIABLE = "PARTWAY_LOG"
_META = "partway.verbosity"
_FORM = "use info, debug or wire, and :FILE behind it to write to a file"


class Level(IntEnum):
    """The log levels; each includes the previous ones.

    INFO: events, as in --log-file.  DEBUG: requests, too.  WIRE: headers and responses, too.
    """

    INFO = 1
    DEBUG = 2
    WIRE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verbosity:
    """stderr: None logs nothing there.  file_level, file: None logs to no file."""

    stderr: Level | None = None
    file_level: Level | None = None
    file: Path | None = None

    @property
    def is_on(self) -> bool:
        """True when anything is logged."""
        return self.stderr is not None or self.file is not None


def verbosity() -> Verbosity:
    """The verbosity of the current command."""
    ctx = click.get_current_context(silent=True)
    found: Verbosity = Verbosity() if ctx is None else ctx.meta.get(_META, Verbosity())
    return found


def read_variable(ctx: click.Context) -> None:
    """Set up logging from PARTWAY_LOG.

    Raises:
        click.UsageError: the level is unknown, or the file cannot be written.
    """
    if not (text := os.environ.get(VARIABLE)):
        return
    name, _, file = text.partition(":")
    try:
        level = Level[name.upper()]
    except KeyError:
        raise click.UsageError(f"{VARIABLE}={text} is not valid: {_FORM}", ctx) from None
    if file:
        _start(ctx, replace(_current(ctx), file_level=level, file=Path(file)))
    else:
        _start(ctx, replace(_current(ctx), stderr=level))


def log_to_stderr(ctx: click.Context, level: Level) -> None:
    """The level that a flag sets; the highest of several applies."""
    current = _current(ctx)
    if current.stderr is None or level > current.stderr:
        _start(ctx, replace(current, stderr=level))


def _current(ctx: click.Context) -> Verbosity:
    found: Verbosity = ctx.meta.get(_META, Verbosity())
    return found


def _start(ctx: click.Context, verbosity: Verbosity) -> None:
    from . import handlers  # imported here: few commands log

    try:
        handlers.install(verbosity)
    except OSError as error:
        raise click.UsageError(f"{VARIABLE}: cannot write {verbosity.file}: {error.strerror or error}", ctx) from error
    ctx.meta[_META] = verbosity
