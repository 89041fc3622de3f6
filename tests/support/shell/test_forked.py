"""A fork of the command is like a program that the system starts."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.s3_server.server import StrictS3

from .command import NOT_FORKED, PARTWAY, Shell
from .forked import ForkedProcess
from .interrupted import OPTIONS, UPLOAD, hanging, refuse_parts

PROGRAMS = [PARTWAY, NOT_FORKED]


def seen(shell: Shell, server: StrictS3, program: tuple[str, ...]) -> dict[str, Any]:
    """What the system shows of an upload that waits for the server."""
    words = ("upload", "source.bin", f"s3://bucket/{program[-1]}", *OPTIONS)
    with hanging(shell, server, *words, program=program) as running:
        process = Path("/proc") / str(running.process.pid)
        if not process.exists():
            pytest.skip("this system has no /proc")
        # The workers that wait for the server may be opening their files.
        before, now = None, _state(process)
        while before != now:
            time.sleep(0.3)
            before, now = now, _state(process)
        return now


def _state(process: Path) -> dict[str, Any]:
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    return {
        "files": sorted(path.name for path in (process / "fd").iterdir()),
        "kinds": [str((process / "fd" / name).readlink()).split(":")[0] for name in ("0", "1", "2")],
        "folder": str((process / "cwd").readlink()),
        "mask": status["Umask"],
        "signals": [status[name] for name in ("SigBlk", "SigIgn", "SigCgt")],
        "threads": status["Threads"],
    }


def test_the_system_sees_no_difference(server: StrictS3, shell: Shell) -> None:
    """The same files are open, and signals have the same effect."""
    forked, started = (seen(shell, server, program) for program in PROGRAMS)

    assert forked == started


@pytest.mark.parametrize("program", PROGRAMS, ids=["forked", "started"])
def test_every_end_is_reported(server: StrictS3, shell: Shell, program: tuple[str, ...]) -> None:
    """By a signal, by an exit code; and a process that stands still has not ended."""
    with hanging(shell, server, *UPLOAD, program=program) as running:
        with running.paused():
            assert running.process.poll() is None
        killed = running.stop(signal.SIGKILL)
    refuse_parts(server)
    failed = shell.run_command([*program, *UPLOAD])

    assert isinstance(running.process, ForkedProcess) is (program == PARTWAY)
    assert killed.code == -signal.SIGKILL
    assert failed.code == 1
    assert "3 of 5 parts could not be sent" in failed.err


def test_what_the_interpreter_reads_needs_a_program(shell: Shell) -> None:
    """Such a variable is heeded, although the process that forks has another."""
    shown = shell.run("list", "--help", variables={"PYTHONVERBOSE": "1"})

    assert "import 'click'" in shown.err


def test_commands_that_are_imported_anew(server: StrictS3, shell: Shell) -> None:
    """A command finds what it needs, also where nothing was imported before."""
    refuse_parts(server)
    first = shell.run_command([*NOT_FORKED, *UPLOAD, "--json"]).event("upload_failed")["upload"]
    second = shell.run("upload", "source.bin", "s3://bucket/other", *OPTIONS, "--json").event("upload_failed")["upload"]
    server.faults.clear()
    commands = {
        "list": ("list",),
        "show": ("show", first),
        "resume": ("resume", first),
        "verify": ("verify", "source.bin", "s3://bucket/key"),
        "cancel": ("cancel", second),
    }
    results = {name: shell.run_command([*NOT_FORKED, *words]) for name, words in commands.items()}

    assert {name: result for name, result in results.items() if result.code} == {}
