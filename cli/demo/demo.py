"""``partway demo``: an upload that is killed and resumed, with an embedded S3 server and nothing to set up."""

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import click
from rich.text import Text

from partway.engine.limits import AWS, MIB
from partway.state.sqlite.store import SqliteStore

from ..options import values
from ..runtime import exit_codes
from ..status.part_map import part_map
from ..text.console import make_console
from ..text.escape import printable
from ..text.palette import GREEN, RED
from ..text.units import format_size
from .server import COUNT_PATH

_BUCKET = "partway-demo"
_PARTS = 32
_MIN_SIZE = 4 * AWS.min_part_size
_KILL_AT = 0.4  # of the parts


@click.command("demo", epilog="Example:  partway demo --size 1GiB")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--size", default="256MiB", show_default=True, callback=values.size_value, help="Size of the generated file."
)
def command(file: Path | None, size: int) -> int:
    """Upload a file, kill the upload with SIGKILL part-way, resume it, and compare.

    Everything happens on this machine: an embedded S3 server, a generated file unless FILE is given, and a temporary
    directory that is removed at the end.
    """
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise click.UsageError("the demo needs its S3 server; install it with: pip install 'partway[demo]'")
    if file is not None:
        size = file.stat().st_size
    if size < _MIN_SIZE:
        raise click.UsageError(f"the demo needs a file of at least {format_size(_MIN_SIZE)}, to have several parts")
    with tempfile.TemporaryDirectory(prefix="partway-demo-") as folder, _server() as url:
        return Demo(Path(folder), url, file, size).play()


@contextmanager
def _server() -> Iterator[str]:
    """Run the embedded S3 server with one bucket; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "partway.cli.demo.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Ctrl-C must only reach the upload; the server ends when its stdin does.
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        port = process.stdout.readline().strip().decode()
        if not port:
            raise click.ClickException("the demo's S3 server did not start")
        url = f"http://127.0.0.1:{port}"
        urlopen(Request(f"{url}/{_BUCKET}", method="PUT")).close()
        yield url
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The result of one upload process: its exit code, its upload's ID, and its last events by name."""

    code: int
    upload: str
    events: dict[str, dict[str, object]]


class Demo:
    """The demo, step by step."""

    def __init__(self, folder: Path, url: str, file: Path | None, size: int) -> None:
        self._folder = folder
        self._url = url
        self._file = file
        self._size = size
        self._console = make_console()

    def play(self) -> int:
        """Run the demo; the exit code is 0 only if the object equals the file."""
        self._say(f"1. An S3 server on this machine, and {self._describe()}")
        file = self._file or self._make_file()
        key = f"{_BUCKET}/demo.bin" if self._file is None else f"{_BUCKET}/demo-object"
        self._say(f"2. Uploading; at {_KILL_AT:.0%} of the parts, the process is killed with SIGKILL")
        part_size = max(AWS.min_part_size, -(-self._size // _PARTS // MIB) * MIB)
        first = self._run(
            "upload",
            str(file.absolute()),
            f"s3://{key}",
            f"--endpoint-url={self._url}",
            f"--part-size={part_size}",
            kill_at=_KILL_AT,
        )
        if first.code != -signal.SIGKILL:
            return self._fail(f"the upload ended early, with exit code {first.code}")
        self._show_parts(first.upload)
        self._say("3. Resuming the upload; only its ID is needed")
        second = self._run("resume", first.upload)
        done = second.events.get("upload_done")
        if second.code != 0 or done is None:
            return self._fail(f"the resumed upload ended with exit code {second.code}")
        self._show_parts(first.upload)
        self._say("4. Downloading the object and comparing every byte")
        same = _digest_of_file(file) == self._digest_of_object(key)
        self._sum_up(second, done, same)
        return exit_codes.OK if same else exit_codes.FAILED

    def _describe(self) -> str:
        if self._file is not None:
            return f"{printable(str(self._file))} ({format_size(self._size)})"
        return f"a file of {format_size(self._size)}"

    def _make_file(self) -> Path:
        file = self._folder / "demo.bin"
        with file.open("wb") as out:
            left = self._size
            while left:
                left -= out.write(os.urandom(min(left, MIB)))
        return file

    def _run(self, *arguments: str, kill_at: float | None = None) -> _Run:
        """Run partway in a separate process, with its bars on our stderr; kill it after a fraction of the parts."""
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "partway.cli.main",
                "--state-dir",
                str(self._folder / "state"),
                *arguments,
                "--json",
            ],
            stdout=subprocess.PIPE,
            env=_environment(self._folder / "state"),
        )
        assert process.stdout is not None
        events: dict[str, dict[str, object]] = {}
        upload, done = "", 0
        with process.stdout:
            for line in process.stdout:
                event = json.loads(line)
                events[event["event"]] = event
                upload = upload or event["upload"]
                done += event["event"] == "part_done"
                if kill_at is not None and done >= kill_at * events["upload_started"]["part_count"]:  # type: ignore[operator]
                    process.kill()
                    kill_at = None
        code = process.wait()
        if code < 0 and sys.stderr.isatty():
            # A killed process cannot remove its bar or restore the cursor.
            os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
        return _Run(code=code, upload=upload, events=events)

    def _show_parts(self, id: str) -> None:
        store = SqliteStore(self._folder / "state")
        try:
            record = store.upload(id)
            assert record is not None
            shown = part_map(store, record)
        finally:
            store.close()
        plain = self._console.options.ascii_only
        width = max(10, self._console.width - 5)
        for line in [*shown.rows(width, ascii_only=plain), shown.legend(ascii_only=plain)]:
            self._console.print(Text("   ").append_text(line))

    def _digest_of_object(self, key: str) -> str:
        digest = hashlib.sha256()
        with urlopen(f"{self._url}/{key}") as answer:
            while block := answer.read(MIB):
                digest.update(block)
        return digest.hexdigest()

    def _sum_up(self, run: _Run, done: dict[str, object], same: bool) -> None:
        with urlopen(self._url + COUNT_PATH) as answer:
            received = int(answer.read())
        started = run.events["upload_started"]
        twice = max(0, received - self._size)
        verdict = Text("the object equals the file, byte for byte", GREEN) if same else Text("the object differs", RED)
        self._console.print()
        for name, value in (
            ("compared", verdict),
            ("parts reused after the kill", f"{started['resumed_parts']} of {started['part_count']}"),
            ("bytes sent twice", f"{format_size(twice)} ({twice / self._size:.1%} of the file)"),
            ("the object", f"verified {done['proof']}"),
        ):
            self._console.print(Text(f"   {name:<29}").append(value))
        self._console.print("   Everything has been removed.  Your turn: partway upload FILE s3://BUCKET/KEY")

    def _say(self, line: str) -> None:
        self._console.print(Text(line, style="bold"))

    def _fail(self, reason: str) -> int:
        print(f"error: the demo did not work: {reason}", file=sys.stderr)
        return exit_codes.FAILED


def _digest_of_file(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _environment(state: Path) -> dict[str, str]:
    """The user's environment without AWS settings: the demo must never reach a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PARTWAY_"))}
    return kept | {
        "PARTWAY_STATE_DIR": str(state),
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
