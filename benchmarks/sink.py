"""Starts and ends the sink: the server that answers, and nginx in front of it for TLS."""

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.s3_server.tls import make_tls_files

from .sink_server import Seen

_NGINX_CONF = Path(__file__).with_name("nginx.conf")
_ROOT = Path(__file__).parents[1]
NGINX_MISSING = """nginx is missing, and it ends TLS in front of the sink.  Install it, for example with
  apt-get install nginx-light      (Debian, Ubuntu)
  brew install nginx               (macOS)
or leave https out: python -m benchmarks throughput-http"""


class SinkFailed(Exception):
    """The sink did not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A running sink.

    http: where the server itself listens.
    https: where nginx listens; None when it was not asked for.
    ca_file: what clients trust for https.
    """

    http: str
    https: str | None = None
    ca_file: Path | None = None

    @property
    def port(self) -> int:
        """Of ``http``."""
        return int(self.http.rpartition(":")[2])

    def seen(self) -> Seen:
        """What came since the last ``forget``."""
        with urllib.request.urlopen(f"{self.http}/-/seen", timeout=10) as answer:
            return Seen(**json.load(answer))

    def forget(self) -> None:
        """Begin counting anew; uploads and objects stay."""
        urllib.request.urlopen(urllib.request.Request(f"{self.http}/-/forget", method="POST"), timeout=10).close()


@contextlib.contextmanager
def running_sink(
    folder: Path, *, tls: bool = False, delay: float = 0.0, allow_rate: float | None = None
) -> Iterator[Sink]:
    """A sink until the block is left.

    Args:
        folder: For certificates and nginx's files; the caller removes it.
        delay: Seconds that the answer to every part comes late.
        allow_rate: Bytes a second; parts above it are told SlowDown.

    Raises:
        SinkFailed: nginx is missing or does not start.
    """
    nginx = find_nginx() if tls else None
    command = [sys.executable, "-m", "benchmarks.sink_server", "--delay", str(delay)]
    if allow_rate is not None:
        command += ["--allow-rate", str(allow_rate)]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(command, stdout=subprocess.PIPE))
        assert server.stdout is not None
        port = int(server.stdout.readline() or 0)
        if not port:
            raise SinkFailed("the sink's server did not start")
        http = f"http://127.0.0.1:{port}"
        if nginx is None:
            yield Sink(http=http)
            return
        tls_port = free_port()
        files = make_tls_files(folder)
        conf = _filled(folder, {"FOLDER": folder, "INNER_PORT": port, "PORT": tls_port, "CHAIN": files.chain_file})
        front = stack.enter_context(running([nginx, "-p", str(folder), "-c", str(conf)]))
        _wait_for(front, tls_port)
        yield Sink(http=http, https=f"https://127.0.0.1:{tls_port}", ca_file=files.ca_file)


def find_nginx() -> str:
    """Where the system's nginx is.

    Raises:
        SinkFailed: there is none.
    """
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if nginx is None:
        raise SinkFailed(NGINX_MISSING)
    return nginx


@contextlib.contextmanager
def running(
    command: list[str], *, stdout: int | None = subprocess.DEVNULL, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A helper process, ended with SIGTERM (after a while SIGKILL) when the block is left, however it is left."""
    # In a session of its own: Ctrl-C ends what is measured first, and the helpers by this block.
    process = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=_ROOT, text=True, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _filled(folder: Path, values: dict[str, object]) -> Path:
    text = _NGINX_CONF.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    conf = folder / "nginx.conf"
    conf.write_text(text)
    return conf


def _wait_for(process: subprocess.Popen[str], port: int) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise SinkFailed(f"nginx did not start (exit code {process.poll()}); its error log is in its folder")


__all__ = ["NGINX_MISSING", "Sink", "SinkFailed", "find_nginx", "free_port", "running", "running_sink"]
