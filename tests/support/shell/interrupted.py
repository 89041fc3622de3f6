"""Uploads that stop part-way: some parts arrive, the others never get an answer."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.support.s3_faults.faults import Fault, Hang, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3

from .command import PARTWAY, Result, Running, Shell

MIB = 1024 * 1024
PARTS = 5
SIZE = (PARTS - 1) * 5 * MIB + 1000
OPTIONS = ("-p", "5MiB", "-c", "2")
UPLOAD = ("upload", "source.bin", "s3://bucket/key", *OPTIONS)


def make_source(shell: Shell, name: str = "source.bin", seed: int = 1) -> Path:
    """A file of PARTS parts."""
    path = shell.folder / name
    path.write_bytes(Random(seed).randbytes(SIZE))
    return path


@contextmanager
def hanging(
    shell: Shell, server: StrictS3, *arguments: str, done: int = 2, program: Sequence[str] = PARTWAY
) -> Iterator[Running]:
    """An upload that is at work, with ``done`` parts done and every worker waiting for the server."""
    for number in range(done + 1, PARTS + 1):
        server.faults.add(
            Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=number, action=Hang(), times=None)
        )
    with shell.started(*arguments, program=program) as running:
        running.wait_for("part_done", done)
        yield running
    server.faults.clear()


def interrupt(shell: Shell, server: StrictS3, *arguments: str, number: int = signal.SIGKILL, done: int = 2) -> Result:
    """Start an upload, and send it a signal when ``done`` parts are done."""
    with hanging(shell, server, *arguments, done=done) as running:
        return running.stop(number)


def refuse_parts(server: StrictS3, after: int = 2) -> None:
    """Have uploads end unfinished by themselves: parts beyond the first are refused."""
    for number in range(after + 1, PARTS + 1):
        server.faults.add(
            Fault(
                operation="UploadPart",
                stage=Stage.BEFORE_READ,
                part_number=number,
                action=access_denied(),
                times=None,
            )
        )


def part_numbers(server: StrictS3) -> list[int]:
    """Numbers of the parts that were answered with 200, in order."""
    return sorted(
        call.part_number or 0 for call in server.calls if call.operation == "UploadPart" and call.status == 200
    )
