"""Commands that are started with standard input, output or error closed, as daemons and some schedulers do.

The next file that such a process opens gets the number: a database that is number 1 would be written into by ``print``.
"""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import UPLOAD, refuse_parts

CLOSED = {"input": (0,), "output": (1,), "error": (2,), "all": (0, 1, 2)}
CODES = {0, 1, 2, 75}
FOREIGN = ("Traceback", "defect")

# Closes descriptors as a shell does before Python starts, and runs a command in a fork: imports are what takes time.
ZYGOTE = """
import json, os, shutil, sys
import partway.cli.commands.upload, partway.cli.commands.resume, partway.engine.s3.backend, partway.state.sqlite.store
from partway.cli.main import main

codes = {}
for name, arguments, closed, stdin in json.loads(sys.argv[1]):
    shutil.copytree("state", f"{name}.state")
    pid = os.fork()
    if not pid:
        os.environ["PARTWAY_STATE_DIR"] = f"{name}.state"
        sys.argv = ["partway", *arguments]
        write = os.O_WRONLY | os.O_CREAT
        files = [(stdin, os.O_RDONLY), (f"{name}.out", write), (f"{name}.err", write)]
        for number, (path, flags) in enumerate(files):
            descriptor = os.open(path, flags, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        for number, stream in enumerate(("stdin", "stdout", "stderr")):
            if number in closed:
                os.close(number)
                setattr(sys, stream, None)
        main()
    codes[name] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps(codes))
"""


@pytest.fixture
def unfinished(server: StrictS3, shell: Shell) -> str:
    """The ID of an upload in the state."""
    refuse_parts(server)
    result = shell.run(*UPLOAD, "--json")
    server.faults.clear()
    return str(result.event("upload_started")["upload"])


def commands(unfinished: str) -> dict[str, tuple[str, ...]]:
    """Every command, in forms that open different files.  unfinished: an upload's ID."""
    return {
        "upload": ("upload", "small", "s3://bucket/small"),
        "upload-json": ("upload", "small", "s3://bucket/small", "--json", "--log-file", "log"),
        "upload-parts": ("upload", "large", "s3://bucket/large", "-p", "5MiB"),
        "upload-folder": ("upload", "-r", "folder", "s3://bucket/folder/"),
        "upload-list": ("upload", "--files-from", "-", "s3://bucket/list/"),
        "upload-stream": ("upload", "-", "s3://bucket/stream"),
        "upload-command": ("upload", "-", "s3://bucket/command", "--from-command", "cat small"),
        "upload-dry": ("upload", "-r", "folder", "s3://bucket/folder/", "--dry-run"),
        "resume": ("resume", unfinished),
        "resume-all": ("resume", "--all", "--json"),
        "list": ("list", "--all"),
        "list-json": ("list", "--json"),
        "show": ("show", unfinished),
        "watch": ("watch", "--once"),
        "watch-json": ("watch", "--once", "--json"),
        "verify": ("verify", "small", "s3://bucket/small"),
        "clean": ("clean", "s3://bucket", "--dry-run"),
        "clean-history": ("clean",),
        "doctor": ("doctor", "s3://bucket"),
        "cancel": ("cancel", unfinished),
        "version": ("--version",),
        "help": ("upload", "--help"),
    }


@pytest.fixture
def sources(shell: Shell) -> dict[Path, bytes]:
    """Files to upload, with their content."""
    folder = shell.folder
    (folder / "folder").mkdir()
    contents = {
        folder / "small": b"small",
        folder / "folder" / "1": b"one",
        folder / "folder" / "2": b"two",
        folder / "large": bytes(6 * 2**20),
        folder / "names": b"small\nfolder/1\n",
    }
    for path, content in contents.items():
        path.write_bytes(content)
    source = folder / "source.bin"
    return contents | {source: source.read_bytes()}


@pytest.mark.parametrize("closed", CLOSED)
def test_no_command_needs_its_descriptors(
    server: StrictS3, shell: Shell, sources: dict[Path, bytes], unfinished: str, closed: str
) -> None:
    """Each exits with a documented code; the database is intact, and no source was written to."""
    cases = [
        (name, arguments, CLOSED[closed], "names" if name == "upload-list" else "small")
        for name, arguments in commands(unfinished).items()
    ]

    done = shell.run_command([sys.executable, "-c", ZYGOTE, json.dumps(cases)])

    codes = json.loads(done.out)
    said = {name: "".join((shell.folder / f"{name}.{end}").read_text() for end in ("out", "err")) for name in codes}
    assert len(codes) == len(cases)
    assert {name: (code, said[name]) for name, code in codes.items() if code not in CODES} == {}
    assert {name: text for name, text in said.items() if any(word in text for word in FOREIGN)} == {}
    for name in codes:
        with closing(sqlite3.connect(shell.folder / f"{name}.state" / "partway.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], name
    assert {path: path.read_bytes() for path in sources} == sources
    assert server.model.get_object("bucket", "small").body == b"small"
    assert server.model.get_object("bucket", "command").body == b"small"
