"""docs/coming-from.md is true of this side: its commands run or parse, and its flags exist."""

import re
import shlex
from pathlib import Path

import click
import pytest

from partway.cli.main import cli
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.pipe import piped

PAGE = (Path(__file__).parents[2] / "docs" / "coming-from.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in line.strip("| ").split(" | "))
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.endswith("| partway |")
]
CODE = re.compile(r"`([^`]+)`")
COMMANDS = sorted({code for row in ROWS for code in CODE.findall(row[1]) if code.startswith("partway ")})
UPLOADS = [command for command in COMMANDS if command.startswith("partway upload ") and "--help" not in command]
FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def flags_of_this_side() -> set[str]:
    """Those in the second column, and those in the first that are called the same."""
    found: set[str] = set()
    for other, ours in ROWS:
        texts = CODE.findall(ours) + (CODE.findall(other) if ours.startswith("the same") else [])
        found |= {flag for text in texts for flag in FLAG.findall(text)}
    return found


def known_flags() -> set[str]:
    """Of any command."""
    commands = [cli.get_command(click.Context(cli), name) for name in cli.list_commands(click.Context(cli))]
    options = [param for command in commands if command for param in command.params]
    return {name for option in options for name in (*option.opts, *option.secondary_opts)} | {"--help"}


def test_rows_have_two_cells() -> None:
    """Else the others would not see them."""
    assert len(ROWS) > 40
    assert {len(row) for row in ROWS} == {2}


def test_every_flag_exists() -> None:
    """-L and -P are the others'; a row that says "the same" names none of those."""
    # Of aws s3api, beside the name that it has here.
    assert flags_of_this_side() - known_flags() == {"--object-lock-legal-hold-status"}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_parses(line: str) -> None:
    words = shlex.split(line)
    command = cli.get_command(click.Context(cli), words[1])

    assert command is not None
    if "ID" not in words:
        command.make_context(words[1], words[2:])


@pytest.mark.parametrize("line", UPLOADS)
def test_every_upload_does_what_the_row_says(shell: Shell, server: StrictS3, line: str) -> None:
    """With a file and a folder of these names, and something in the pipe."""
    (shell.folder / "FILE").write_bytes(b"x")
    (shell.folder / "DIR").mkdir()
    (shell.folder / "DIR" / "a.jpg").write_bytes(b"x")
    words = shlex.split(line)[1:]
    result = piped(shell, b"x", *words[2:]) if words[1] == "-" else shell.run(*words)

    assert result.code == 0, result.err
    expected = "p/a.jpg" if "DIR" in words else "FILE" if words[-1] == "s3://bucket" else "key"
    assert [key for _, key in server.model.objects] == [expected]
