"""Help: every command and every option is documented."""

import re
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from partway.cli.help.groups import ungrouped
from partway.cli.main import cli
from tests.support.shell.command import Shell

COMMANDS = [
    "upload",
    "run",
    "resume",
    "list",
    "show",
    "watch",
    "pace",
    "verify",
    "cancel",
    "clean",
    "doctor",
    "demo",
    "help",
]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty directory."""
    return Shell(tmp_path)


def command_of(name: str) -> click.Command:
    """The command with this name."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def shown_options(command: click.Command) -> list[click.Option]:
    """The visible options, without those that are accepted but ignored."""
    return [param for param in command.params if isinstance(param, click.Option) and not param.hidden]


def test_commands() -> None:
    """Every command is listed."""
    assert cli.list_commands(click.Context(cli)) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    """No option is left unexplained."""
    options = shown_options(command_of(name))

    assert options or name == "help"
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example(name: str) -> None:
    """The help explains the command and has an example."""
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
    """No line is longer than 80 columns."""
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
    """--version prints the installed version on a single line."""
    result = shell.run("--version")

    assert shell.run("-V") == result
    assert (result.code, result.out, result.err) == (0, f"partway {version('partway')}\n", "")


def test_unknown_command(shell: Shell) -> None:
    """An unknown command is a usage error that repeats it and says how to list the commands."""
    result = shell.run("fly")

    assert (result.code, result.out) == (2, "")
    assert result.errors == ["error: no such command 'fly'; see `partway help`"]


@pytest.mark.parametrize(("typed", "meant"), [("uplaod", "upload"), ("cp", "upload"), ("ls", "list"), ("-r", None)])
def test_a_mistyped_command_is_guessed(shell: Shell, typed: str, meant: str | None) -> None:
    """Including names from other tools; an option is not a command."""
    result = shell.run(typed)

    assert result.code == 2
    assert result.errors[0].endswith(f"; did you mean '{meant}'?") is (meant is not None)


def test_help_of_a_command(shell: Shell) -> None:
    """``help upload`` is ``upload --help``, ``help`` alone the list of commands, and a mistyped one is guessed."""
    results = shell.run_all(
        {
            "help": ("help",),
            "--help": ("--help",),
            "help upload": ("help", "upload"),
            "upload --help": ("upload", "--help"),
            "wrong": ("help", "uplaod"),
        }
    )

    assert results["help"] == results["--help"]
    assert results["help upload"] == results["upload --help"]
    assert (results["wrong"].code, results["wrong"].errors) == (
        2,
        ["error: no such command 'uplaod'; did you mean 'upload'?"],
    )


def test_help_is_in_groups(shell: Shell) -> None:
    """First the ten common options, then those for the source, and so on; no option is in two groups."""
    lines = shell.run("upload", "--help").out.splitlines()

    headings = [line.removesuffix(":") for line in lines if line[:1].isalpha() and line.endswith(":")]
    start = lines.index("Common options:")
    common = [line for line in lines[start : lines.index("Source:")] if line.startswith("  -")]
    assert headings == [
        "Common options",
        "Source",
        "Destination",
        "Object",
        "Speed",
        "Resume",
        "Output",
        "Connection",
    ]
    assert len(common) == 10
    assert sum("--exclude PATTERN" in line for line in lines) == 1


def test_every_option_of_upload_has_a_group() -> None:
    """New options have to be added to a group, too."""
    assert ungrouped(command_of("upload")) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_no_heading_for_a_few_options(shell: Shell, name: str) -> None:
    """A group has three options or more; a command with few options has one list."""
    text = shell.run(name, "--help").out
    sections = re.split(r"^[A-Z][a-z ]+:\n", text, flags=re.MULTILINE)[1:]

    assert all(len(re.findall(r"^  -", section, re.MULTILINE)) >= 3 for section in sections[1:])


def test_help_touches_nothing(shell: Shell) -> None:
    """Help and version create no state."""
    shell.run("upload", "--help")

    assert list(shell.folder.iterdir()) == []


def test_help_fits_a_screen(shell: Shell) -> None:
    """24 lines of 80 columns, with the examples first."""
    lines = shell.run("--help").out.splitlines()

    assert len(lines) <= 24
    assert max(map(len, lines)) < 80
    assert lines[1].startswith("  partway upload ")
