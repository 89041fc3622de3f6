"""``partway list`` and ``partway show`` for a half-finished upload and a resumed one."""

from collections.abc import Iterator

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import MIB, OPTIONS, SIZE, make_source, refuse_parts

FIELDS = {
    "upload",
    "job",
    "status",
    "source",
    "target",
    "endpoint",
    "total_bytes",
    "part_size",
    "part_count",
    "done_parts",
    "done_bytes",
    "checksum_algorithm",
    "upload_id",
    "runs",
    "created_at",
    "updated_at",
    "abort_date",
    "etag",
    "proof",
    "running",
    "ended",
    "error",
    "live",
}


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """A strict S3 with S3's own limits."""
    with StrictS3() as server:
        yield server


@pytest.fixture(scope="module")
def shell(server: StrictS3, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A directory with a source."""
    shell = Shell(tmp_path_factory.mktemp("show"), server)
    make_source(shell)
    return shell


@pytest.fixture(scope="module")
def half(server: StrictS3, shell: Shell) -> str:
    """The ID of an upload with 2 of 5 parts done."""
    refuse_parts(server)
    failed = shell.run("upload", "source.bin", "s3://bucket/half", *OPTIONS, "--json").event("upload_failed")
    server.faults.clear()
    return str(failed["upload"])


@pytest.fixture(scope="module")
def finished(server: StrictS3, shell: Shell, half: str) -> str:
    """The ID of an upload finished in two runs; the first sent 2 of 5 parts."""
    refuse_parts(server)
    shell.run("upload", "source.bin", "s3://bucket/done", *OPTIONS)
    server.faults.clear()
    done = shell.run("upload", "source.bin", "s3://bucket/done", *OPTIONS, "--json").event("upload_done")
    return str(done["upload"])


def test_show_half(shell: Shell, half: str) -> None:
    """The facts, then a map of two parts on S3 and three missing."""
    result = shell.run("show", half)
    lines = result.out.splitlines()

    assert (result.code, result.err) == (0, "")
    assert lines[-2:] == ["  ██···", "  █ sent 2   · missing 3"]
    assert ["done", *["10.0", "MiB", "of", "20.0", "MiB,", "2", "of", "5", "parts"]] in [line.split() for line in lines]
    assert ["status", "open"] in [line.split() for line in lines]


def test_show_finished(shell: Shell, finished: str) -> None:
    """The map distinguishes parts of earlier runs from those of the last."""
    lines = shell.run("show", finished[:6]).out.splitlines()

    assert lines[-2:] == ["  ▓▓███", "  █ sent 3   ▓ reused 2"]
    assert ["status", "completed", "(crc64nvme)"] in [line.split() for line in lines]


@pytest.mark.parametrize("columns", [80, 30, 12])
def test_show_in_a_narrow_terminal(shell: Shell, half: str, columns: int) -> None:
    """No line is wider than the terminal, and the map is complete."""
    result = shell.run("show", half, variables={"COLUMNS": str(columns)})

    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= columns
    assert "██···" in result.out


def test_show_json(shell: Shell, half: str) -> None:
    """One object with the numbers of the finished parts."""
    (shown,) = shell.run("show", half, "--json").events

    assert set(shown) == FIELDS | {"parts"}
    assert (shown["parts"], shown["done_parts"], shown["done_bytes"]) == ([1, 2], 2, 10 * MIB)
    assert (shown["total_bytes"], shown["part_count"], shown["status"]) == (SIZE, 5, "open")


def test_list(shell: Shell, half: str, finished: str) -> None:
    """Without --all, only unfinished uploads."""
    result = shell.run("list")
    head, *rows = result.out.splitlines()

    assert head.split() == ["ID", "STATUS", "DONE", "SIZE", "LAST", "SEEN", "SOURCE", "DESTINATION"]
    assert [row.split()[:4] for row in rows] == [[half, "open", "49", "%"]]


def test_list_all(shell: Shell, half: str, finished: str) -> None:
    """With --all, everything, oldest first."""
    _, *rows = shell.run("list", "--all").out.splitlines()

    assert [row.split()[:2] for row in rows] == [[half, "open"], [finished, "completed"]]


@pytest.mark.parametrize("columns", [40, 20])
def test_list_in_a_narrow_terminal(shell: Shell, half: str, columns: int) -> None:
    """IDs are never shortened, since the other commands need them."""
    result = shell.run("list", variables={"COLUMNS": str(columns)})

    assert half in result.out


def test_list_json(shell: Shell, half: str, finished: str) -> None:
    """One object per line, with the fields of show."""
    listed = shell.run("list", "--all", "--json").events

    assert [upload["upload"] for upload in listed] == [half, finished]
    assert all(set(upload) == FIELDS for upload in listed)


@pytest.mark.parametrize("command", ["show", "cancel", "resume"])
def test_unknown_id(shell: Shell, command: str) -> None:
    """An unknown ID is a usage error that suggests `partway list`."""
    result = shell.run(command, "zzz")

    assert result.code == 2
    assert result.out == ""
    assert "there is no upload or job 'zzz'; see `partway list`" in result.err
