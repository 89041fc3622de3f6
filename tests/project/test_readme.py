"""The README is true: its commands and flags exist, its Python runs, and CI runs what it says."""

import re
import shlex
from pathlib import Path

import click
import pytest

from partway.cli.main import cli
from tests.support.s3_server.server import StrictS3

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("partway")
]


def command_of(words: list[str]) -> click.Command:
    """The click command that a line of the README runs."""
    command = cli.get_command(click.Context(cli), words[1])
    assert command is not None, f"there is no command {words[1]}"
    return command


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_line_parses(line: str) -> None:
    """Command, arguments and options of each example are accepted."""
    words = shlex.split(line)

    command_of(words).make_context(words[1], words[2:])


def test_every_flag_that_is_named_exists() -> None:
    """A flag in the text belongs to some command."""
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    known = {"--help", "--version"} | {
        name
        for word in cli.list_commands(click.Context(cli))
        for option in command_of(["partway", word]).params
        for name in option.opts
    }

    assert flags <= known


def test_every_command_is_in_the_readme() -> None:
    """Nobody has to guess a command's name."""
    for name in cli.list_commands(click.Context(cli)):
        assert f"partway {name}" in README


@pytest.mark.parametrize(
    "command",
    [
        "pip install -c constraints.txt '.[demo]' && partway demo",
        "pip install -c constraints.txt -e '.[dev]' && pytest",
    ],
)
def test_ci_runs_the_two_commands(command: str) -> None:
    """What the README promises for a fresh machine is what CI does on one."""
    ci = (ROOT / ".ci/run").read_text().replace("pip install -q", "pip install")

    assert command in README
    assert command in ci


def test_the_python_example_runs(
    strict: StrictS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library's example uploads a file and prints the proof."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    strict.model.create_bucket("my-bucket")
    monkeypatch.chdir(tmp_path)
    Path("video.mkv").write_bytes(b"film")
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)

    exec(code, {})

    assert capsys.readouterr().out.split()[-1] == "crc64nvme"
    assert strict.model.get_object("my-bucket", "video.mkv").body == b"film"
