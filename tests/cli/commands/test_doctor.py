"""``partway doctor`` for people and for programs."""

import signal

import pytest

from tests.support.s3_faults.faults import Fault, Hang, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Shell


def test_lines(server: StrictS3, shell: Shell) -> None:
    """One line per check, with aligned columns; a summary; nothing on stderr."""
    result = shell.run("doctor", "s3://bucket/x/")
    lines = result.out.splitlines()

    assert (result.code, result.err) == (0, "")
    assert lines[0].startswith("ok       version       partway ")
    assert "ok       create        permitted" in lines
    assert lines[-1].endswith(" checks: 1 warning")
    assert not server.model.objects and not server.model.open_uploads


def test_narrow(server: StrictS3, shell: Shell) -> None:
    """No line is wider than the terminal except a command, which can be copied."""
    server.faults.add(
        Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=access_denied(), times=None)
    )
    lines = shell.run("doctor", "s3://bucket", variables={"COLUMNS": "60"}).out.splitlines()

    assert max(len(line) for line in lines if "aws s3api" not in line and "/" not in line) <= 60
    assert sum("aws s3api abort-multipart-upload" in line for line in lines) == 1


def test_json(server: StrictS3, shell: Shell) -> None:
    """One object a check, with the same fields in each."""
    result = shell.run("doctor", "s3://bucket", "--json")

    assert result.code == 0
    assert {tuple(row) for row in result.events} == {("check", "health", "fact", "advice", "command")}
    assert {row["health"] for row in result.events} == {"ok", "warning"}


def test_what_failed_makes_the_exit_code(server: StrictS3, shell: Shell) -> None:
    """Exit code 1, and the line says what to do."""
    server.faults.add(Fault(operation="CreateMultipartUpload", stage=Stage.BEFORE_READ, action=access_denied()))
    result = shell.run("doctor", "s3://bucket")

    assert result.code == 1
    assert "failed   create        S3 refused CreateMultipartUpload: AccessDenied" in result.out
    assert "-> uploads need the permission s3:PutObject" in result.out


@pytest.mark.parametrize("arguments", [("http://bucket",), ("s3://",), ("--endpoint-url", "nonsense")])
def test_usage(shell: Shell, arguments: tuple[str, ...]) -> None:
    """Usage errors exit with 2."""
    assert shell.run("doctor", *arguments).code == 2


def test_a_damaged_state_does_not_end_it(shell: Shell) -> None:
    """It is one failed line; the connection is checked anyway."""
    shell.state.mkdir()
    (shell.state / "partway.db").write_bytes(b"this is no database" * 1000)
    result = shell.run("doctor")

    assert result.code == 1
    assert "failed   state " in result.out and "ok       endpoint" in result.out


def test_a_malformed_configuration(shell: Shell) -> None:
    """No traceback, one failed line."""
    (shell.folder / "malformed").write_text("this is no [configuration\n")
    result = shell.run("doctor", variables={"AWS_CONFIG_FILE": "malformed"})

    assert (result.code, result.err) == (1, "")
    assert "failed   endpoint" in result.out


def test_ctrl_c(server: StrictS3, shell: Shell) -> None:
    """Exit code 130, and everything that was created is removed."""
    server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_EFFECT, action=Hang(seconds=5), times=None))
    with shell.started("doctor", "s3://bucket") as running:
        while '"check": "create"' not in (line := running.process.stdout.readline()):  # type: ignore[union-attr]
            assert line
        result = running.stop(signal.SIGINT)

    assert result.code == 130, result
    assert not server.model.open_uploads


def test_no_output_is_lost_to_a_pipe(server: StrictS3, shell: Shell) -> None:
    """`partway doctor | head -1` leaves nothing behind."""
    shell.run_command(["sh", "-c", '"$@" | head -1', "sh", *PARTWAY, "doctor", "s3://bucket"])

    assert not server.model.open_uploads and not server.model.objects


def test_a_state_folder_that_others_may_change_is_a_warning(shell: Shell) -> None:
    """As in every command that opens it."""
    shell.state.mkdir()
    (shell.state / "other").touch()
    shell.state.chmod(0o777)
    result = shell.run("doctor")

    assert "warning  state " in result.out and "any user can replace" in result.out
