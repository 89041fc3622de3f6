"""Which output is colored: by --color, and without it by NO_COLOR, FORCE_COLOR and the terminal."""

from pathlib import Path

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

FORCE, NO = {"FORCE_COLOR": "1"}, {"NO_COLOR": "1"}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with the state of one finished upload."""
    folder: Path = tmp_path_factory.mktemp("color")
    (folder / "small.txt").write_bytes(b"small")
    with StrictS3() as server:
        shell = Shell(folder, server)
        assert shell.run("upload", "small.txt", "s3://bucket/key", "--quiet").code == 0
    return shell


@pytest.mark.parametrize(
    ("flags", "variables", "colored"),
    [
        ((), {}, False),
        ((), FORCE, True),
        ((), FORCE | NO, False),
        (("--color", "auto"), FORCE, True),
        (("--color", "always"), {}, True),
        (("--color", "always"), NO, True),
        (("--color", "always"), {"TERM": "dumb"}, True),
        (("--color", "never"), FORCE, False),
    ],
)
@pytest.mark.parametrize("command", [("list", "--all"), ("doctor",)])
def test_a_pipe_is_colored_only_on_request(
    shell: Shell, command: tuple[str, ...], flags: tuple[str, ...], variables: dict[str, str], colored: bool
) -> None:
    """A flag decides before the variables, and NO_COLOR before FORCE_COLOR."""
    result = shell.run(*command, *flags, variables=variables)

    assert ("\x1b[3" in result.out) is colored


def test_an_unknown_choice_is_refused(shell: Shell) -> None:
    """With the choices there are."""
    result = shell.run("list", "--color", "sometimes")

    assert (result.code, len(result.errors)) == (2, 1)
    assert "'auto', 'always', 'never'" in result.errors[0]
