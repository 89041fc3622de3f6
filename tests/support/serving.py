"""Servers in processes of their own: free ports, and the wait until somebody answers there."""

import socket
import subprocess
import time
from contextlib import ExitStack
from urllib.error import URLError
from urllib.request import Request, urlopen


def free_ports(count: int) -> list[int]:
    """Ports that are free now, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


class ServerEnded(Exception):
    """The server's process is gone before it answered."""


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until the server answers anything at all.

    Raises:
        ServerEnded
    """
    for _ in range(300):
        if process.poll() is not None:
            raise ServerEnded(f"exit code {process.returncode}")
        try:
            urlopen(Request(url, method="GET"), timeout=5).close()
        except URLError as error:
            if getattr(error, "code", None) is not None:
                error.close()  # type: ignore[attr-defined]
                return
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nothing answers on {url}")
