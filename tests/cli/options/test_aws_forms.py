"""The forms of ``aws s3 cp``."""

from pathlib import Path

import pytest

from partway.cli.options.aws_forms import with_single_grants
from tests.support.s3_server.request_log import Call
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

READ, FULL = "read=id=a", "full=emailaddress=b@c.example"


def puts(server: StrictS3) -> list[Call]:
    return [call for call in server.journal.calls if call.operation == "PutObject"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["x", "--grants", READ, FULL, "y"], ["x", "--grants", READ, "--grants", FULL, "y"]),
        ([f"--grants={READ}", FULL], [f"--grants={READ}", "--grants", FULL]),
        (["--grants", READ, "-q", FULL], ["--grants", READ, "-q", FULL]),
        ([READ, "x"], [READ, "x"]),
        (["--grants", READ, "--", FULL], ["--grants", READ, "--", FULL]),
    ],
)
def test_grants_after_a_grant(typed: list[str], expected: list[str]) -> None:
    """Words in the form of a grant belong to --grants if they follow it directly."""
    assert with_single_grants(typed) == expected


def test_a_command_of_aws(shell: Shell, server: StrictS3) -> None:
    """Its forms of values are accepted, and flags without meaning for an upload cause one warning."""
    (shell.folder / "file.txt").write_bytes(b"x")
    (shell.folder / "map.json").write_text('{"color": "red"}\n')
    typed = ("--grants", f"{READ},id=b", FULL, "--metadata", "file://map.json", "--expires", "1924948800")
    ignored = ("--metadata-directive", "REPLACE", "--page-size", "5", "--force-glacier-transfer")
    result = shell.run("upload", *typed, "file.txt", "s3://bucket", *ignored, "--no-progress")

    assert result.code == 0, result.err
    (call,) = puts(server)
    headers = {name.lower(): value for name, value in call.headers.items()}
    assert headers["x-amz-grant-read"] == 'id="a",id="b"'
    assert headers["x-amz-grant-full-control"] == 'emailAddress="b@c.example"'
    assert (headers["x-amz-meta-color"], headers["expires"]) == ("red", "Tue, 31 Dec 2030 12:00:00 GMT")
    (warning,) = result.err.splitlines()
    assert warning.startswith("warning: ") and warning.endswith("no effect on uploads; ignored")
    assert {flag in warning for flag in ("--metadata-directive", "--page-size", "--force-glacier-transfer")} == {True}


def test_a_bucket_alone(shell: Shell, server: StrictS3) -> None:
    """The key is the name of the file."""
    (shell.folder / "file.txt").write_bytes(b"x")

    assert shell.run("upload", "file.txt", "s3://bucket").code == 0
    assert shell.run("verify", "file.txt", "s3://bucket").code == 0
    assert [call.key for call in puts(server)] == ["file.txt"]


def test_a_prefix_without_slash(shell: Shell, server: StrictS3) -> None:
    """With -r the slash is added; the same command with it resumes the same job."""
    folder: Path = shell.folder / "many"
    folder.mkdir()
    (folder / "a").write_bytes(b"x")

    assert shell.run("upload", "-r", "many", "s3://bucket/below").code == 0
    assert [call.key for call in puts(server)] == ["below/a"]
    assert shell.run("upload", "-r", "many", "s3://bucket/below/").code == 0
