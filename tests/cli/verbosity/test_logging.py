"""-v, -vv, --debug and PARTWAY_LOG: what is logged, and where."""

import re
import stat
from pathlib import Path

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import CONTROL, Shell

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (partway|urllib3|botocore|boto3)[\w.]* |  ).*")
UPLOAD = ("upload", "small.txt", "s3://bucket/key")


@pytest.fixture
def shell(server: StrictS3, tmp_path: Path) -> Shell:
    """A folder with a small file."""
    (tmp_path / "small.txt").write_bytes(b"small")
    return Shell(tmp_path, server)


def loggers(text: str) -> set[str]:
    """The first part of the names of those that logged; every line is one of the log's."""
    lines = text.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    return {line.split()[1].partition(".")[0] for line in lines if not line.startswith("  ")}


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (("-v",), {"partway"}),
        (("-vv",), {"partway", "urllib3"}),
        (("-v", "-v"), {"partway", "urllib3"}),
        (("--debug",), {"partway", "urllib3", "botocore"}),
        (("-v", "--debug"), {"partway", "urllib3", "botocore"}),
    ],
)
def test_more_is_logged_to_stderr(shell: Shell, flags: tuple[str, ...], names: set[str]) -> None:
    """Events, then requests, then the wire; stdout stays what it was, and no line has what a terminal acts on."""
    result = shell.run(*UPLOAD, *flags)

    assert result.code == 0
    assert loggers(result.err) == names
    assert result.out.startswith("uploaded s3://bucket/key (5 B)\n")
    assert "uploaded s3://bucket/key (5 B); sent 5 B" in result.err
    assert ('"PUT /bucket/key HTTP/1.1" 200' in result.err) is ("urllib3" in names)
    assert not CONTROL.search(result.err)


def test_flags_stand_before_or_behind_the_command(shell: Shell) -> None:
    """The higher one holds."""
    result = shell.run("-v", *UPLOAD, "-vv")

    assert loggers(result.err) == {"partway", "urllib3"}


def test_nothing_is_logged_without_a_flag(shell: Shell) -> None:
    """Not even by botocore's own warnings."""
    assert shell.run(*UPLOAD).err == ""


def test_the_variable_logs_to_stderr(shell: Shell) -> None:
    """As -v does; a flag may raise it."""
    info = shell.run(*UPLOAD, variables={"PARTWAY_LOG": "info"})
    debug = shell.run(*UPLOAD, "-vv", variables={"PARTWAY_LOG": "info"})

    assert loggers(info.err) == {"partway"}
    assert loggers(debug.err) == {"partway", "urllib3"}


def test_the_variable_logs_to_a_file(shell: Shell) -> None:
    """Lines are added, standard error stays as it is, and the file is the owner's alone."""
    runs = [shell.run(*UPLOAD, variables={"PARTWAY_LOG": "wire:run.log"}) for _ in range(2)]

    log = shell.folder / "run.log"
    assert [(result.code, result.err) for result in runs] == [(0, "")] * 2
    assert loggers(log.read_text()) == {"partway", "urllib3", "botocore"}
    assert log.read_text().count("proof") + log.read_text().count("verified crc64nvme") == 2
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("loud", "PARTWAY_LOG=loud is not valid: use info, debug or wire, and :FILE behind it to write to a file"),
        ("info:none/x", "PARTWAY_LOG: cannot write none/x: No such file or directory"),
    ],
)
def test_a_variable_that_cannot_be_heeded(shell: Shell, value: str, error: str) -> None:
    """Nothing is uploaded without the log that was asked for."""
    result = shell.run(*UPLOAD, variables={"PARTWAY_LOG": value})

    assert (result.code, result.errors) == (2, [f"error: {error}"])


def test_a_bug_has_its_traceback(shell: Shell) -> None:
    """With --debug; otherwise the message says that --debug shows it."""
    shell.state.mkdir()
    program = "import partway.cli.commands.list as it, partway.cli.main as m; it.read_only_store = None; m.main()"
    import sys

    plain = shell.run_command([sys.executable, "-c", program, "list"])
    debug = shell.run_command([sys.executable, "-c", program, "list", "--debug"])

    assert plain.code == 1 and "add --debug to get the traceback" in plain.err and "Traceback" not in plain.err
    assert "Traceback" in debug.err
