"""The engine reads the time and waits by the clock that it is given, so that a simulation can bring its own."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The system clock itself, and code about this machine's processes and connections, which no simulation runs.
ALLOWED = {
    "engine/clock.py",
    "engine/process_family.py",
    "engine/responses/connection.py",
    "engine/s3/backend.py",
    "engine/s3/bucket.py",
    "engine/s3/service.py",
}


def uses_time(source: str) -> bool:
    """True for a module that imports ``time`` or something from it, wherever the import stands."""
    nodes = ast.walk(ast.parse(source))
    return any(
        (isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and not node.level and node.module == "time")
        for node in nodes
    )


def test_the_engine_uses_its_clock() -> None:
    """Only the modules in the list use ``time``, and every one of them does."""
    files = sorted((ROOT / "engine").rglob("*.py"))

    assert {path.relative_to(ROOT).as_posix() for path in files if uses_time(path.read_text())} == ALLOWED


@pytest.mark.parametrize(
    ("source", "is_use"),
    [
        ("import os, time", True),
        ("from time import monotonic", True),
        ("def wait():\n    import time as t", True),
        ("from .time import monotonic", False),
        ("import timeit", False),
    ],
)
def test_a_use_of_time_is_detected(source: str, is_use: bool) -> None:
    """The check can fail, and does not fail for other modules."""
    assert uses_time(source) is is_use
