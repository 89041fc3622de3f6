"""The options of ``upload`` for many files."""

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from partway.engine.walk.file_limits import FileLimits
from partway.engine.walk.filters import Filter
from partway.engine.walk.order import Order
from partway.engine.walk.parse_selection import parse_age, parse_order

from ..help.groups import GroupedCommand
from . import shared
from .aws_forms import with_single_grants
from .bundle import gathered
from .values import read, size_value

_FILTERS = "partway.filters"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """The options for many files.  files_from: a path, "-" for standard input, or None."""

    recursive: bool
    filters: tuple[Filter, ...]
    limits: FileLimits
    order: Order | None
    files_from: str | None
    follow_symlinks: bool
    skip_same: bool
    fail_fast: bool
    prune: bool
    fail_if_empty: bool
    key_encoding: str | None


def job_options(command: F) -> F:
    """Add the options; the command receives ``many``, a JobOptions."""
    return gathered(command, _OPTIONS, "many", _make)  # type: ignore[no-any-return]


def _make(values: dict[str, Any]) -> JobOptions:
    return JobOptions(
        recursive=values["recursive"],
        filters=tuple(click.get_current_context().meta.get(_FILTERS, ())),
        limits=_limits(values),
        order=values["order"],
        files_from=values["files_from"],
        follow_symlinks=values["follow_symlinks"],
        skip_same=values["skip_same"],
        fail_fast=values["fail_fast"],
        prune=values["prune"],
        fail_if_empty=values["fail_if_empty"],
        key_encoding=values["key_encoding"],
    )


def _limits(values: dict[str, Any]) -> FileLimits:
    max_age, after = values["newer_than"] or (None, None)
    min_age, before = values["older_than"] or (None, None)
    sizes = values["min_size"], values["max_size"]
    if None not in sizes and sizes[0] > sizes[1]:
        raise click.UsageError("--min-size is greater than --max-size: no file has such a size")
    return FileLimits(
        min_size=sizes[0], max_size=sizes[1], max_age=max_age, min_age=min_age, after=after, before=before
    )


def _age(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float | None, float | None] | None:
    return None if value is None else read(parse_age, value)


def _order(ctx: click.Context, param: click.Parameter, value: str | None) -> Order | None:
    return None if value is None else read(parse_order, value)


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
        "--min-size", callback=size_value, metavar="SIZE", help="Skip files smaller than this, e.g. 1k or 50MiB."
    ),
    click.option("--max-size", callback=size_value, metavar="SIZE", help="Skip files larger than this."),
    click.option(
        "--newer-than",
        "--max-age",
        "newer_than",
        callback=_age,
        metavar="AGE",
        help="Skip files that were modified before this age or date, e.g. 36h, 7d or 2026-12-31.",
    ),
    click.option(
        "--older-than",
        "--min-age",
        "older_than",
        callback=_age,
        metavar="AGE",
        help="Skip files that were modified after this age or date.",
    ),
    click.option(
        "--order",
        "--order-by",
        "order",
        callback=_order,
        metavar="ORDER",
        help="Send files in the order of size, name or mtime; size,desc: the largest first.",
    ),
    click.option(
        "--files-from",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True),
        metavar="FILE",
        help="Read file names, one per line (# starts a comment) or separated by NUL; - reads standard input.",
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
    """A warning for each pattern that cannot match any file.  sources: absolute paths."""
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
    """A command that keeps the patterns of --include and --exclude in the order typed."""

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
