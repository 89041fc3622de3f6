"""Terminal output: bars where supported, lines elsewhere, and never mixed with JSON."""

import sys
from collections.abc import Iterator
from shutil import copy

import pytest

from tests.support.s3_faults.faults import Fault, Hang, Stage, Trickle
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Result, Shell
from tests.support.shell.interrupted import MIB, OPTIONS

PTY = "import pty,sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"


@pytest.fixture
def server() -> Iterator[StrictS3]:
    """A strict S3 that is slow with one part."""
    with StrictS3() as server:
        slow = Trickle(bytes_per_second=10 * MIB)
        server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=1, action=slow))
        yield server


def on_terminal(shell: Shell, *arguments: str, **variables: str) -> Result:
    """Upload one file with a terminal of 80 columns for all of its output."""
    return in_terminal(shell, "source.bin", "s3://bucket/key", *arguments, **variables)


def in_terminal(shell: Shell, *arguments: str, **variables: str) -> Result:
    return shell.run_command(
        [sys.executable, "-c", PTY, *PARTWAY, "upload", *arguments, *OPTIONS],
        variables={"TERM": "xterm", "COLUMNS": "80"} | variables,
    )


def test_bars(shell: Shell) -> None:
    """A terminal shows a bar, which is removed at the end, and the cursor is restored."""
    result = on_terminal(shell)

    assert result.code == 0
    assert "source.bin " in result.out and "━━━━" in result.out and "/5 parts" in result.out
    assert result.out.rindex("\x1b[?25h") > result.out.rindex("\x1b[?25l")
    assert result.out.rindex("━━━━") < result.out.rindex("uploaded s3://bucket/key")


def test_bars_of_a_job(server: StrictS3, shell: Shell) -> None:
    """The job has two lines, and each large file one below; they are removed at the end."""
    (shell.folder / "many").mkdir()
    for name in ("a.bin", "b.bin"):
        copy(shell.folder / "source.bin", shell.folder / "many" / name)
    (shell.folder / "many" / "small").write_bytes(b"small")
    late = Fault(operation="CompleteMultipartUpload", stage=Stage.BEFORE_READ, action=Hang(seconds=1.5), times=None)
    server.faults.add(late)

    result = in_terminal(shell, "-r", "many", "s3://bucket/p/")

    lines = [line.strip() for line in result.out.splitlines()]
    bars = [lines[number + 1 : number + 3] for number, line in enumerate(lines) if " of 3 files, " in line]
    assert result.code == 0
    assert any(("a.bin " in one) != ("a.bin " in other) and "━" in one and "━" in other for one, other in bars), lines
    assert result.out.rindex(".bin") < result.out.rindex("uploaded 3 files")


def test_no_bars_on_a_dumb_terminal(shell: Shell) -> None:
    """A terminal that cannot move its cursor gets no control sequences."""
    result = on_terminal(shell, TERM="dumb")

    assert result.code == 0
    assert "\x1b" not in result.out
    assert "uploaded s3://bucket/key" in result.out


def test_no_colours_when_nobody_wants_them(shell: Shell) -> None:
    """NO_COLOR keeps the bar without colours."""
    result = on_terminal(shell, NO_COLOR="1")

    assert "━━━━" in result.out
    assert "\x1b[32m" not in result.out and "\x1b[34m" not in result.out


def test_json_on_a_terminal_is_nothing_but_json(shell: Shell) -> None:
    """Bars do not run into lines of JSON on the same screen."""
    result = on_terminal(shell, "--json")

    assert result.code == 0
    assert result.events[-1]["event"] == "upload_done"
