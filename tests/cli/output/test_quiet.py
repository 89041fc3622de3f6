"""``--quiet``: only errors, for every command that has it; and ``--json`` for every command with output."""

from pathlib import Path

import click
import pytest

from partway.cli.main import cli
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Result, Shell
from tests.support.shell.interrupted import UPLOAD, interrupt, refuse_parts
from tests.support.shell.pipe import piped, piping

QUIET = {"upload", "run", "resume", "cancel", "verify"}  # each has a test below
NO_JSON = {"cancel", "demo", "help", "pace"}


def commands(*, having: str) -> set[str]:
    """Names of the commands that have the flag; "" means all."""
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name for name, command in found.items() if command and (not having or _has(command, having))}


def _has(command: click.Command, flag: str) -> bool:
    return any(flag in param.opts for param in command.params)


def test_every_command_with_quiet_is_tested_here() -> None:
    """A new one gets a test, too."""
    assert commands(having="--quiet") <= QUIET


def test_every_command_has_json() -> None:
    """Programs read what each command tells."""
    assert commands(having="") - commands(having="--json") <= NO_JSON


def loud(results: list[Result]) -> list[Result]:
    """The results that failed or printed anything."""
    return [result for result in results if (result.code, result.out, result.err) != (0, "", "")]


def test_upload(server: StrictS3, shell: Shell) -> None:
    """A file, the same again after a kill, a skip, a folder, and a stream."""
    interrupt(shell, server, *UPLOAD)
    (shell.folder / "many").mkdir()
    (shell.folder / "many" / "a").write_bytes(b"x")

    results = [
        shell.run(*UPLOAD, "--quiet"),
        shell.run(*UPLOAD, "--quiet", "--no-overwrite"),
        shell.run("upload", "-r", "many", "s3://bucket/many/", "--quiet"),
        shell.run("upload", "-r", "many", "s3://bucket/many/", "--quiet", "--skip-existing"),
        piped(shell, b"x", "s3://bucket/stream", "--quiet"),
    ]

    assert loud(results) == []


def test_run(server: StrictS3, shell: Shell) -> None:
    """A file and a folder, after a run that was interrupted."""
    (shell.folder / "many").mkdir()
    (shell.folder / "many" / "a").write_bytes(b"x")
    lines = "upload source.bin s3://bucket/key -p 5MiB\nupload -r many s3://bucket/many/\n"
    (shell.folder / "list").write_text(lines)
    interrupt(shell, server, "run", "list", "-c", "2")

    assert loud([shell.run("run", "list", "--quiet")]) == []


def test_resume(server: StrictS3, shell: Shell) -> None:
    """With and without unfinished uploads; the exit code is 75 because a stream needs its producer."""
    interrupt(shell, server, *UPLOAD)
    with piping(shell, lambda pipe: pipe.write(bytes(6 << 20)), "s3://bucket/stream", "-p", "5MiB") as running:
        running.wait_for("part_done")
        running.stop()

    results = [
        shell.run("resume", "--all", "--quiet"),
        shell.run("resume", "--quiet"),
        shell.run("resume", "--all", "--quiet", "--state-dir", "other"),
        shell.run("resume", "--quiet", "--state-dir", "other"),
    ]

    assert [(result.code, result.out, result.err.count("not resumed: ")) for result in results[:2]] == [(75, "", 1)] * 2
    assert loud(results[2:]) == []
    assert ("bucket", "key") in server.model.objects


def test_cancel_and_verify(server: StrictS3, shell: Shell) -> None:
    """A cancelled upload, and an equal file."""
    interrupt(shell, server, *UPLOAD)
    (listed,) = shell.run("list", "--json").events
    (shell.folder / "small").write_bytes(b"x")
    server.model.put_object("bucket", "small", b"x")

    results = [
        shell.run("cancel", listed["upload"], "--quiet"),
        shell.run("verify", "small", "s3://bucket/small", "--quiet"),
    ]

    assert loud(results) == []


@pytest.mark.parametrize("command", [UPLOAD, ("resume", "nobody"), ("cancel", "nobody")])
def test_errors_are_told(server: StrictS3, shell: Shell, command: tuple[str, ...]) -> None:
    """Errors are printed to stderr, and nothing to stdout."""
    refuse_parts(server, after=0)

    result = shell.run(*command, "--quiet")

    assert result.code != 0
    assert result.out == ""
    assert "error: " in result.err.lower()


def test_verify_tells_what_differs(server: StrictS3, shell: Shell) -> None:
    """A difference is reported on stderr."""
    server.model.put_object("bucket", "key", b"other")

    result = shell.run("verify", "source.bin", "s3://bucket/key", "--quiet")

    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("DIFFERENT: ")


def test_verify_has_a_line_for_a_file_that_cannot_be_read(server: StrictS3, shell: Shell) -> None:
    """A program that reads the lines is told about each file, and goes on to the next."""
    server.model.put_object("bucket", "p/source.bin", (shell.folder / "source.bin").read_bytes())

    result = shell.run("verify", "none.bin", "source.bin", "s3://bucket/p/", "--json")

    failed, equal = result.events
    assert result.code == 1
    assert (failed["verdict"], failed["size"], failed["target"]) == ("failed", None, "s3://bucket/p/none.bin")
    assert failed["path"] == str(Path(shell.folder, "none.bin"))
    assert failed["by"] == f"there is no file {shell.folder}/none.bin"
    assert equal["verdict"] == "equal"
