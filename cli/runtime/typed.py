"""The command line as typed, option by option, for messages that suggest a command."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

_META = "partway.typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedWords:
    """An option with its value, or an argument.  name: the option's parameter; "" for an argument."""

    name: str
    words: tuple[str, ...]


def note_typed(ctx: click.Context, words: Sequence[str]) -> None:
    """Keep the arguments of the command."""
    ctx.meta[_META] = tuple(words)


def typed() -> list[TypedWords]:
    """The arguments of the current command as typed; empty if unknown."""
    ctx = click.get_current_context(silent=True)
    return [] if ctx is None else list(split(ctx.meta.get(_META, ()), ctx.command.params))


def split(words: Sequence[str], params: Sequence[click.Parameter]) -> Iterator[TypedWords]:
    """Separate options from arguments, as click does."""
    options = {
        flag: param
        for param in params
        if isinstance(param, click.Option)
        for flag in (*param.opts, *param.secondary_opts)
    }
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            yield from (TypedWords(name="", words=(each,)) for each in ("--", *waiting))
            return
        if not word.startswith("-") or word == "-":
            yield TypedWords(name="", words=(word,))
        elif word.startswith("--"):
            flag, equals, _ = word.partition("=")
            yield _option(options.get(flag), (word,), waiting, has_value=bool(equals))
        else:
            yield from _short_options(word, options, waiting)


def _short_options(word: str, options: dict[str, click.Option], waiting: list[str]) -> Iterator[TypedWords]:
    """``-rn`` is two options, ``-c4`` one."""
    rest = word[1:]
    while rest:
        flag, rest = f"-{rest[0]}", rest[1:]
        option = options.get(flag)
        if option is not None and option.is_flag:
            yield _option(option, (flag,), waiting, has_value=True)
        else:
            yield _option(option, (flag + rest,), waiting, has_value=bool(rest))
            return


def _option(option: click.Option | None, words: tuple[str, ...], waiting: list[str], *, has_value: bool) -> TypedWords:
    if option is None:
        return TypedWords(name="", words=words)
    # An option with an optional value does not consume a word that looks like an option.
    optional = option._flag_needs_value and (not waiting or waiting[0].startswith("-"))
    if not has_value and not option.is_flag and not optional and waiting:
        words = (*words, waiting.pop(0))
    return TypedWords(name=option.name or "", words=words)
