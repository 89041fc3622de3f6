"""The options of ``upload`` that are about many files."""

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from partway.engine.walk.filters import Filter

from ..help.groups import GroupedCommand
from . import shared
from .aws_forms import with_single_grants
from .bundle import gathered

_FILTERS = "partway.filters"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What the user said about many files.  files_from: a path, "-" for standard input, or None."""

    recursive: bool
    filters: tuple[Filter, ...]
    files_from: str | None
    follow_symlinks: bool
    skip_same: bool
    fail_fast: bool
    prune: bool
    fail_if_empty: bool
    key_encoding: str | None


def job_options(command: F) -> F:
    """Adds the options; the command gets ``many``, a JobOptions."""
    return gathered(command, _OPTIONS, "many", _make)  # type: ignore[no-any-return]


def _make(values: dict[str, Any]) -> JobOptions:
    return JobOptions(
        recursive=values["recursive"],
        filters=tuple(click.get_current_context().meta.get(_FILTERS, ())),
        files_from=values["files_from"],
        follow_symlinks=values["follow_symlinks"],
        skip_same=values["skip_same"],
        fail_fast=values["fail_fast"],
        prune=values["prune"],
        fail_if_empty=values["fail_if_empty"],
        key_encoding=values["key_encoding"],
    )


def _encoding(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            codecs.lookup(value)
        except LookupError:
            raise click.BadParameter(f"{value!r} is not a known encoding; use one such as latin-1 or cp1252") from None
    return value


_OPTIONS = (
    click.option("-r", "--recursive", is_flag=True, help="Upload the files in directories."),
    click.option(
        "--include",
        multiple=True,
        metavar="PATTERN",
        help="Include matching files; the last matching filter wins.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Exclude matching files, e.g. '*.tmp' or 'old/*'.",
    ),
    click.option(
        "--files-from",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True),
        metavar="FILE",
        help="Read file names, one per line or separated by NUL; - reads standard input.",
    ),
    click.option("--follow-symlinks/--no-follow-symlinks", default=True, help="Follow symbolic links.  [default: yes]"),
    click.option(
        "--skip-existing",
        "--update",
        "skip_same",
        is_flag=True,
        help="Skip files whose objects have the same size and checksum.",
    ),
    click.option(
        "--key-encoding",
        callback=_encoding,
        metavar="NAME",
        help="Encoding of file names that are not UTF-8, e.g. latin-1.  [default: the locale's, or refuse them]",
    ),
    click.option("--fail-fast", is_flag=True, help="Stop at the first failure."),
    shared.prune_option,
    click.option("--fail-if-empty", is_flag=True, help="Fail if the list is empty or no file matches the filters."),
)


def hopeless_filters(filters: Sequence[Filter], sources: Sequence[str]) -> list[str]:
    """A sentence about each pattern that no file can match.  sources: absolute paths."""
    sentences = []
    for each in filters:
        if each.can_match:
            continue
        flag = f"{'--include' if each.include else '--exclude'} {each.pattern!r}"
        hint = "patterns are matched against the path below SOURCE"
        for source in sources:
            if each.pattern.startswith(f"{source.rstrip('/')}/"):
                hint += f"; use {each.pattern.removeprefix(source.rstrip('/') + '/')!r}"
                break
        else:
            if each.pattern.endswith("/"):
                hint += f"; for the files in a directory use {each.pattern + '*'!r}"
        sentences.append(f"{flag} can match no file: {hint}")
    return sentences


class FilteredCommand(GroupedCommand):
    """Notes the patterns of --include and --exclude in the order in which they were typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = with_single_grants(args)
        parser = self.make_parser(ctx)
        values, _, order = parser.parse_args(args=list(args))
        given = {name: iter(values.get(name) or ()) for name in ("include", "exclude")}
        ctx.meta[_FILTERS] = [
            Filter(include=param.name == "include", pattern=next(given[param.name]))
            for param in order
            if param.name in given
        ]
        return super().parse_args(ctx, args)
