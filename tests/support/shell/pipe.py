"""``producer | partway upload -`` as people run it: a real pipe, and a producer that may be slow or stop."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .command import PARTWAY, Result, Running, Shell


def piped(shell: Shell, data: bytes, *arguments: str) -> Result:
    """Run ``partway upload - ARGUMENTS`` with ``data`` on its standard input, to the end."""
    with _piping(shell, lambda pipe: pipe.write(data), *arguments) as running:
        return running.result()


@contextmanager
def piping(shell: Shell, produce: Callable[[Any], object], *arguments: str) -> Iterator[Running]:
    """Start it with ``--json`` while ``produce`` writes into the pipe, which is closed after that."""
    with _piping(shell, produce, *arguments, "--json") as running:
        yield running


@contextmanager
def _piping(shell: Shell, produce: Callable[[Any], object], *arguments: str) -> Iterator[Running]:
    reading, writing = os.pipe()

    def run() -> None:
        with suppress(BrokenPipeError), os.fdopen(writing, "wb", buffering=0) as pipe:
            produce(pipe)

    producer = threading.Thread(target=run)
    try:
        with shell.started_command([*PARTWAY, "upload", "-", *arguments], stdin=reading) as running:
            os.close(reading)
            producer.start()
            yield running
    finally:
        producer.join()
