"""The width of lines on standard output."""

import os
import shutil
import sys
from typing import TYPE_CHECKING

from .console import make_console

if TYPE_CHECKING:
    from rich.console import Console

_UNLIMITED = 100_000  # cells


def stdout_width() -> int:
    """The terminal's width, or COLUMNS; unlimited without either, so that each row stays on one line for grep."""
    bounded = sys.stdout.isatty() or "COLUMNS" in os.environ
    return shutil.get_terminal_size().columns if bounded else _UNLIMITED


def table_console() -> "Console":
    """A console for tables on standard output, as wide as ``stdout_width``."""
    console = make_console()
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        console.width = _UNLIMITED
    return console
