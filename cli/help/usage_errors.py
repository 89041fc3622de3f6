"""Usage errors on standard error: click's and ours in the same form."""

import sys

import click

from ..text.escape import printable


def show(error: click.ClickException) -> None:
    """Print the usage line, how to get help, and the error, with the user's input escaped."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    lines = []
    if isinstance(error, click.UsageError) and error.ctx is not None:
        lines += [error.ctx.get_usage(), f"Try '{error.ctx.command_path} --help' for help.", ""]
    # Line breaks of our own lists are kept.
    lines += [printable(line) for line in f"error: {_sentence(error)}".split("\n")]
    print("\n".join(lines), file=sys.stderr, flush=True)


def _sentence(error: click.ClickException) -> str:
    """The message in partway's style: click starts with a capital letter and ends with a full stop."""
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Argument):
        return f"{error.param.human_readable_name.removesuffix('...')} is missing"
    text = error.format_message()
    if text[1:2].islower():
        text = text[0].lower() + text[1:]
    return (
        text.removesuffix(".").replace(". Did you mean", "; did you mean").replace(". (Did you mean", " (did you mean")
    )
