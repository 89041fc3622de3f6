"""Commands that are started with standard input, output or error closed, as daemons and some schedulers do."""

import pytest

from tests.support.command import PARTWAY, Shell
from tests.support.strict_s3 import StrictS3

COMMANDS = {
    "upload": ("upload", "small", "s3://bucket/small"),
    "verify": ("verify", "small", "s3://bucket/small"),
    "list": ("list", "--all"),
    "show": ("show", "00000000"),
    "watch": ("watch", "--once"),
    "resume": ("resume", "--all"),
    "cancel": ("cancel", "00000000"),
    "clean": ("clean", "s3://bucket", "--dry-run"),
    "doctor": ("doctor", "s3://bucket"),
    "version": ("--version",),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_needs_its_descriptors(server: StrictS3, shell: Shell, name: str) -> None:
    """It ends with one of the documented codes, and says nothing of a defect."""
    (shell.folder / "small").write_bytes(b"small")
    results = [
        shell.run_command(["sh", "-c", f'"$@" {closed}', "sh", *PARTWAY, *COMMANDS[name]])
        for closed in ("<&-", ">&-", "2>&-")
    ]

    assert {result.code for result in results} <= {0, 1, 2}, results
    for result in results:
        assert "Traceback" not in result.err + result.out
        assert "defect" not in result.err + result.out
