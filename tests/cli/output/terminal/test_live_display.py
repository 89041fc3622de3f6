"""Lines that are drawn in place leave nothing behind when the terminal becomes narrower."""

import io
import re

import pytest
from rich.console import Console, Group
from rich.text import Text

from partway.cli.output.terminal.live_display import LiveDisplay
from partway.cli.output.terminal.upload_bar import UploadBar
from partway.engine.progress.upload import UploadProgress
from tests.support.engine.job_events import sent, started

UP = "\x1b[1A"


def upload() -> UploadProgress:
    """One that is half done."""
    progress = UploadProgress()
    for event in (started("a"), sent("a", 1, 50)):
        progress.update(event, 0.0)
    return progress


@pytest.mark.parametrize(
    ("width", "rows"),
    [(80, 3), (120, 3), (70, 3), (69, 5), (35, 5), (20, 9)],
)
def test_rows_are_counted_as_the_terminal_wraps_them(width: int, rows: int) -> None:
    """Two lines of 70 cells and one of 5: all rows that they take at the new width are erased."""
    file = io.StringIO()
    console = Console(file=file, width=80, height=24, force_terminal=True)
    lines = Text("\n".join(["x" * 70, "y" * 70, "z" * 5]), no_wrap=True)
    with LiveDisplay(lines, console=console, auto_refresh=False) as live:
        live.refresh()
        file.seek(0)
        file.truncate()
        console.width = width
        live.refresh()
        drawn = file.getvalue()

    assert re.split("[xyz]", drawn)[0].count(UP) == rows - 1


def test_no_more_rows_than_the_terminal_has() -> None:
    """What has scrolled away cannot be erased, and what is above must not be."""
    file = io.StringIO()
    console = Console(file=file, width=80, height=6, force_terminal=True)
    with LiveDisplay(Text("\n".join(["x" * 70] * 4), no_wrap=True), console=console, auto_refresh=False) as live:
        live.refresh()
        file.seek(0)
        file.truncate()
        console.width = 10
        live.refresh()
        drawn = file.getvalue()

    assert drawn.split("x")[0].count(UP) == 5


def test_the_echo_of_ctrl_c_has_room() -> None:
    """At the end of a full line it would begin another row, and one row would stay on the screen."""
    file = io.StringIO()
    console = Console(file=file, width=40, height=24, force_terminal=True)
    with LiveDisplay(UploadBar(upload(), lambda: 0.0), console=console, auto_refresh=False) as live:
        file.seek(0)
        file.truncate()
        live.refresh()
        lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue()).replace("\r", "").splitlines()

    assert max(map(len, lines)) == 37


def test_what_is_above_stays_when_nothing_is_left_to_draw() -> None:
    """An upload that failed has no lines any more; what was printed before must not be erased."""
    file = io.StringIO()
    console = Console(file=file, width=80, height=24, force_terminal=True)
    with LiveDisplay(Text("a line"), console=console, auto_refresh=False) as live:
        live.refresh()
        file.seek(0)
        file.truncate()
        live.update(Group(), refresh=True)

    assert UP not in file.getvalue()
