"""The commands of ``partway run``: one a line, in the shell's quoting, all of them checked before the first is run."""

import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource

from ..options.s3_uri import absolute
from ..text.escape import printable
from .prepared import TAKES, PreparedUpload

_NAMES = ("upload", "cp", "put")  # what other tools call it, in their lists
_OWN = "partway"
# What all lines have together.
_OF_RUN = {
    "concurrency": "-c",
    "bwlimit": "--bwlimit",
    "max_duration": "--max-duration",
    "dry_run": "--dry-run",
    "quiet": "--quiet",
    "no_progress": "--no-progress",
    "progress_interval": "--progress-interval",
    "as_json": "--json",
    "log_file": "--log-file",
    "state_dir": "--state-dir",
}
_MOST_NAMED = 20  # bad lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line and its command.  number: 1-based."""

    number: int
    upload: PreparedUpload


def prepared_lines(text: bytes, upload: click.Command) -> list[Line]:
    """The commands of a list, without blank lines and comments.

    upload: the command that each line calls.

    Raises:
        click.UsageError: names every line that is not valid, up to twenty.
    """
    found: list[Line] = []
    problems: list[str] = []
    for number, words in enumerate(text.splitlines(), 1):
        try:
            if (prepared := _prepared(os.fsdecode(words), upload)) is not None:
                found.append(Line(number=number, upload=prepared))
        except (click.ClickException, ValueError) as error:
            message = error.format_message() if isinstance(error, click.ClickException) else str(error)
            problems.append(f"line {number}: {message}")
    problems += _same_destinations(found)
    if problems:
        more = [f"and {len(problems) - _MOST_NAMED:,} more"] if len(problems) > _MOST_NAMED else []
        raise click.UsageError("\n  ".join(["nothing was run:", *problems[:_MOST_NAMED], *more]))
    return found


def _prepared(line: str, upload: click.Command) -> PreparedUpload | None:
    """The command of a line; None when it has none.

    Raises:
        ValueError, click.ClickException: it is not valid.
    """
    words = shlex.split(line, comments=True)
    words = words[1:] if words[:1] == [_OWN] else words
    if not words:
        return None
    if words[0] not in _NAMES:
        raise ValueError(f"{printable(words[0])} cannot be run here; only upload can")
    taken: list[PreparedUpload] = []
    outer = click.get_current_context()
    outer.meta[TAKES] = taken.append
    try:
        with upload.make_context("upload", words[1:], parent=outer) as context:
            _check_options(context)
            upload.invoke(context)
    except click.exceptions.Exit:
        raise ValueError("--help shows nothing here") from None
    finally:
        del outer.meta[TAKES]
    (prepared,) = taken
    if prepared.sources.is_stream or prepared.many.files_from == "-":
        raise ValueError("standard input cannot be uploaded or read here; use partway upload")
    return prepared


def _check_options(context: click.Context) -> None:
    for name, flag in _OF_RUN.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise ValueError(f"{flag} is for all lines together; give it to partway run")


def _same_destinations(lines: list[Line]) -> Iterator[str]:
    """A sentence about each line that would write the object of an earlier one."""
    first: dict[tuple[object, ...], int] = {}
    for line in lines:
        sources, service = line.upload.sources, line.upload.service
        # Of directories, the same one twice.
        what = sources.named if sources.is_job else ()
        place = (service.endpoint_url, service.profile, sources.bucket, sources.key, what)
        if first.setdefault(place, line.number) != line.number:
            yield f"line {line.number}: it writes to the destination of line {first[place]}"


def list_text(path: str) -> tuple[str | None, bytes]:
    """The absolute path of a list, None for standard input, and its text.

    Raises:
        click.UsageError: it cannot be read.
    """
    try:
        if path == "-":
            if sys.stdin is None:
                raise click.UsageError("standard input is closed; pipe the commands into it")
            return None, sys.stdin.buffer.read()
        place = absolute(path)
        return place, Path(place).read_bytes()
    except OSError as error:
        raise click.UsageError(f"the list {printable(path)} cannot be read: {error.strerror or error}") from None
