"""Uploads stopped by a signal, and the commands suggested afterwards."""

import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Shell
from tests.support.shell.interrupted import PARTS, UPLOAD, hanging, interrupt, part_numbers

LONG = 40.0  # seconds; much less than an upload waits for a response
# What is "at once" would be over when the machine is busy.
ONE_LONG_WISH = (
    sys.executable,
    "-c",
    "from partway.cli import main; from partway.cli.runtime import signals; signals._SAME_SIGNAL = 1000.0; main.main()",
)


def printed_command(err: str, label: str) -> list[str | bytes]:
    """The command printed after a label."""
    (line,) = [line for line in err.splitlines() if line.strip().startswith(label)]
    program, *arguments = shlex.split(line.partition(":")[2])
    assert program == "partway"
    return [*PARTWAY, *arguments]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_soon(server: StrictS3, shell: Shell, number: int) -> None:
    """Ctrl-C and SIGTERM stop an upload soon, although every worker waits for the server, and report finished parts."""
    with hanging(shell, server, *UPLOAD) as running:
        began = time.monotonic()
        result = running.stop(number)
        took = time.monotonic() - began

    assert result.code == 130
    assert took < LONG
    assert "  2 parts are safe on S3 (10.0 MiB of 20.0 MiB)" in result.err.splitlines()
    assert not result.errors
    assert result.event("upload_failed")["resumable"] is True


def test_printed_resume_command_works(server: StrictS3, shell: Shell, tmp_path: Path) -> None:
    """The printed command finishes the upload from any directory, and sends only missing parts."""
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    stopped = interrupt(shell, server, "--state-dir", "my state", *UPLOAD, number=signal.SIGINT)

    resumed = shell.run_command(
        printed_command(stopped.err, "to resume"), cwd=elsewhere, variables={"PARTWAY_STATE_DIR": ""}
    )

    assert resumed.code == 0, resumed
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()
    assert part_numbers(server) == list(range(1, PARTS + 1))
    assert "resuming: 2 of 5 parts (10.0 MiB) are already on S3" in resumed.err
    assert "reused 10.0 MiB" in resumed.out


def test_printed_cancel_command_works(server: StrictS3, shell: Shell) -> None:
    """The printed command removes the parts from the server."""
    stopped = interrupt(shell, server, *UPLOAD, number=signal.SIGTERM)
    assert len(server.model.open_uploads) == 1

    cancelled = shell.run_command(printed_command(stopped.err, "to cancel"), variables={"PARTWAY_STATE_DIR": ""})

    assert cancelled.code == 0, cancelled
    assert not server.model.open_uploads


def test_second_signal_ends_at_once(server: StrictS3, shell: Shell) -> None:
    """A second signal exits at once without output; finished parts are still kept."""
    with hanging(shell, server, *UPLOAD) as running:
        with running.paused():
            # Two of one kind that come at once are one.
            running.process.send_signal(signal.SIGINT)
            running.process.send_signal(signal.SIGTERM)
        result = running.result()
    resumed = shell.run("resume")

    assert result.code == 130
    assert result.err == ""
    assert resumed.code == 0
    assert "reused 10.0 MiB" in resumed.out


def test_killed_upload_goes_on(server: StrictS3, shell: Shell) -> None:
    """After kill -9 the same command sends only missing parts."""
    killed = interrupt(shell, server, *UPLOAD)
    again = shell.run(*UPLOAD)

    assert killed.code == -signal.SIGKILL
    assert again.code == 0, again
    assert part_numbers(server) == list(range(1, PARTS + 1))
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()


def test_second_process_waits_outside(server: StrictS3, shell: Shell) -> None:
    """A second process does not send the same upload, and names the first."""
    with hanging(shell, server, *UPLOAD) as first:
        second = shell.run(*UPLOAD)
        cancel = shell.run("cancel", first.lines[0].split('"upload": "')[1][:8])
        first.stop()

    assert (second.code, cancel.code) == (75, 75)
    assert f"process {first.process.pid} on " in second.errors[0]
    assert second.out == ""
    assert server.counts["CreateMultipartUpload"] == 1
    assert server.counts["AbortMultipartUpload"] == 0


def test_the_same_signal_twice_at_once_is_one(server: StrictS3, shell: Shell) -> None:
    """``timeout`` signals the process and then its group: finished parts are still reported."""
    with hanging(shell, server, *UPLOAD, program=ONE_LONG_WISH) as running:
        running.process.send_signal(signal.SIGTERM)
        # What comes while the first is not taken yet is one already.
        time.sleep(0.03)
        result = running.stop(signal.SIGTERM)

    assert result.code == 130
    assert "2 parts are safe" in result.err


def test_a_signal_while_the_end_is_told_changes_nothing(shell: Shell) -> None:
    """The handlers stay after a cancel: the exit code is 130, and the output is complete."""
    program = (
        "import os, signal, sys, time\n"
        "from partway.cli.runtime import signals\n"
        "from partway.engine.workers.channel import CancelToken\n"
        "signals._SAME_SIGNAL = 1000.0\n"
        "with signals.handle_signals(CancelToken()):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('all of it')\n"
        "sys.exit(130)\n"
    )
    result = shell.run_command([sys.executable, "-c", program])

    assert (result.code, result.out) == (130, "all of it\n")
