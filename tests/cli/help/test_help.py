"""Help: every command and every option explains itself."""

import re
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from partway.cli.main import cli
from tests.support.shell.command import Shell

COMMANDS = ["upload", "resume", "list", "show", "watch", "verify", "cancel", "clean", "doctor", "demo"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder without anything."""
    return Shell(tmp_path)


def command_of(name: str) -> click.Command:
    """A command by its name."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def shown_options(command: click.Command) -> list[click.Option]:
    """Without those that are accepted, and do nothing."""
    return [param for param in command.params if isinstance(param, click.Option) and not param.hidden]


def test_commands() -> None:
    """Every command is listed."""
    assert cli.list_commands(click.Context(cli)) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    """No option is left unexplained."""
    options = shown_options(command_of(name))

    assert options
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example(name: str) -> None:
    """The help says what a command is for, and how it is typed."""
    command = command_of(name)

    assert command.help
    assert f"partway {name}" in (command.epilog or "")


@pytest.mark.parametrize("name", ["upload", "resume", "demo"])
def test_help(shell: Shell, name: str) -> None:
    """--help ends with 0 and names every option."""
    result = shell.run(name, "--help")

    assert (result.code, result.err) == (0, "")
    for option in shown_options(command_of(name)):
        assert all(re.search(rf"(?<![\w-]){re.escape(text)}(?![\w-])", result.out) for text in option.opts), option


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal(shell: Shell, name: str) -> None:
    """No line is longer than the 80 columns that a terminal has at least."""
    lines = shell.run(name, "--help").out.splitlines()

    assert lines
    assert [line for line in lines if len(line) > 80] == []


def test_alone(shell: Shell) -> None:
    """Without a command: the commands, the exit codes, and a usage error."""
    result = shell.run()

    assert result.code == 2
    assert all(re.search(rf"^  {name} ", result.out + result.err, re.MULTILINE) for name in COMMANDS)
    assert "75 run again to resume" in " ".join((result.out + result.err).split())


def test_version(shell: Shell) -> None:
    """--version is the installed one, alone on a line."""
    result = shell.run("--version")

    assert (result.code, result.out, result.err) == (0, f"partway {version('partway')}\n", "")


def test_unknown_command(shell: Shell) -> None:
    """An unknown command is a usage error that repeats it."""
    result = shell.run("uplaod")

    assert (result.code, result.out) == (2, "")
    assert "No such command 'uplaod'" in result.err


def test_help_touches_nothing(shell: Shell) -> None:
    """Help and version leave no state behind."""
    shell.run("upload", "--help")

    assert list(shell.folder.iterdir()) == []


def test_help_fits_a_screen(shell: Shell) -> None:
    """24 lines of 80 columns, with examples before anything else."""
    lines = shell.run("--help").out.splitlines()

    assert len(lines) <= 24
    assert max(map(len, lines)) < 80
    assert lines[1].startswith("  partway upload ")
