"""``--from-command`` in real processes: signals, failures, the terminal; no producer outlives partway."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.support.s3_faults.faults import Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, TIMEOUT, Result, Shell
from tests.support.shell.interrupted import refuse_parts
from tests.support.shell.programs import member, pids_in, still_running

MIB = 1024 * 1024
DATA = Random(5).randbytes(11 * MIB)  # two parts and a bit
TARGET = "s3://bucket/dump"
OPTIONS = ("-p", "5MiB", "-c", "2")
PTY = "import pty,sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"


@pytest.fixture
def pipeline(server: StrictS3, tmp_path: Path) -> Shell:
    """A directory with the producers' output, and one for their pids."""
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "pids").mkdir()
    return Shell(tmp_path, server)


@pytest.fixture
def pids(pipeline: Shell) -> Path:
    """The directory where programs record their pids."""
    return pipeline.folder / "pids"


def upload(command: str) -> tuple[str, ...]:
    return ("upload", "-", TARGET, *OPTIONS, "--from-command", command)


def made(server: StrictS3) -> bool:
    """Whether the object exists."""
    return ("bucket", "dump") in server.model.objects


def silent(pids: Path) -> str:
    """A pipeline of two programs that never writes anything."""
    return f"{member(pids, 'a', 'exec sleep 77')} | {member(pids, 'b', 'exec cat')}"


def writing(pids: Path) -> str:
    """The same, but it writes everything first."""
    return f"{member(pids, 'a', 'cat data; exec sleep 77')} | {member(pids, 'b', 'exec cat')}"


def closed(pids: Path) -> str:
    """The same, but it also closes its output without exiting."""
    return f"cat data; exec >&-; {member(pids, 'a', 'exec sleep 77')} | {member(pids, 'b', 'exec cat')}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_first_byte(server: StrictS3, pipeline: Shell, pids: Path, number: int) -> None:
    """Exit code 130, every program of the pipeline is terminated, and the empty stream creates no object."""
    with pipeline.started(*upload(silent(pids))) as running:
        found = pids_in(pids, 2)
        result = running.stop(number)

    assert result.code == 130
    assert still_running(found) == []
    assert not made(server)
    assert result.event("upload_failed")["error"] == "interrupted"


@pytest.mark.parametrize("command", [writing, closed], ids=["it still writes", "it has closed its output"])
def test_a_signal_after_parts_were_sent(
    server: StrictS3, pipeline: Shell, pids: Path, command: Callable[[Path], str]
) -> None:
    """Sent parts are kept; nothing is completed, although all bytes have arrived."""
    with pipeline.started(*upload(command(pids))) as running:
        running.wait_for("part_done", 2)
        found = pids_in(pids, 2)
        result = running.stop(signal.SIGTERM)

    assert result.code == 130
    assert still_running(found) == []
    assert not made(server)
    assert "parts are safe on S3" in result.err


def test_a_signal_while_s3_completes(server: StrictS3, pipeline: Shell) -> None:
    """The producer has succeeded; the next run finds out whether the object exists."""
    server.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.BEFORE_READ, action=Hang()))
    with pipeline.started(*upload("cat data | cat")) as running:
        running.wait_for("upload_completing")
        result = running.stop(signal.SIGTERM)
    server.faults.clear()
    again = pipeline.run(*upload("cat data | cat"))

    assert (result.code, again.code) == (130, 0)
    assert server.model.get_object("bucket", "dump").body == DATA


def test_the_second_signal_kills_the_producer_too(server: StrictS3, pipeline: Shell, pids: Path) -> None:
    """It does not wait, even for programs that ignore SIGTERM."""
    stubborn = 'trap "" TERM; while :; do sleep 0.1; done'
    with pipeline.started(*upload(f"{member(pids, 'a', stubborn)} | cat")) as running:
        found = pids_in(pids, 1)
        with running.paused():
            running.process.send_signal(signal.SIGINT)
            running.process.send_signal(signal.SIGTERM)
        result = running.result()

    assert result.code == 130
    assert result.err == ""
    assert still_running(found) == []


def test_the_producer_ends_when_the_upload_fails(server: StrictS3, pipeline: Shell, pids: Path) -> None:
    """After a refusal of the service, the producer would otherwise run for hours in vain."""
    refuse_parts(server, after=1)
    result = pipeline.run(*upload(writing(pids)))

    assert result.code != 0
    assert len(result.errors) == 1
    assert still_running(pids_in(pids, 2)) == []


def test_the_producer_ends_when_there_is_no_room(pipeline: Shell, pids: Path) -> None:
    """The same for a local failure."""
    no_file_above = 4 * MIB  # less than a part

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (no_file_above, no_file_above))

    result = subprocess.run(
        [*PARTWAY, *upload(writing(pids))],
        cwd=pipeline.folder,
        env=pipeline.variables,
        capture_output=True,
        timeout=TIMEOUT,
        preexec_fn=limit,
    )

    assert result.returncode == 75, result
    assert still_running(pids_in(pids, 2)) == []


def test_half_a_pipeline_is_no_object(server: StrictS3, pipeline: Shell) -> None:
    """gzip succeeds even if the dump before it fails; an older object stays."""
    server.model.put_object("bucket", "dump", b"older")
    failed = [
        pipeline.run(*upload(command))
        for command in ("(cat data; exit 3) | gzip -1", "(head -c 100 data; exit 3) | gzip", "(exit 3) | cat")
    ]

    assert [result.code for result in failed] == [75, 75, 75]
    assert all("the producer failed with exit code 3," in result.errors[0] for result in failed)
    assert server.model.get_object("bucket", "dump").body == b"older"


class Terminal:
    """partway in the foreground of a terminal."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def result(self) -> Result:
        out, err = self.process.communicate(timeout=TIMEOUT)
        return Result(code=self.process.returncode, out=out, err=err)


@contextmanager
def terminal(shell: Shell, *arguments: str) -> Iterator[Terminal]:
    """Start it there; input goes to the foreground process group."""
    with subprocess.Popen(
        [sys.executable, "-c", PTY, *PARTWAY, *arguments, "--no-progress"],
        cwd=shell.folder,
        env=shell.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield Terminal(process)
        finally:
            process.kill()


def test_a_producer_may_ask_at_the_terminal(server: StrictS3, pipeline: Shell, pids: Path) -> None:
    """As ssh and sudo prompt for a password."""
    asking = f"{member(pids, 'a', 'read -r word < /dev/tty; printf %s $word')} | cat"
    with terminal(pipeline, *upload(asking)) as screen:
        pids_in(pids, 1)
        screen.type("sesame\n")
        result = screen.result()

    assert result.code == 0, result
    assert server.model.get_object("bucket", "dump").body == b"sesame"


def test_ctrl_c_at_the_terminal(server: StrictS3, pipeline: Shell, pids: Path) -> None:
    """It reaches all processes; exit code 130 although it made the producer fail."""
    with terminal(pipeline, *upload(silent(pids))) as screen:
        found = pids_in(pids, 2)
        screen.type("\x03")
        result = screen.result()

    assert result.code == 130, result
    assert still_running(found) == []


def test_a_signal_to_partway_alone_in_a_terminal(pipeline: Shell, pids: Path) -> None:
    """The producer, in the same process group, is terminated as well."""
    with terminal(pipeline, *upload(f"echo $PPID > {pids}/partway; {silent(pids)}")) as screen:
        *found, partway = pids_in(pids, 3)
        os.kill(partway, signal.SIGTERM)
        result = screen.result()

    assert result.code == 130, result
    assert still_running(found) == []
