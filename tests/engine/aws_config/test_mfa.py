"""A profile that needs an MFA code: asked for on a terminal, and refused where there is none."""

import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from partway.engine.aws_config import mfa
from partway.engine.errors import AccessRefused
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, TIMEOUT, Result, Shell

CONFIGURATION = """
[profile work]
role_arn = arn:aws:iam::123456789012:role/uploads
source_profile = home
mfa_serial = arn:aws:iam::123456789012:mfa/me
region = us-east-1

[profile home]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
"""
WANTED = "requires an MFA code (Enter MFA code for arn:aws:iam::123456789012:mfa/me), and there is no terminal"


@pytest.fixture
def work(server: StrictS3, shell: Shell) -> Shell:
    """A shell whose profile assumes a role with MFA; no role is ever asked for here."""
    (shell.folder / "config").write_text(CONFIGURATION)
    shell.variables |= {"AWS_CONFIG_FILE": str(shell.folder / "config"), "AWS_PROFILE": "work"}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        shell.variables.pop(name, None)
    return shell


def without_terminal(shell: Shell, *arguments: str, stdin: bytes = b"") -> Result:
    """Run it as cron and systemd do."""
    done = subprocess.run(
        [*PARTWAY, *arguments],
        cwd=shell.folder,
        env=shell.variables,
        input=stdin,
        capture_output=True,
        timeout=TIMEOUT,
        start_new_session=True,
        check=False,
    )
    return Result(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


@pytest.mark.parametrize("source", ["source.bin", "-"])
def test_without_a_terminal_it_fails_at_once(server: StrictS3, work: Shell, source: str) -> None:
    """Exit code 1 and what to do; not 130, which a unit may count as success."""
    result = without_terminal(work, "upload", source, "s3://bucket/key", "--json", stdin=b"123456\nthe stream\n")

    assert result.code == 1
    assert [WANTED in line for line in result.errors] == [True]
    assert "aws sts get-session-token" in result.err
    assert result.event("upload_failed")["resumable"] is False
    assert not server.calls


def test_a_stream_is_not_read_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first line would be taken for the code, and be missing in the object."""
    monkeypatch.setattr(mfa, "_TERMINAL", "/no/terminal")
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w") as pipe:
        pipe.write("first line\n")
        pipe.flush()
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(AccessRefused, match="no terminal"):
            mfa._ask("Enter MFA code: ")

        assert stdin.readline() == "first line\n"


@pytest.mark.parametrize("typed", ["", "  ", EOFError()])
def test_nothing_typed_is_no_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: object) -> None:
    """The end of the terminal's input neither stops the upload nor is it sent to AWS."""

    def answer(prompt: str) -> str:
        if isinstance(typed, Exception):
            raise typed
        return str(typed)

    monkeypatch.setattr(mfa, "_TERMINAL", os.devnull)
    monkeypatch.setattr(getpass, "getpass", answer)

    with pytest.raises(AccessRefused, match="none was entered"):
        mfa._ask("Enter MFA code: ")


def test_what_is_typed_is_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the spaces that a copied one may have."""
    monkeypatch.setattr(mfa, "_TERMINAL", os.devnull)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: f" {len(prompt)} ")

    assert mfa._ask("code: ") == "6"
