"""Failures during an upload: the endpoint is unreachable, the file shrinks, the output is closed."""

import sqlite3

import pytest

from partway.state.sqlite.store import SqliteStore
from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Shell
from tests.support.shell.interrupted import UPLOAD, hanging


def test_endpoint_away_and_back(server: StrictS3, shell: Shell) -> None:
    """The error says how long it retried and what to do; once the server is back, the same command works."""
    server.refuse()
    away = shell.run(*UPLOAD, "--retry-for", "2s")
    server.accept()
    back = shell.run(*UPLOAD)

    assert away.code == 75
    assert f"cannot reach {server.url}: connection refused (tried " in away.errors[0]
    assert len(away.errors) == 1 and "endpoint unreachable, retrying in " in away.err
    assert "  nothing was sent: check the endpoint, then run the same command again" in away.err
    assert back.code == 0
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()


def test_endpoint_goes_away_while_sending(server: StrictS3, shell: Shell) -> None:
    """Sent parts are kept, and the message says how many."""
    cut = CallFunction(function=server.refuse)
    with hanging(shell, server, *UPLOAD, "--retry-for", "1s") as running:
        cut.function()
        result = running.result()

    assert result.code == 75
    assert "3 of 5 parts could not be sent: cannot reach" in result.errors[0]
    assert "  2 parts are safe on S3 (10.0 MiB of 20.0 MiB)" in result.err


def test_wrong_region_is_followed(server: StrictS3, shell: Shell) -> None:
    """The service reports the bucket's region, and the upload uses it."""
    result = shell.run(*UPLOAD, "--region", "eu-west-1")

    assert result.code == 0, result
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()


def test_host_that_does_not_exist(shell: Shell) -> None:
    """An unresolvable host is named, after the time given by --retry-for."""
    result = shell.run(*UPLOAD, "--endpoint-url", "http://partway.invalid", "--retry-for", "1s")

    assert result.code == 75
    assert "cannot reach http://partway.invalid: " in result.errors[0]


def test_source_truncated_while_it_is_read(server: StrictS3, shell: Shell) -> None:
    """A file that shrinks under the upload completes nothing; running again uploads what it is now."""
    source = shell.folder / "source.bin"
    shrink = CallFunction(function=lambda: source.write_bytes(b"short"))
    server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=3, action=shrink))

    result = shell.run(*UPLOAD)
    nothing = dict(server.model.objects)
    again = shell.run(*UPLOAD)

    assert result.code == 75
    assert len(result.errors) == 1 and "shrank while it was" in result.errors[0]
    assert nothing == {}
    assert again.code == 0
    assert server.model.objects["bucket", "key"].body == b"short"


def test_state_of_a_newer_version(server: StrictS3, shell: Shell) -> None:
    """A newer state is not modified."""
    SqliteStore(shell.state).close()
    with sqlite3.connect(shell.state / "partway.db") as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('partway', '9999', 'now')")
    db.close()
    result = shell.run(*UPLOAD)

    assert (result.code, result.out) == (1, "")
    assert "was written by a newer version of partway; update partway" in result.errors[0]
    assert not server.calls


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_output(server: StrictS3, shell: Shell, redirection: str) -> None:
    """A closed output stream does not stop an upload."""
    (shell.folder / "small").write_bytes(b"small")
    command = ["sh", "-c", f'"$@" {redirection}', "sh", *PARTWAY, "upload", "small", "s3://bucket/small"]
    result = shell.run_command([*command])

    assert result.code == 0, result
    assert server.model.objects["bucket", "small"].body == b"small"


def test_current_folder_is_gone(server: StrictS3, shell: Shell) -> None:
    """Relative paths are then refused with a clear error."""
    script = 'mkdir gone && cd gone && rmdir ../gone && "$@"'
    result = shell.run_command(["sh", "-c", script, "sh", *PARTWAY, *UPLOAD])

    assert result.code == 2
    assert "the current directory no longer exists" in result.err
    assert not server.calls


@pytest.mark.parametrize("command", [("upload", "small", "s3://bucket/small"), ("list", "--all")])
def test_output_in_another_encoding(shell: Shell, command: tuple[str, ...]) -> None:
    """Characters that the encoding lacks are escaped, without a failure."""
    (shell.folder / "small").write_bytes(b"small")
    result = shell.run(*command, variables={"PYTHONIOENCODING": "ascii"})

    assert result.code == 0, result
    assert result.out.isascii()


def test_named_folder_beats_the_variable(shell: Shell) -> None:
    """--state-dir wins over PARTWAY_STATE_DIR, before the command as well as after it."""
    shell.run("--state-dir", "before", "clean")
    shell.run("clean", "--state-dir", "after")

    assert (shell.folder / "before" / "partway.db").exists()
    assert (shell.folder / "after" / "partway.db").exists()
    assert not shell.state.exists()


def test_a_state_folder_that_others_may_change(shell: Shell) -> None:
    """A directory with other files is left unchanged, with a warning."""
    shell.state.mkdir()
    (shell.state / "other").touch()
    shell.state.chmod(0o777)
    result = shell.run("clean")

    assert result.code == 0
    assert f"warning: any user can replace the files in {shell.state}" in result.err
