"""Completion in bash, zsh and fish: commands, options, files, and upload IDs."""

import sys
import threading
from pathlib import Path
from typing import Any

import click
import pytest

from partway.cli.main import cli
from tests.cli.runtime.test_start_up import NEVER, NO_STORE, NO_UPLOAD, imported_modules
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import TIMEOUT, Shell
from tests.support.shell.interrupted import MIB, UPLOAD, interrupt
from tests.support.shell.pipe import piping

ENOUGH = 350  # modules, of which about 50 are Python's own; their import takes no noticeable time
PARTWAY = Path(sys.executable).parent / "partway"


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    """An empty directory."""
    return Shell(tmp_path)


def typed(kind: str, *words: str) -> dict[str, str]:
    """The variables that a shell sets when Tab is pressed after the last word."""
    return {
        "_PARTWAY_COMPLETE": f"{kind}_complete",
        "COMP_WORDS": " ".join(["partway", *words]),
        "COMP_CWORD": words[-1] if kind == "fish" else str(len(words)),
    }


def complete(shell: Shell, *words: str, kind: str = "bash") -> list[str]:
    """The completions for the last word."""
    result = shell.run_command([str(PARTWAY)], variables=typed(kind, *words))
    assert (result.code, result.err) == (0, "")
    return [line for line in result.out.splitlines() if line]


def test_commands(empty: Shell) -> None:
    """All of them, or those with the typed prefix."""
    assert complete(empty, "") == [f"plain,{name}" for name in cli.list_commands(click.Context(cli))]
    assert complete(empty, "sh") == ["plain,show"]


def test_options_of_every_command(empty: Shell) -> None:
    """Every option that ``--help`` names; what is accepted for the sake of other tools alone is hidden."""
    for name in cli.list_commands(click.Context(cli)):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        shown = [param for param in command.params if not getattr(param, "hidden", False)]
        long = {text for param in shown for text in param.opts if text.startswith("--")}

        assert {f"plain,{text}" for text in long} <= set(complete(empty, name, "--"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("upload", "--sse-"),
            ["plain,--sse-kms-key-id", "plain,--sse-bucket-key", "plain,--sse-c", "plain,--sse-c-key"],
        ),
        (("upload", "--storage-class", "GLAC"), ["plain,GLACIER", "plain,GLACIER_IR"]),
        (("upload", "vid"), ["file,vid"]),
        (("upload", "--include", ""), []),
        (("upload", "--include", "*.jpg", "--exclude", "*", "--log"), ["plain,--log-file"]),
        (("upload", "--log-file", "ru"), ["file,ru"]),
    ],
)
def test_values(empty: Shell, words: tuple[str, ...], expected: list[str]) -> None:
    """Choices and files, but nothing for free text."""
    assert complete(empty, *words) == expected


def test_ids(server: StrictS3, shell: Shell) -> None:
    """Unfinished uploads for resume and cancel, all for show, without duplicates."""
    interrupt(shell, server, *UPLOAD)
    (open_id,) = [upload["upload"] for upload in shell.run("list", "--json").events]
    shell.run("upload", "source.bin", "s3://bucket/other", "-p", "5MiB")
    (done_id,) = {upload["upload"] for upload in shell.run("list", "--all", "--json").events} - {open_id}

    assert complete(shell, "resume", "") == complete(shell, "cancel", "") == [f"plain,{open_id}"]
    assert set(complete(shell, "show", "")) == {f"plain,{open_id}", f"plain,{done_id}"}
    assert complete(shell, "show", done_id[:6]) == [f"plain,{done_id}"]
    assert complete(shell, "cancel", open_id, "") == []
    assert complete(shell, "resume", "", kind="zsh") == ["plain", open_id, "open s3://bucket/key"]
    assert complete(shell, "resume", open_id[:3], kind="fish") == [f"plain,{open_id}\topen s3://bucket/key"]


def test_the_store_may_be_named_on_the_line(server: StrictS3, shell: Shell) -> None:
    """By the command's option, or partway's."""
    interrupt(shell, server, *UPLOAD)
    shell.state.rename(shell.folder / "moved")

    assert complete(shell, "show", "") == []
    assert len(complete(shell, "show", "--state-dir", "moved", "")) == 1
    assert len(complete(shell, "--state-dir", "moved", "show", "")) == 1


def test_a_stream_does_not_go_on_by_its_id(server: StrictS3, shell: Shell) -> None:
    """It needs its producer, so resume does not offer it; cancel does."""
    over = threading.Event()

    def produce(pipe: Any) -> None:
        pipe.write(bytes(6 * MIB))
        over.wait(TIMEOUT)

    with piping(shell, produce, "s3://bucket/stream", "-p", "5MiB") as running:
        running.wait_for("part_done")
        running.stop()
        over.set()

    assert complete(shell, "resume", "") == []
    assert len(complete(shell, "cancel", "")) == 1


def test_no_store_is_made(empty: Shell) -> None:
    """Completion changes nothing, and a damaged store results in no IDs and no message."""
    assert complete(empty, "resume", "") == []
    assert not empty.state.exists()
    empty.state.mkdir()
    assert complete(empty, "resume", "") == []
    assert list(empty.state.iterdir()) == []
    (empty.state / "partway.db").write_bytes(b"no database" * 1000)
    assert complete(empty, "show", "") == []


def test_bash_itself(empty: Shell) -> None:
    """The script from the documentation works in a real bash."""
    script = (
        f"PATH={PARTWAY.parent}:$PATH; "
        'eval "$(_PARTWAY_COMPLETE=bash_source partway)"; complete -p partway; '
        'COMP_WORDS=(partway ver); COMP_CWORD=1; _partway_completion partway; echo "${COMPREPLY[@]}"'
    )

    result = empty.run_command(["bash", "--norc", "-c", script])

    assert result.out.splitlines() == ["complete -o nosort -F _partway_completion partway", "verify"]


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_the_scripts(empty: Shell, kind: str) -> None:
    """Each shell's script calls the command."""
    result = empty.run_command([str(PARTWAY)], variables={"_PARTWAY_COMPLETE": f"{kind}_source"})

    assert (result.code, result.err) == (0, "")
    assert f"_PARTWAY_COMPLETE={kind}_complete" in result.out


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (("",), ("partway.engine", *NO_STORE, "rich", "tenacity", "_awscrt")),
        (("upload", "--"), (*NO_STORE, "rich")),
        (("show", ""), (*NO_STORE, "tenacity")),
    ],
)
def test_nobody_waits(empty: Shell, words: tuple[str, ...], without: tuple[str, ...]) -> None:
    """Imports take most of the time, and there are few."""
    empty.run("list")

    result = empty.run_command(
        [sys.executable, "-X", "importtime", "-m", "partway.cli.main"], variables=typed("bash", *words)
    )

    there = imported_modules(result)
    in_vain = {
        name for name in there for module in (*NEVER, *NO_UPLOAD, *without) if f"{name}.".startswith(f"{module}.")
    }
    assert (result.code, in_vain) == (0, set())
    assert len(there) < ENOUGH
    assert "click.shell_completion" in there
