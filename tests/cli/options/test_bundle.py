"""Several options as one value."""

from dataclasses import dataclass

import click
from click.testing import CliRunner

from partway.cli.options.bundle import collected


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Door:
    """Through which."""

    port: int


@click.command()
@click.option("--port", type=int, default=1)
@click.option("--name")
@click.option("--host")
@collected(place=Place, door=Door)
def command(name: str, place: Place, door: Door) -> None:
    """Return the given values."""
    click.echo(f"{name} {place} {door}")


def test_a_dataclass_for_the_options_of_its_fields() -> None:
    """In any order, and for two dataclasses with a common field; other options stay separate values."""
    result = CliRunner().invoke(command, ["--host", "a", "--name", "b", "--port", "2"])

    assert result.output == "b Place(host='a', port=2) Door(port=2)\n"


def test_the_help_is_that_of_the_command() -> None:
    """The docstring, and the options in order."""
    lines = CliRunner().invoke(command, ["--help"]).output.split()

    assert "Return the given values." in " ".join(lines)
    assert [each for each in lines if each.startswith("--")] == ["--port", "--name", "--host", "--help"]
