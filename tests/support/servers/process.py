"""Servers in processes of their own: free ports, and the wait until somebody answers there."""

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from http.client import HTTPException
from random import SystemRandom
from typing import TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

T = TypeVar("T")

PATIENCE = 120.0  # seconds until a server answers


def free_ports(count: int) -> list[int]:
    """Distinct free ports, below the range of ephemeral ports."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            probe, port = stack.enter_context(socket.socket()), SystemRandom().randrange(10_000, 30_000)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found


class ServerEnded(Exception):
    """The server's process exited before it responded."""


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until the server answers anything at all.

    Raises:
        ServerEnded
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ServerEnded(f"exit code {process.returncode}")
        try:
            urlopen(Request(url, method="GET"), timeout=5).close()
        except HTTPError as error:
            error.close()
            return
        except (OSError, HTTPException):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nothing answers on {url}")


def started(stack: ExitStack, start: Callable[[], AbstractContextManager[T]], tries: int = 3) -> T:
    """What ``start()`` gives; again when the server ended, since somebody else may take a port between look and start.

    Raises:
        ServerEnded: every time.
    """
    for _ in range(tries - 1):
        try:
            return stack.enter_context(start())
        except ServerEnded:
            continue
    return stack.enter_context(start())
