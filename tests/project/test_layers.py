"""The folders: each imports only folders above it, and each foreign library has its place.  Reads the sources."""

import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

import partway

ROOT = Path(__file__).parents[2]
LAYERS = ("state", "engine", "api", "cli")
MAX_LINES = 330
MAX_FILES = 15

# A folder imports only folders above it.
FOLDERS = (
    "state",
    "state/files",
    "state/memory",
    "state/sqlite",
    "engine",
    "engine/source",
    "engine/backend",
    "engine/events",
    "engine/retry",
    "engine/flow",
    "engine/workers",
    "engine/progress",
    "engine/proof",
    "engine/run",
    "engine/resume",
    "engine/upload",
    "engine/batch",
    "engine/stream",
    "engine/walk",
    "engine/job_records",
    "engine/job",
    "engine/dry_run",
    "engine/responses",
    "engine/requests",
    "engine/aws_config",
    "engine/s3",
    "engine/maintenance",
    "engine/doctor",
    "api/_arguments",
    "api/_run",
    "api",
    "api/transfer",
    "cli/text",
    "cli/status",
    "cli/output/messages",
    "cli/verbosity",
    "cli/output/terminal",
    "cli/output",
    "cli/help",
    "cli/options",
    "cli/runtime",
    "cli/producer",
    "cli/uploading",
    "cli",
    "cli/commands",
    "cli/demo",
)

ONLY_IN = {
    # api: bars of programs that ask for them.
    "rich": ("cli/", "api/_run/bars.py"),
    "click": ("cli/",),
    "boto3": ("engine/s3/", "api/transfer/"),
    "botocore": ("engine/s3/", "engine/requests/", "engine/responses/", "engine/aws_config/", "api/transfer/"),
    "s3transfer": ("api/transfer/",),
    "urllib3": ("engine/requests/", "engine/responses/"),
    "tenacity": ("engine/retry/",),
    "sqlite_utils": ("state/sqlite/",),
    "sqlite3": ("state/sqlite/",),
    "threading": (
        "engine/flow/",
        "engine/retry/circuit_breaker.py",
        "engine/stream/reader.py",
        "engine/s3/request_templates.py",
        # Reads what a program prints while it waits for its end.
        "engine/aws_config/credential_process.py",
        # The demo's server is a program of its own.
        "cli/demo/server.py",
        # Waits for a program's end, to see which processes still hold its output at that moment.
        "cli/producer/producer.py",
        # The threads that uploads of a program run in, and what they share.
        "api/_run/",
        # Bounds the requests that the uploads of a manager make at the same time.
        "api/transfer/_upload.py",
        "api/transfer/_backend.py",
        # Waits for the keyboard.
        "cli/output/terminal/nudging.py",
    ),
    "_thread": (),
    "queue": ("engine/workers/",),
    "concurrent": (
        "engine/workers/runtime.py",
        "api/_run/threads.py",
        "api/_run/futures.py",
        "api/transfer/_upload.py",
    ),
    "greenlet": ("engine/workers/coroutines.py",),
    "multiprocessing": (),
    "asyncio": ("api/aio.py",),
}
# A type in a signature starts no thread.
ALLOWED_TYPES = {
    ("engine/run/settings.py", "concurrent.futures.Executor"),
    ("engine/workers/pool.py", "concurrent.futures.Future"),
    ("engine/workers/executor.py", "concurrent.futures.Executor"),
    ("engine/workers/executor.py", "concurrent.futures.Future"),
    ("engine/job/small_files.py", "concurrent.futures.Future"),
    ("engine/job/files.py", "concurrent.futures.Future"),
}

FILES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
# ``python -m partway`` is the command, whose place is below.
ENTRY = "api/__main__.py"
# What ``from partway import ...`` finds: the modules beside it, and its names.
FRONT_DOOR = {path.stem for path in (ROOT / "api").iterdir()} | set(partway.__all__)
PATHS = {path.relative_to(ROOT).as_posix() for path in FILES}


@dataclass(frozen=True)
class Import:
    """``name`` is the dotted thing; ``level`` counts the dots in front of it."""

    file: str
    name: str
    level: int

    @property
    def folder(self) -> str:
        return self.file.rpartition("/")[0]

    @property
    def layer(self) -> str:
        return self.file.partition("/")[0]

    @property
    def is_ours(self) -> bool:
        return self.level > 0 or self.name.partition(".")[0] == "partway"

    @property
    def target(self) -> str:
        """What is imported as a path without ``.py``: ``engine/source/plan/UploadPlan``; it may leave the layer."""
        if not self.level:
            path = "/".join(self.name.split(".")[1:])
            # ``api`` is installed as ``partway`` itself.
            return path if path.partition("/")[0] in LAYERS else f"api/{path}"
        base = PurePosixPath(self.file).parents[self.level - 1]
        return (base / self.name.replace(".", "/")).as_posix()


def imports_of(source: str, file: str) -> list[Import]:
    """Every import of the source, wherever it stands."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(file, alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = f"{node.module}." if node.module else ""
            found += [Import(file, start + alias.name, node.level) for alias in node.names]
    return found


def target_folder(item: Import) -> str | None:
    """The folder that is imported from; None when it is none of ours."""
    parts = item.target.split("/")
    if parts[0] == "api" and parts[1] not in FRONT_DOOR:
        return None
    for end in range(len(parts), 0, -1):
        folder = "/".join(parts[:end])
        if folder in FOLDERS:
            return folder
    return None


def wrong_arrow(item: Import) -> bool:
    """True for an import of a folder that is not above, or by a name that is not the house's."""
    if item.file == ENTRY:
        return item.name != "partway.cli.main.main"
    if not item.is_ours:
        return item.name.partition(".")[0] in LAYERS
    folder = target_folder(item)
    if folder is None or item.folder not in FOLDERS:
        return True
    is_same_layer = folder.partition("/")[0] == item.layer
    if is_same_layer != (item.level > 0):
        return True
    return folder != item.folder and FOLDERS.index(folder) >= FOLDERS.index(item.folder)


def out_of_place(item: Import) -> bool:
    """True for a foreign library where it does not belong."""
    places = ONLY_IN.get(item.name.partition(".")[0])
    if item.level or places is None or (item.file, item.name) in ALLOWED_TYPES:
        return False
    return not any(item.file.startswith(place) for place in places)


IMPORTS = [item for path in FILES for item in imports_of(path.read_text(), path.relative_to(ROOT).as_posix())]


def test_there_is_something_to_check() -> None:
    """All layers were found, with imports between them and between their folders."""
    found = {(item.folder, target_folder(item)) for item in IMPORTS if item.is_ours}

    assert {item.layer for item in IMPORTS} == set(LAYERS)
    assert found >= {("engine/upload", "state"), ("engine/upload", "engine/source"), ("cli/commands", "engine/upload")}


def test_arrows_point_one_way() -> None:
    """A folder imports those above it: its own layer relatively, lower layers as ``partway.layer``."""
    assert [item for item in IMPORTS if wrong_arrow(item)] == []


def test_every_folder_has_its_place_in_the_order() -> None:
    """The table has the folders there are, each once."""
    assert sorted(FOLDERS) == sorted({item.rpartition("/")[0] for item in PATHS})


def package_of(folder: str) -> str:
    """The package that the folder is installed as."""
    return ".".join(["partway", *folder.removeprefix("api").strip("/").split("/")]).rstrip(".")


def test_every_folder_is_in_the_wheel() -> None:
    """setuptools installs the packages that are listed; a folder that is not would be missing after an install."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]

    assert sorted(listed) == sorted(package_of(folder) for folder in FOLDERS)
    assert all(f"{folder}/__init__.py" in PATHS for folder in FOLDERS)


def test_type_checkers_find_what_is_installed() -> None:
    """``.typing/partway`` has a link for each layer, and for for what is in the folder that is ``partway`` itself."""
    links = {path.name: path.readlink().as_posix() for path in (ROOT / ".typing" / "partway").iterdir()}
    files = [path.name for path in (ROOT / "api").iterdir() if path.name != "__pycache__"]

    assert links == {
        **{layer: f"../../{layer}" for layer in LAYERS if layer != "api"},
        **{name: f"../../api/{name}" for name in files},
    }


def test_every_library_is_declared() -> None:
    """What is imported is a dependency by itself, not by way of another's; awscrt comes with boto3's extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    declared = {re.split(r"[\[>=<! ]", text)[0].replace("-", "_") for text in texts}
    foreign = {item.name.split(".")[0] for item in IMPORTS if not item.level} - sys.stdlib_module_names - {"partway"}

    assert any(text.startswith("boto3[crt]") for text in texts)
    assert foreign - declared == {"awscrt"}


def test_foreign_libraries_are_in_their_places() -> None:
    """Terminal, S3, retries, SQL and threads: one place each."""
    assert [item for item in IMPORTS if out_of_place(item)] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_reads_like_a_table_of_contents(folder: str) -> None:
    """A folder that outgrew one screen has rooms to be found in it."""
    files = [path for path in PATHS if path.rpartition("/")[0] == folder and not path.endswith("__init__.py")]

    assert len(files) <= MAX_FILES


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parts[-2] != "cli"], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_file_holds_one_idea(path: Path) -> None:
    """A file that outgrew a few screens has two."""
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("state/a.py", "from partway.engine.source.plan import plan_upload"),
        ("state/a.py", "import partway.cli.main"),
        ("state/files/a.py", "from ..sqlite.store import SqliteStore"),
        ("engine/upload/a.py", "def late():\n    from partway.cli.main import main"),
        ("engine/upload/a.py", "from partway.engine.source.plan import plan_upload"),
        ("engine/source/a.py", "from ..upload.file import upload_file"),
        ("engine/source/a.py", "from ..upload import file"),
        ("engine/a.py", "from .source.plan import plan_upload"),
        ("engine/upload/a.py", "from partway import state, cli"),
        ("engine/upload/a.py", "from ...state import store"),
        ("engine/upload/a.py", "from engine.source.plan import plan_upload"),
        ("engine/attic/a.py", "from ..source.plan import plan_upload"),
        ("cli/a.py", "import engine"),
        ("cli/a.py", "import partway"),
        ("cli/a.py", "from partway.api.client import Client"),
        ("engine/upload/a.py", "from partway import __version__"),
        ("engine/upload/a.py", "import partway.errors"),
        ("api/a.py", "from partway.cli.main import main"),
        ("api/a.py", "from .cli.main import main"),
        ("api/a.py", "from .engine.source.plan import plan_upload"),
        ("api/a.py", "from partway.errors import PartwayError"),
        ("api/__main__.py", "from partway.cli.commands.upload import command"),
        ("cli/a.py", "from partway.tests import x"),
    ],
)
def test_a_wrong_arrow_is_seen(file: str, source: str) -> None:
    """The check can fail, also for an import inside a function."""
    assert any(wrong_arrow(item) for item in imports_of(source, file))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("engine/upload/a.py", "import rich.progress"),
        ("state/a.py", "from click import echo"),
        ("cli/commands/a.py", "import boto3"),
        ("engine/retry/backend.py", "from botocore.exceptions import ClientError"),
        ("engine/s3/backend.py", "import tenacity"),
        ("state/files/locks.py", "import sqlite3 as sql"),
        ("engine/run/settings.py", "from concurrent.futures import Executor, ThreadPoolExecutor"),
        ("engine/upload/file.py", "from concurrent.futures import Executor"),
        ("engine/upload/file.py", "import threading"),
        ("cli/commands/a.py", "from queue import Queue"),
    ],
)
def test_a_library_out_of_place_is_seen(file: str, source: str) -> None:
    """The check can fail."""
    assert any(out_of_place(item) for item in imports_of(source, file))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("cli/commands/a.py", "import rich\nfrom partway.engine.source.plan import x\nfrom ..text import escape"),
        ("engine/upload/a.py", "from ..source.plan import x\nfrom .complete import y\nfrom partway.state import z"),
        ("cli/a.py", "from partway import __version__\nfrom partway.errors import OptionError"),
        ("api/a.py", "from .errors import OptionError\nfrom partway.engine.source.plan import plan_upload"),
        ("engine/upload/a.py", "from ..events import Event\nfrom .. import errors"),
        ("engine/run/settings.py", "from concurrent.futures import Executor"),
        ("engine/upload/a.py", "from .complete import queue"),
        ("state/sqlite/schema.py", "import sqlite3\nfrom sqlite_utils import Database"),
    ],
)
def test_what_is_right_passes(file: str, source: str) -> None:
    """The check does not fail for everything."""
    assert not any(wrong_arrow(item) or out_of_place(item) for item in imports_of(source, file))
