"""``python -m docs.picture``: make docs/picture.svg again, from a real upload that is killed and goes on.

The commands run as people type them, on a terminal of 80 columns, against the strict S3 of ``tests/support``; part size
and bandwidth come from an AWS configuration.  The folder is called
/data in the picture, and the server's address is left out.
"""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import tempfile
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from random import Random

from rich.console import Console
from rich.text import Text

from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY

COLUMNS = 80
PARTS = 48
PART = 5 * 1024 * 1024
KILLED_AT = 18  # parts that are done by then
CONFIG = "[default]\ns3 =\n  multipart_chunksize = 5MB\n  max_bandwidth = 60MB/s\n  max_concurrent_requests = 4\n"
UPLOAD = ("upload", "video.mkv", "s3://my-bucket/video.mkv")
PICTURE = Path(__file__).with_name("picture.svg")
_FRAME = re.compile(r"(?:\r?\x1b\[2K|\x1b\[1A|\x1b\[\?25[lh])+")  # what rich writes between two of its frames


def main() -> None:
    """Play it, and write the picture."""
    model = S3Model()
    model.create_bucket("my-bucket")
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    with StrictS3(model) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "video.mkv").write_bytes(Random(1).randbytes(PARTS * PART))
        (folder / "config").write_text(CONFIG)
        variables = _variables(folder, server)
        for command, frames in _story(folder, variables):
            console.print(Text("$ ", "bold green").append(f"partway {' '.join(command)}", "bold"))
            for frame in frames:
                for line in Text.from_ansi(frame.replace(name, "/data").replace(f" at {server.url}", "")).split():
                    console.print(line, no_wrap=True)
    picture = console.export_svg(title="an upload that is killed, and goes on", unique_id="partway")
    # Without fonts from elsewhere; the names of others that are everywhere stay.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))


def _story(folder: Path, variables: dict[str, str]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Each command with what it showed."""
    id, frames = _killed(folder, variables)
    yield UPLOAD, [frames[-1], "\x1b[31mKilled\x1b[0m"]
    frames = _shown(UPLOAD, folder, variables)
    (resuming,) = [line for frame in frames for line in frame.split("\n") if "resuming" in line]
    yield UPLOAD, [resuming, frames[len(frames) // 2], frames[-1]]
    yield ("show", id), _shown(("show", id), folder, variables)


def _killed(folder: Path, variables: dict[str, str]) -> tuple[str, list[str]]:
    """The id of an upload that is killed part-way, and the frames on its terminal."""
    with _terminal() as (terminal, screen):
        command = [*PARTWAY, *UPLOAD, "--json"]
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=terminal)
        os.close(terminal)
        assert process.stdout is not None
        done, id = 0, ""
        with process.stdout:
            for line in process.stdout:
                event = json.loads(line)
                id = event["upload"]
                done += event["event"] == "part_done"
                if done == KILLED_AT:
                    process.kill()
        process.wait()
        return id, _frames(screen)


def _shown(command: tuple[str, ...], folder: Path, variables: dict[str, str]) -> list[str]:
    """The frames that a command shows on its terminal."""
    with _terminal() as (terminal, screen):
        process = subprocess.Popen([*PARTWAY, *command], cwd=folder, env=variables, stdout=terminal, stderr=terminal)
        os.close(terminal)
        frames = _frames(screen)
        assert process.wait() == 0, frames
        return frames


@contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    """A terminal for a process, which closes it, and the screen to read from."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    try:
        yield terminal, screen
    finally:
        os.close(screen)


def _frames(screen: int) -> list[str]:
    """Everything that was written until the last process closed the terminal."""
    written = b""
    while True:
        try:
            block = os.read(screen, 65536)
        except OSError:  # how a terminal says that nobody writes any more
            break
        if not block:
            break
        written += block
    text = written.decode().replace("\r\n", "\n")
    return [frame.strip("\n") for frame in _FRAME.split(text) if frame.strip()]


def _variables(folder: Path, server: StrictS3) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return (
        kept
        | server.environment()
        | {
            "AWS_CONFIG_FILE": str(folder / "config"),
            "PARTWAY_STATE_DIR": str(folder / "state"),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }
    )


if __name__ == "__main__":
    main()
