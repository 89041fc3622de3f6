"""The layers: cli -> engine -> state, and each foreign library in its one place.  Reads the imports of the sources."""

import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("state", "engine", "cli")
FILES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
LONGEST = 330

ONLY_IN = {
    "rich": ("cli/",),
    "click": ("cli/",),
    "boto3": (),
    "botocore": (
        "engine/s3_client.py",
        "engine/s3_answers.py",
        "engine/s3_http.py",
        "engine/s3_missing.py",
        "engine/s3_errors.py",
        "engine/aws_errors.py",
        "engine/credential_process.py",
        "engine/clock_offset.py",
        "engine/s3_repeat.py",
    ),
    "urllib3": ("engine/s3_answers.py", "engine/s3_http.py"),
    "tenacity": ("engine/retry.py",),
    "sqlite_utils": ("state/sqlite_schema.py",),
    "sqlite3": ("state/sqlite.py", "state/sqlite_connection.py", "state/sqlite_schema.py", "state/sqlite_trouble.py"),
    # The demo's server is a program of its own.
    "threading": (
        "engine/concurrency.py",
        "engine/gate.py",
        "engine/bandwidth.py",
        "engine/cutter.py",
        "engine/s3_repeat.py",
        "cli/demo_server.py",
        # Waits for a program's end, to see who still holds its output at that moment.
        "cli/producer.py",
        # Waits for the keyboard.
        "cli/nudging.py",
    ),
    "_thread": (),
    "queue": ("engine/pool.py", "engine/lanes.py"),
    "concurrent": ("engine/workers.py",),
    "greenlet": ("engine/lanes.py",),
    "multiprocessing": (),
    "asyncio": (),
}
# A type in a signature starts no thread.
ALLOWED_TYPES = {
    ("engine/settings.py", "concurrent.futures.Executor"),
    ("engine/pool.py", "concurrent.futures.Future"),
    ("engine/job_files.py", "concurrent.futures.Future"),
}


@dataclass(frozen=True)
class Import:
    """``name`` is the dotted thing; ``level`` counts the dots in front of it."""

    file: str
    name: str
    level: int

    @property
    def layer(self) -> str:
        return self.file.split("/")[0]

    @property
    def target(self) -> str | None:
        """The layer that is imported, if it is one of ours."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "partway" and len(parts) > 1 else None


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


def wrong_arrow(item: Import) -> bool:
    """True for an import that goes up, sideways out of the layer, or by a name that is not ours."""
    if item.level:
        return item.level > 1 or item.name.count(".") > 1
    if item.name.split(".")[0] in LAYERS or item.name == "partway":
        return True
    if item.target is None:
        return False
    return item.target not in LAYERS or LAYERS.index(item.target) >= LAYERS.index(item.layer)


def out_of_place(item: Import) -> bool:
    """True for a foreign library where it does not belong."""
    places = ONLY_IN.get(item.name.split(".")[0])
    if item.level or places is None or (item.file, item.name) in ALLOWED_TYPES:
        return False
    return not any(item.file.startswith(place) for place in places)


IMPORTS = [item for path in FILES for item in imports_of(path.read_text(), path.relative_to(ROOT).as_posix())]


def test_there_is_something_to_check() -> None:
    """All three layers were found, with imports between them."""
    assert {item.layer for item in IMPORTS} == set(LAYERS)
    assert {(item.layer, item.target) for item in IMPORTS if item.target} >= {("engine", "state")}


def test_arrows_point_one_way() -> None:
    """cli imports engine and state, engine imports state, state imports neither; siblings are imported relatively."""
    assert [item for item in IMPORTS if wrong_arrow(item)] == []


def test_every_library_is_declared() -> None:
    """What is imported is a dependency by itself, not by way of another's; awscrt comes with botocore's extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    declared = {re.split(r"[\[>=<! ]", text)[0].replace("-", "_") for text in texts}
    foreign = {item.name.split(".")[0] for item in IMPORTS if not item.level} - sys.stdlib_module_names - {"partway"}

    assert any(text.startswith("botocore[crt]") for text in texts)
    assert foreign - declared == {"awscrt"}


def test_foreign_libraries_are_in_their_places() -> None:
    """Terminal, S3, retries, SQL and threads: one place each."""
    assert [item for item in IMPORTS if out_of_place(item)] == []


def test_packages_are_flat() -> None:
    """A layer has files and no folders."""
    assert [path for path in FILES if len(path.relative_to(ROOT).parts) != 2] == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name != "cli"], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_a_file_holds_one_idea(path: Path) -> None:
    """A file that outgrew a few screens has two."""
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("state/a.py", "from partway.engine.plan import plan_upload"),
        ("state/a.py", "import partway.cli.main"),
        ("engine/a.py", "def late():\n    from partway.cli.main import main"),
        ("engine/a.py", "from partway.engine.plan import plan_upload"),
        ("engine/a.py", "from partway import state, cli"),
        ("engine/a.py", "from ..state import store"),
        ("engine/a.py", "from engine.plan import plan_upload"),
        ("cli/a.py", "import engine"),
        ("cli/a.py", "import partway"),
        ("cli/a.py", "from partway.tests import x"),
    ],
)
def test_a_wrong_arrow_is_seen(file: str, source: str) -> None:
    """The check can fail, also for an import inside a function."""
    assert any(wrong_arrow(item) for item in imports_of(source, file))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("engine/a.py", "import rich.progress"),
        ("state/a.py", "from click import echo"),
        ("cli/a.py", "import boto3"),
        ("engine/retry.py", "from botocore.exceptions import ClientError"),
        ("engine/s3.py", "import tenacity"),
        ("state/store.py", "import sqlite3 as sql"),
        ("engine/settings.py", "from concurrent.futures import Executor, ThreadPoolExecutor"),
        ("engine/upload.py", "from concurrent.futures import Executor"),
        ("engine/upload.py", "import threading"),
        ("cli/a.py", "from queue import Queue"),
    ],
)
def test_a_library_out_of_place_is_seen(file: str, source: str) -> None:
    """The check can fail."""
    assert any(out_of_place(item) for item in imports_of(source, file))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("cli/a.py", "import rich\nfrom partway.engine.plan import plan_upload\nfrom partway.state.records import x"),
        ("engine/a.py", "from .plan import plan_upload\nfrom . import errors\nfrom partway.state.errors import x"),
        ("engine/settings.py", "from concurrent.futures import Executor"),
        ("engine/a.py", "from .queue import x\nfrom .threading import y"),
        ("state/sqlite_schema.py", "import sqlite3\nfrom sqlite_utils import Database"),
    ],
)
def test_what_is_right_passes(file: str, source: str) -> None:
    """The check does not fail for everything."""
    assert not any(wrong_arrow(item) or out_of_place(item) for item in imports_of(source, file))
