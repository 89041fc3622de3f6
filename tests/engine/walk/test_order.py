"""The order in which files are sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from partway.engine.walk import order as order_module
from partway.engine.walk.order import in_order
from partway.engine.walk.parse_selection import parse_order
from partway.engine.walk.spec import JobSpec
from partway.engine.walk.walk import FileEntry, SkippedEntry
from tests.support.engine.job_case import Job
from tests.support.s3_server.server import StrictS3

FILES = {"b": (1, 30), "a": (30, 20), "\udcff": (2, 10), "c": (2, 5)}  # size, mtime


def walk() -> Iterator[FileEntry | SkippedEntry]:
    for name, (size, mtime) in FILES.items():
        yield FileEntry(path=f"/{name}", name=name, size=size, mtime_ns=mtime, ctime_ns=0, inode=0)
    yield SkippedEntry(path="/x", reason="an empty directory", failed=False)


@pytest.mark.parametrize("run", [1, 2, 100])
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name", ["a", "b", "c", "\udcff"]),
        ("name,desc", ["\udcff", "c", "b", "a"]),
        ("size", ["b", "c", "\udcff", "a"]),
        ("SIZE,desc", ["a", "\udcff", "c", "b"]),
        ("mtime,asc", ["c", "\udcff", "a", "b"]),
        ("modtime,descending", ["b", "a", "\udcff", "c"]),
    ],
)
def test_orders(monkeypatch: pytest.MonkeyPatch, run: int, text: str, names: list[str]) -> None:
    """Regardless of how many files fit into memory; skipped entries come first."""
    monkeypatch.setattr(order_module, "_RUN", run)
    found = list(in_order(walk(), parse_order(text)))

    assert [each.name for each in found if isinstance(each, FileEntry)] == names
    assert isinstance(found[0], SkippedEntry)


def test_no_order_is_that_of_the_walk() -> None:
    """Without an order, files are yielded as they are found."""
    assert list(in_order(walk(), None)) == list(walk())


@pytest.mark.parametrize("text", ["", "color", "size,up", "size;desc"])
def test_other_orders_are_refused(text: str) -> None:
    """The error lists the valid orders."""
    with pytest.raises(ValueError, match="is not a valid order; use size, name or mtime"):
        parse_order(text)


def test_a_job_sends_in_this_order(strict: StrictS3, backend: object, tmp_path: Path) -> None:
    """Small and large files are sent in one order."""
    for name, size in {"b": 3, "a": 400_000, "c": 2, "d": 300_000}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    spec = JobSpec(sources=(str(tmp_path),), bucket="bucket", prefix="", order=parse_order("name"))
    job = Job(spec=spec, backend=backend)  # type: ignore[arg-type]

    assert job.run(concurrency=1).done == 4
    assert [key for _, key in strict.model.objects] == ["a", "b", "c", "d"]
