"""``producer | partway upload -`` as people run it: a real pipe, and a producer that may be slow or stop."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .command import PARTWAY, TIMEOUT, Result, Running, Shell


def piped(shell: Shell, data: bytes, *arguments: str) -> Result:
    """Run ``partway upload - ARGUMENTS`` with ``data`` on its standard input, to the end."""
    done = subprocess.run(
        [*PARTWAY, "upload", "-", *arguments],
        input=data,
        cwd=shell.folder,
        env=shell.variables,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Result(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


@contextmanager
def piping(shell: Shell, produce: Callable[[Any], object], *arguments: str) -> Iterator[Running]:
    """Start it with ``--json`` while ``produce`` writes into the pipe, which is closed after that."""
    reading, writing = os.pipe()
    with subprocess.Popen(
        [*PARTWAY, "upload", "-", *arguments, "--json"],
        cwd=shell.folder,
        env=shell.variables,
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        os.close(reading)

        def run() -> None:
            with suppress(BrokenPipeError), os.fdopen(writing, "wb", buffering=0) as pipe:
                produce(pipe)

        producer = threading.Thread(target=run)
        producer.start()
        try:
            yield Running(process)
        finally:
            process.kill()
            producer.join()
