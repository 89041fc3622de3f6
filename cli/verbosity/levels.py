"""How much is logged, and where: by -v, -vv and --debug, and by PARTWAY_LOG."""

import os
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import click

VARIABLE = "PARTWAY_LOG"
_META = "partway.verbosity"
_FORM = "use info, debug or wire, and :FILE behind it to write to a file"


class Level(IntEnum):
    """Each includes those before it.

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
    """That of the command which runs."""
    ctx = click.get_current_context(silent=True)
    found: Verbosity = Verbosity() if ctx is None else ctx.meta.get(_META, Verbosity())
    return found


def read_variable(ctx: click.Context) -> None:
    """Log as PARTWAY_LOG says.

    Raises:
        click.UsageError: it has no such level, or its file cannot be written.
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
    """What a flag asks for; the highest of several holds."""
    current = _current(ctx)
    if current.stderr is None or level > current.stderr:
        _start(ctx, replace(current, stderr=level))


def _current(ctx: click.Context) -> Verbosity:
    found: Verbosity = ctx.meta.get(_META, Verbosity())
    return found


def _start(ctx: click.Context, verbosity: Verbosity) -> None:
    from . import handlers  # only here: few commands log

    try:
        handlers.install(verbosity)
    except OSError as error:
        raise click.UsageError(f"{VARIABLE}: cannot write {verbosity.file}: {error.strerror or error}", ctx) from error
    ctx.meta[_META] = verbosity
