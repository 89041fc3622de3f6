"""The consoles of rich, with the colors that the user wants."""

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

COLOR = "partway.color"  # in the context: auto, always or never


def _mode() -> str:
    ctx = click.get_current_context(silent=True)
    return "auto" if ctx is None else str(ctx.meta.get(COLOR, "auto"))


def wants_color(stream: TextIO) -> bool:
    """True when what is written there is to be colored: --color decides, then NO_COLOR and FORCE_COLOR, as in rich.

    https://no-color.org, https://force-color.org
    """
    if (mode := _mode()) != "auto":
        return mode == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def make_console(*, stderr: bool = False) -> "Console":
    """A console on standard output or standard error."""
    from rich.console import Console  # takes as long as a small upload

    how: dict[str, Any] = {}
    match _mode():
        case "always":
            how = {"force_terminal": True, "color_system": "standard", "no_color": False}
        case "never":
            how = {"no_color": True}
    return Console(stderr=stderr, highlight=False, markup=False, **how)


def is_live(console: "Console", stream: TextIO = sys.stderr) -> bool:
    """True for a terminal on which lines can be drawn again."""
    return stream.isatty() and console.is_terminal and not console.is_dumb_terminal
