"""Options that every command has: -v, --debug and --color."""

from collections.abc import Callable

import click

from ..text.console import COLOR
from .levels import Level, log_to_stderr


def _verbose(ctx: click.Context, param: click.Parameter, count: int) -> None:
    if count:
        log_to_stderr(ctx, Level.INFO if count == 1 else Level.DEBUG)


def _debug(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        log_to_stderr(ctx, Level.WIRE)


def _color(ctx: click.Context, param: click.Parameter, when: str | None) -> None:
    if when is not None:
        ctx.meta[COLOR] = when


def _options(*, hidden: bool) -> tuple[Callable[[Callable[..., object]], Callable[..., object]], ...]:
    return (
        click.option(
            "-v",
            "--verbose",
            count=True,
            expose_value=False,
            hidden=hidden,
            callback=_verbose,
            help="Log events to stderr, and with -vv requests, too.  [env: PARTWAY_LOG]",
        ),
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            hidden=hidden,
            callback=_debug,
            help="Log requests and responses to stderr, with their headers; secrets are masked.",
        ),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            expose_value=False,
            hidden=hidden,
            callback=_color,
            metavar="WHEN",
            help="Use colors: auto, always or never.  [default: auto; env: NO_COLOR, FORCE_COLOR]",
        ),
    )


def add_general_options(command: click.Command, *, hidden: bool = False) -> None:
    """Give a command the options, unless it has them."""
    if any("--verbose" in param.opts for param in command.params):
        return

    def holder() -> None:
        """Click collects options at a function."""

    made: object = holder
    for option in reversed(_options(hidden=hidden)):
        made = option(holder)
    command.params += list(reversed(getattr(made, "__click_params__", [])))
