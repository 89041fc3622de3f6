"""File names are data: any name is uploaded unchanged, and none is printed raw."""

import os
import sys
from collections.abc import Iterator

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import CONTROL, PARTWAY, Result, Shell

NAMES = {
    "spaces": "two  spaces.txt",
    "quotes": 'it\'s "quoted" `name`.txt',
    "emoji": "\N{ROCKET}\N{SNOWMAN}é.txt",
    "newline": "one\ntwo\r\tthree.txt",
    "escape": "\x1b[31mred\x1b]0;title\x07\x9b2J.txt",
    "markup": "[bold]x[red] [link=x]:smiley:.txt",
    "bidi": "abc\u202etxt.exe\u2066\u200f",
    "percent": "100%20+&?#=.txt",
    "dash": "-rf",
}
UNDECODABLE = b"caf\xe9-\xff.txt"
CONTENT = b"content"


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """One strict S3 for every test here."""
    with StrictS3() as server:
        yield server


@pytest.fixture(scope="module")
def shell(server: StrictS3, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A directory with a file of each name."""
    shell = Shell(tmp_path_factory.mktemp("names"), server)
    for name in NAMES.values():
        (shell.folder / name).write_bytes(CONTENT)
    try:
        (shell.folder / os.fsdecode(UNDECODABLE)).write_bytes(CONTENT)
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    return shell


@pytest.fixture(scope="module")
def results(shell: Shell) -> dict[str, Result]:
    """How the upload of each file ended."""
    commands: dict[str, tuple[str | bytes, ...]] = {
        kind: ("upload", "--", name, "s3://bucket/") for kind, name in NAMES.items()
    }
    commands["bytes"] = ("upload", UNDECODABLE, "s3://bucket/named.txt")
    commands["bytes in the key"] = ("upload", UNDECODABLE, "s3://bucket/folder/")
    return shell.run_all(commands)


@pytest.mark.parametrize("kind", NAMES)
def test_any_name_becomes_the_key(server: StrictS3, results: dict[str, Result], kind: str) -> None:
    """The key is the name, character for character."""
    assert results[kind].code == 0, results[kind]
    assert server.model.objects["bucket", NAMES[kind]].body == CONTENT


@pytest.mark.parametrize("kind", [*NAMES, "bytes", "bytes in the key"])
def test_no_name_is_printed_raw(results: dict[str, Result], kind: str) -> None:
    """Nothing that a terminal would interpret is printed."""
    assert results[kind].out + results[kind].err
    assert not CONTROL.search(results[kind].out + results[kind].err)


def test_name_is_recognisable(results: dict[str, Result]) -> None:
    """Harmless characters are printed unchanged, including markup."""
    assert results["emoji"].out.startswith("uploaded s3://bucket/\N{ROCKET}\N{SNOWMAN}é.txt (")
    assert NAMES["markup"] in results["markup"].out
    assert r"\x1b[31mred" in results["escape"].out


def test_name_that_is_no_utf8_with_a_named_key(server: StrictS3, results: dict[str, Result]) -> None:
    """Only the key has to be UTF-8."""
    assert results["bytes"].code == 0, results["bytes"]
    assert server.model.objects["bucket", "named.txt"].body == CONTENT


def test_name_that_is_no_utf8_as_key(server: StrictS3, results: dict[str, Result]) -> None:
    """A key that is not UTF-8 is refused, with advice."""
    assert results["bytes in the key"].code == 2
    assert "is not valid UTF-8; set the key in the destination, or rename the file" in results["bytes in the key"].err
    assert not [key for _, key in server.model.objects if key.startswith("folder/")]


@pytest.mark.parametrize("arguments", [("list", "--all"), ("list", "--all", "--json")])
def test_list_prints_no_name_raw(shell: Shell, results: dict[str, Result], arguments: tuple[str, ...]) -> None:
    """The list of uploads prints no raw name either."""
    result = shell.run(*arguments)

    assert result.code == 0
    assert "caf" in result.out
    assert not CONTROL.search(result.out)


@pytest.mark.parametrize(
    "arguments", [("show", "x", "\x1b[31m\u202e"), ("\x1b]0;x\x07",), ("upload", "x", "s4://\x1b")]
)
def test_usage_error_prints_no_argument_raw(shell: Shell, arguments: tuple[str, ...]) -> None:
    """Usage errors escape the input that they repeat, also on a terminal."""
    code = "import pty,sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    result = shell.run_command([sys.executable, "-c", code, *PARTWAY, *arguments])

    assert result.code == 2
    assert "\\x1b" in result.out
    assert not CONTROL.search(result.out.replace("\r\n", "\n"))
