"""Client.upload(recursive=True): many files."""

import datetime
import os
from pathlib import Path

import pytest

from partway import Client
from partway.errors import FilesFailed, OptionError, UploadFailed
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small files, and one of two parts."""
    (tmp_path / "many" / "sub").mkdir(parents=True)
    for name, size in (("a.txt", 1), ("b.tmp", 2), ("sub/c.txt", 3), ("sub/d.bin", PART + 1)):
        (tmp_path / "many" / name).write_bytes(os.urandom(size))
    return tmp_path / "many"


def keys(strict: StrictS3) -> set[str]:
    """The keys that were written."""
    return {call.key for call in strict.calls if call.operation in ("PutObject", "CompleteMultipartUpload")}


def test_a_directory(client: Client, strict: StrictS3, folder: Path) -> None:
    """Every file below it, and the counts."""
    seen: list[int] = []
    result = client.upload(folder, "s3://bucket/x/", recursive=True, callback=seen.append)

    assert keys(strict) == {"x/a.txt", "x/b.tmp", "x/sub/c.txt", "x/sub/d.bin"}
    assert (result.done, result.failed, result.total_bytes, result.url) == (4, 0, PART + 7, "s3://bucket/x/")
    assert sum(seen) == PART + 7


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), ("*.tmp",), {"a.txt", "sub/c.txt", "sub/d.bin"}),
        ("*.txt", (), {"a.txt", "sub/c.txt"}),
        (["*.txt"], ["sub/*"], {"a.txt"}),
    ],
)
def test_filters(
    client: Client, strict: StrictS3, folder: Path, include: list[str], exclude: list[str], expected: set[str]
) -> None:
    """Only what is included, and of that not what is excluded."""
    client.upload(folder, "s3://bucket/", recursive=True, include=include, exclude=exclude)

    assert keys(strict) == expected


def test_sizes_and_ages(client: Client, strict: StrictS3, folder: Path) -> None:
    """Ages and dates in any form, in the order that is asked for."""
    os.utime(folder / "a.txt", (1, 1))
    yesterday = datetime.datetime.now() - datetime.timedelta(days=1)
    client.upload(
        folder,
        "s3://bucket/",
        recursive=True,
        newer_than=yesterday,
        max_size=PART,
        order="size,desc",
        concurrency=1,
    )
    client.upload(folder, "s3://bucket/old/", recursive=True, older_than=datetime.timedelta(days=1))

    assert [call.key for call in strict.calls if call.operation == "PutObject"][-3:] == [
        "sub/c.txt",
        "b.tmp",
        "old/a.txt",
    ]
    assert "a.txt" not in keys(strict)
    with pytest.raises(OptionError, match="no file has such a size"):
        client.upload(folder, "s3://bucket/", recursive=True, min_size=5, max_size=4)


def test_a_list_of_paths(client: Client, strict: StrictS3, folder: Path) -> None:
    """Files and directories."""
    client.upload([folder / "a.txt", str(folder / "sub")], "s3://bucket/", recursive=True)

    assert keys(strict) == {"a.txt", "c.txt", "d.bin"}


def test_the_same_call_again_sends_nothing(client: Client, strict: StrictS3, folder: Path) -> None:
    """With skip_existing."""
    client.upload(folder, "s3://bucket/", recursive=True)
    result = client.upload(folder, "s3://bucket/", recursive=True, skip_existing=True)

    assert (result.done, result.skipped) == (0, 4)


def test_a_file_that_fails_is_an_error(client: Client, strict: StrictS3, folder: Path) -> None:
    """After all others are uploaded; the error has the counts and the reasons."""
    (folder / "bad.txt").symlink_to(folder / "nowhere")
    with pytest.raises(FilesFailed, match=r"1 failed .*bad\.txt") as failure:
        client.upload(folder, "s3://bucket/", recursive=True)

    assert (failure.value.result.done, failure.value.result.failed) == (4, 1)
    assert [Path(each.source).name for each in failure.value.result.failures] == ["bad.txt"]


@pytest.mark.parametrize("source", [[], b"bytes", 3, None])
def test_what_are_no_paths(client: Client, source: object) -> None:
    """Refused."""
    with pytest.raises(OptionError, match="a list of paths"):
        client.upload(source, "s3://bucket/", recursive=True)  # type: ignore[call-overload]


def test_a_prefix_ends_in_a_slash(client: Client, strict: StrictS3, folder: Path) -> None:
    """It is added for directories; for a single file the destination may be meant as its key."""
    client.upload(folder / "sub", "s3://bucket/x", recursive=True)

    assert keys(strict) == {"x/c.txt", "x/d.bin"}
    with pytest.raises(OptionError, match="ends in /; use s3://bucket/x/"):
        client.upload([folder / "a.txt", folder / "b.tmp"], "s3://bucket/x", recursive=True)


@pytest.mark.parametrize("kind", ["names", "file"])
def test_a_list_of_names(client: Client, strict: StrictS3, folder: Path, kind: str) -> None:
    """In memory or in a file; the other files are left alone, and a plan says the same."""
    (folder / "#c").write_bytes(b"x")
    names: list[str | Path] = ["a.txt", Path("sub"), "#c"]
    (folder.parent / "list").write_text("# the best\na.txt\nsub\n#c\n")
    files_from = names if kind == "names" else folder.parent / "list"

    planned = client.plan(folder, "s3://bucket/x", recursive=True, files_from=files_from)
    before = keys(strict)
    client.upload(folder, "s3://bucket/x", recursive=True, files_from=files_from)

    assert (planned.files, planned.bytes, before) == (4, PART + 6, set())
    assert keys(strict) == {"x/a.txt", "x/sub/c.txt", "x/sub/d.bin", "x/#c"}


@pytest.mark.parametrize(
    ("source", "files_from", "message"),
    [
        (["many", "other"], ["a"], "files_from takes one source"),
        ("many", 3, "neither a path nor a list of names"),
        ("many", [""], "a name is empty"),
        ("many", [b"a"], "neither a path nor a list of names"),
    ],
)
def test_a_list_that_is_refused(
    client: Client, strict: StrictS3, source: str, files_from: object, message: str
) -> None:
    """Before anything is asked."""
    with pytest.raises(OptionError, match=message):
        client.upload(source, "s3://bucket/x", recursive=True, files_from=files_from)  # type: ignore[call-overload]

    assert strict.calls == []


def test_a_plan_of_a_directory(client: Client, strict: StrictS3, folder: Path) -> None:
    """An event for each file, and the sums; nothing is sent."""
    seen: list[str] = []
    planned = client.plan(
        folder, "s3://bucket/x/", recursive=True, on_event=lambda event: seen.append(type(event).__name__)
    )

    assert (planned.files, planned.bytes, planned.put_object) == (4, PART + 7, 3)
    assert seen.count("UploadPlanned") == 4
    assert strict.calls == []


def test_a_job_with_a_list_in_memory_is_resumed_by_the_same_call(
    client: Client, strict: StrictS3, folder: Path
) -> None:
    """Its ID alone does not have the names."""
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied()))
    with pytest.raises(FilesFailed) as failure:
        client.upload(folder, "s3://bucket/", recursive=True, files_from=["a.txt", "b.tmp"], concurrency=1)
    with pytest.raises(UploadFailed, match="upload it again with the same list"):
        client.resume(failure.value.result.id)
    result = client.upload(folder, "s3://bucket/", recursive=True, files_from=["a.txt", "b.tmp"])

    assert (result.done, result.resumed) == (1, 1)
