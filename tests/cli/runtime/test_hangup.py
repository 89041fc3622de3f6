"""A terminal that is closed (SIGHUP) in the later phases of a stream, which is piped or made by ``--from-command``."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.support.s3_faults.faults import Answer, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Running, Shell
from tests.support.shell.programs import eventually, member, pids_in, still_running

MIB = 1024 * 1024
DATA = Random(5).randbytes(11 * MIB)  # two parts and a bit
UPLOAD = ("upload", "-", "s3://bucket/dump", "-p", "5MiB", "-c", "1")
FORMS = ["piped", "from a command"]


@pytest.fixture
def pids(server: StrictS3, shell: Shell) -> Path:
    """The directory where producers record their pids; their output is beside it."""
    (shell.folder / "data").write_bytes(DATA)
    folder = shell.folder / "pids"
    folder.mkdir()
    return folder


@contextmanager
def streaming(shell: Shell, form: str, producer: str) -> Iterator[Running]:
    """partway, uploading the output of this command."""
    if form == "piped":
        line = ["bash", "-c", f'exec "$@" < <({{ {producer}; }} 2>/dev/null)', "bash", *PARTWAY, *UPLOAD, "--json"]
    else:
        line = [*PARTWAY, *UPLOAD, "--json", "--from-command", producer]
    with shell.started_command(line) as running:
        yield running


def end(pids: list[int]) -> None:
    """End what the shell piped, which is not partway's."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def is_made(server: StrictS3) -> bool:
    return ("bucket", "dump") in server.model.objects


def finish(shell: Shell, server: StrictS3) -> int:
    """Run again to the end and check the object; the bytes that were sent."""
    with streaming(shell, "from a command", "cat data") as running:
        result = running.result()

    assert result.code == 0, result
    assert server.model.get_object("bucket", "dump").body == DATA
    return int(result.event("upload_done")["sent_bytes"])


@pytest.mark.parametrize("form", FORMS)
def test_while_the_endpoint_is_waited_for(server: StrictS3, shell: Shell, pids: Path, form: str) -> None:
    """It exits at once with 130; the parts are kept, and the next run sends the rest."""
    away = Answer(status=511, body=b"<html>", headers={"Content-Type": "text/html"})
    server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=away, skip=1, times=None))
    with streaming(shell, form, f"{member(pids, 'a', 'cat data; exec sleep 7')} | cat") as running:
        running.wait_for("network_lost")
        found = pids_in(pids, 1)
        result = running.stop(signal.SIGHUP)
    left = still_running(found)
    end(left)
    server.faults.clear()

    assert result.code == 130
    assert "1 part is safe on S3" in result.err
    assert form == "piped" or left == []
    assert not is_made(server)
    assert finish(shell, server) == len(DATA) - 5 * MIB


@pytest.mark.parametrize("stage", [Stage.BEFORE_READ, Stage.AFTER_EFFECT])
def test_while_the_object_is_made(server: StrictS3, shell: Shell, pids: Path, stage: Stage) -> None:
    """Whether or not S3 has created it: success is not reported, and the next run checks and sends nothing again."""
    server.faults.add(Fault(operation="CompleteMultipartUpload", stage=stage, action=Hang(), times=None))
    with streaming(shell, "piped", "cat data") as running:
        running.wait_for("upload_completing")
        assert eventually(lambda: server.counts["CompleteMultipartUpload"] == 1)
        assert eventually(lambda: is_made(server) == (stage is Stage.AFTER_EFFECT))
        result = running.stop(signal.SIGHUP)
    server.faults.clear()

    assert result.code == 130
    assert [event for event in result.events if event["event"] == "upload_done"] == []
    assert result.event("upload_failed")["resumable"]
    assert finish(shell, server) == 0


@pytest.mark.parametrize("form", FORMS)
def test_while_the_stream_is_compared_with_its_object(server: StrictS3, shell: Shell, pids: Path, form: str) -> None:
    """The object of a run that was killed is there: it is not touched, and the next run compares it to its end."""
    server.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=Hang()))
    with streaming(shell, "piped", "cat data") as running:
        assert eventually(lambda: is_made(server))
        running.stop()
    made = server.model.get_object("bucket", "dump")
    # The first part has passed once this producer stands still.
    with streaming(shell, form, f"head -c 7000000 data; {member(pids, 'a', 'exec sleep 7')}") as running:
        found = pids_in(pids, 1)
        result = running.stop(signal.SIGHUP)
    left = still_running(found)
    end(left)

    assert result.code == 130
    assert form == "piped" or left == []
    assert result.event("upload_failed")["resumable"]
    assert [event for event in result.events if event["event"] == "upload_done"] == []
    assert server.model.get_object("bucket", "dump") == made
    assert finish(shell, server) == 0
