"""The program of credential_process: how long it may take, what it may read, and how its failure is told."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import CredentialRetrievalError
from botocore.session import Session

from partway.cli.runtime.exit_codes import FAILED, INCOMPLETE, exit_code
from partway.engine.aws_config.credential_process import bound_programs
from partway.engine.errors import CredentialsExpired, PartwayError, Refused
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.programs import member, pids_in, still_running

GOOD = """echo '{"Version": 1, "AccessKeyId": "key", "SecretAccessKey": "secret"}'"""
Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Have the default profile use a program that runs this script; the program."""

    def write(script: str) -> Path:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        (tmp_path / "config").write_text(
            f"[default]\ncredential_process = {program} --token hunter2\n"
            "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = default\n"
        )
        return program

    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return write


@pytest.mark.parametrize("profile", [None, "role"], ids=["its profile", "a role assumed from it"])
def test_a_program_that_does_not_end_is_ended(configure: Configure, profile: str | None) -> None:
    """It is named, without its arguments, and nothing of it stays."""
    program = configure('echo $$ > "$0.pid"; exec sleep 1000')
    session = Session(profile=profile)
    bound_programs(session, seconds=0.5)

    with pytest.raises(CredentialRetrievalError) as caught:
        session.get_credentials().get_frozen_credentials()  # type: ignore[union-attr]

    sentence = str(caught.value)
    assert f"the program {program} (credential_process of profile default)" in sentence
    assert "it did not end within 0.5 s; run it by hand" in sentence
    assert "hunter2" not in sentence
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path(f"{program}.pid").read_text()), 0)


@pytest.mark.parametrize(
    "script", ["{a} | {b}", "{a} & {b}", "({a} & {b}) & exit 0"], ids=["pipeline", "background", "the program ended"]
)
def test_what_it_started_is_ended_too(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """By SIGTERM, or by SIGKILL where that is ignored; also what lost its parent, and what holds the pipe open."""
    stubborn = 'trap "" TERM; while :; do sleep 0.1; done'
    monkeypatch.setattr("partway.engine.process_family.GRACE", 0.2)
    pids = tmp_path / "pids"
    pids.mkdir()
    configure(script.format(a=member(pids, "a", stubborn), b=member(pids, "b", "exec sleep 77")))
    session = Session()
    bound_programs(session, seconds=0.5)

    with pytest.raises(CredentialRetrievalError, match=r"did not end within 0\.5 s"):
        session.get_credentials()

    assert still_running(pids_in(pids, 2)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_does_not_outlive_partway(
    configure: Configure, server: StrictS3, shell: Shell, tmp_path: Path, number: int
) -> None:
    """Credentials are asked for before the upload handles signals."""
    pids = tmp_path / "pids"
    pids.mkdir()
    configure(f"{member(pids, 'a', 'exec sleep 77')} | {member(pids, 'b', 'exec cat')}")
    (shell.folder / "file").write_bytes(b"file")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del shell.variables[name]
    shell.variables["AWS_CONFIG_FILE"] = str(tmp_path / "config")

    with shell.started("upload", "file", "s3://bucket/file") as running:
        found = pids_in(pids, 2)
        result = running.stop(number)

    assert result.code == 130
    assert still_running(found) == []


@pytest.mark.parametrize(
    ("script", "kind", "words", "code"),
    [
        ("echo Please log in.", Refused, "did not print JSON with credentials", FAILED),
        ("echo '[]'", Refused, "did not print JSON with credentials", FAILED),
        ("printf '\\377'", Refused, "did not print JSON with credentials", FAILED),
        ("echo 'no session' >&2; exit 1", CredentialsExpired, ": no session", INCOMPLETE),
        ("""echo '{"Version": 1}'""", CredentialsExpired, "Missing required key", INCOMPLETE),
        ("""echo '{"Version": 7}'""", CredentialsExpired, "Unsupported version '7'", INCOMPLETE),
    ],
)
def test_a_program_that_gives_no_credentials_is_named(
    configure: Configure, script: str, kind: type[PartwayError], words: str, code: int
) -> None:
    """With what it did instead."""
    program = configure(script)
    backend = S3Backend(S3Config(endpoint_url="http://127.0.0.1:9", region="us-east-1"))

    with pytest.raises(kind) as caught:
        _ = backend.endpoint
    backend.close()

    assert f"the program {program} (credential_process of profile default)" in str(caught.value)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert exit_code(caught.value) == code


def test_it_does_not_read_the_stream_that_is_uploaded(configure: Configure) -> None:
    """``producer | partway upload -``: bytes that the program takes would be missing in the object."""
    configure(f"head -c 3 > /dev/null; {GOOD}")
    script = (
        "import sys; from botocore.session import Session\n"
        "from partway.engine.aws_config.credential_process import bound_programs\n"
        "session = Session(); bound_programs(session); session.get_credentials(); print(sys.stdin.read())"
    )

    ended = subprocess.run([sys.executable, "-c", script], input="stream", capture_output=True, text=True, check=True)

    assert ended.stdout == "stream\n"
