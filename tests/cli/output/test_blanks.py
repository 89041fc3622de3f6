"""No line ends in blanks: they are in the way when a table is copied, and a narrow terminal wraps them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import UPLOAD, refuse_parts

COMMANDS: dict[str, tuple[str, ...]] = {
    "list": ("list", "--all"),
    "show": ("show",),
    "orphans": ("clean", "s3://bucket", "--ours", "--older-than", "0s", "-n"),
    "kept orphans": ("clean", "s3://bucket", "-n"),
    "history": ("clean", "--older-than", "0s", "-n"),
    "doctor": ("doctor", "s3://bucket"),
    "dry run": ("upload", "source.bin", "s3://bucket/other", "-n"),
}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A folder with the state of an unfinished upload and a finished one."""
    folder: Path = tmp_path_factory.mktemp("blanks")
    (folder / "source.bin").write_bytes(bytes(20 * 1024 * 1024))
    (folder / "small").write_bytes(b"small")
    with StrictS3() as server:
        shell = Shell(folder, server)
        shell.run("upload", "small", "s3://bucket/small")
        refuse_parts(server)
        shell.run(*UPLOAD)
        server.faults.clear()
        yield shell


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("variables", [{}, {"COLUMNS": "60"}, {"FORCE_COLOR": "1"}])
def test_no_line_ends_in_blanks(shell: Shell, name: str, variables: dict[str, str]) -> None:
    """Whatever the width, and with colors, too."""
    words = COMMANDS[name]
    if name == "show":
        words = (*words, shell.run("list", "--json").events[0]["upload"])
    result = shell.run(*words, variables=variables)

    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in result.out.splitlines()]
    assert result.code == 0, result
    assert len(lines) >= 1
    assert [line for line in lines if line != line.rstrip()] == []
