"""The modules that a command imports: start-up dominates a small upload.  Nothing is timed here."""

import re
import sys
from collections.abc import Iterator

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Result, Shell

COMMANDS: dict[str, tuple[str, ...]] = {
    "version": ("--version",),
    "help": ("upload", "--help"),
    "empty list": ("list", "--json", "--state-dir", "missing"),
    "first": ("upload", "small.txt", "s3://bucket/first", "--quiet"),
    "quiet": ("upload", "small.txt", "s3://bucket/quiet", "--quiet"),
    "json": ("upload", "small.txt", "s3://bucket/json", "--json"),
    "lines": ("upload", "small.txt", "s3://bucket/lines"),
    "list": ("list", "--json"),
}
# Each takes 5 to 100 ms, and is not needed here.
NEVER = ("asyncio", "platformdirs", "unittest", "moto", "boto3.s3", "boto3.dynamodb", "boto3.ec2")
# ``import boto3`` alone brings s3transfer.manager, and that multiprocessing.  (docs/decisions/0022-boto3.md)
NO_UPLOAD = ("boto3", "s3transfer", "multiprocessing", "botocore", "urllib3", "partway.engine.s3.backend")
NO_STORE = ("sqlite_utils", "sqlite3", "partway.state.sqlite.store")
NOT_THERE: dict[str, tuple[str, ...]] = {
    "version": (*NEVER, *NO_UPLOAD, *NO_STORE, "rich", "_awscrt", "tenacity", "importlib.metadata", "partway.engine"),
    "help": (*NEVER, *NO_UPLOAD, *NO_STORE),
    "empty list": (*NEVER, *NO_UPLOAD, *NO_STORE),
    "list": (*NEVER, *NO_UPLOAD),
    "first": (*NEVER, "rich"),
    "quiet": (*NEVER, "rich"),
    "json": (*NEVER, "rich"),
    "lines": (*NEVER, "rich"),
}


def imported_modules(result: Result) -> set[str]:
    """The modules imported by a command, from ``-X importtime``."""
    return set(re.findall(r"^import time: .*\| +(\S+)$", result.err, re.MULTILINE))


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """The modules that each command imports; ``first`` has a store to make, the others find one."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "small.txt").write_bytes(b"a small file")
    found: dict[str, set[str]] = {}
    with StrictS3() as server:
        shell = Shell(folder, server)
        for name, words in COMMANDS.items():
            result = shell.run_command([sys.executable, "-X", "importtime", "-m", "partway.cli.main", *words])
            assert result.code == 0, result.err
            found[name] = imported_modules(result)
    yield found


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_imported_in_vain(imported: dict[str, set[str]], command: str) -> None:
    """No module that the command does not need, nor its submodules."""
    there = imported[command]
    in_vain = {name for name in there for module in NOT_THERE[command] if f"{name}.".startswith(f"{module}.")}

    assert in_vain == set()


def test_imports_are_seen(imported: dict[str, set[str]]) -> None:
    """The test above can fail: what a command needs is among the modules found."""
    assert "partway.cli.text.escape" in imported["version"]
    assert {"sqlite3", "sqlite_utils.db", "partway.state.sqlite.store"} <= imported["list"]
    assert {"boto3", "botocore.client", "_awscrt", "partway.engine.s3.backend"} <= imported["quiet"]
