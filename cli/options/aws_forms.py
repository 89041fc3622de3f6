"""What ``aws s3 cp`` takes besides: grants as several words, and flags that mean nothing for uploads."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_IGNORED = "partway.ignored"
_GRANT = re.compile(r"(read|readacl|writeacl|full)=(id|uri|emailaddress)=.", re.IGNORECASE)
# Of copies, downloads and listings.
_WITH_VALUE = ("--metadata-directive", "--copy-props", "--page-size", "--source-region", "--checksum-mode")
_FLAGS = ("--force-glacier-transfer", "--ignore-glacier-warnings")


def ignored_options(command: F) -> F:
    """Accept the flags of ``aws s3 cp`` that mean nothing for uploads."""
    for name in _WITH_VALUE:
        command = click.option(name, hidden=True, expose_value=False, callback=_note)(command)
    for name in _FLAGS:
        command = click.option(name, is_flag=True, hidden=True, expose_value=False, callback=_note)(command)
    return command


def _note(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value:
        ctx.meta.setdefault(_IGNORED, []).append(param.opts[0])


def warn_of_ignored(warn: Callable[[str], None]) -> None:
    """Say in one sentence which of the flags were given."""
    if given := click.get_current_context().meta.get(_IGNORED):
        warn(f"{', '.join(given)}: no effect on uploads; ignored")


def with_single_grants(args: Sequence[str]) -> list[str]:
    """The arguments with ``--grants A B`` as ``--grants A --grants B``."""
    return list(_split(args))


def _split(args: Sequence[str]) -> Iterator[str]:
    in_grants = False
    for index, each in enumerate(args):
        if each == "--":
            yield from args[index:]
            return
        if each == "--grants" or each.startswith("--grants="):
            in_grants = True
        elif not _GRANT.match(each):
            in_grants = False
        elif in_grants and args[index - 1] != "--grants":
            yield "--grants"
        yield each
