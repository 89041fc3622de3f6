"""``--files-from``: the format of a list, where it may come from, and the directory of its names."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from partway.engine.errors import PlanError
from partway.engine.walk.file_list import listed_names, listed_sources
from partway.engine.walk.spec import JobSpec
from partway.engine.walk.walk import FileEntry, walk_sources
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Shell

NAMES = ("a", "sub/b", "sub/deep/c")


@pytest.fixture
def folder(shell: Shell) -> Path:
    """Three files, each one level deeper."""
    root = shell.folder / "root"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def arrived(server: StrictS3) -> dict[str, bytes]:
    return {key: stored.body for (_, key), stored in server.model.objects.items()}


def met(folder: Path, *lines: str) -> list[str]:
    """The names of the files that the walk finds, with repetitions."""
    spec = JobSpec(sources=(str(folder),), listed="/list", bucket="b", prefix="")
    walk = walk_sources(listed_sources(spec, iter(["\n".join(lines).encode()])))
    return sorted(each.name for each in walk if isinstance(each, FileEntry))


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["sub"], NAMES[1:]),
        (["sub/"], NAMES[1:]),
        (["./sub/deep"], NAMES[2:]),
        (["."], NAMES),
        (["./"], NAMES),
        (["sub/.."], NAMES),
        # As ``find .`` writes them, and not one entry is looked at twice.
        ([".", "./a", "./sub", "./sub/b", "./sub/deep", "./sub/deep/c"], NAMES),
    ],
    ids=str,
)
def test_a_folder_stands_for_its_files_with_its_name(folder: Path, lines: list[str], names: Sequence[str]) -> None:
    """All files below a listed directory are included."""
    assert met(folder, *lines) == list(names)
    assert met(folder, *(line if line.startswith(".") else f"{folder}/{line}" for line in lines)) == list(names)


def test_a_folder_elsewhere_keeps_its_path(folder: Path) -> None:
    """An absolute name has a key from the root."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "d").write_bytes(b"d")

    assert met(folder, str(elsewhere)) == [str(elsewhere / "d").lstrip("/")]


@pytest.mark.parametrize("name", ["..", "../other", "sub/../.."])
def test_a_name_that_leads_out_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(PlanError, match="is outside"):
        met(folder, name)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_byte_order_mark_is_no_part_of_the_first_name(size: int) -> None:
    """Byte order marks and carriage returns are removed from lines; names that end in NUL are taken literally."""
    mark = b"\xef\xbb\xbf"
    lines, nuls = mark + b"a\n" + mark + b"b\n", mark + b"a\0"

    def chunks(text: bytes) -> list[str]:
        return list(listed_names(iter([text[i : i + size] for i in range(0, len(text), size)]), "/none"))

    assert chunks(lines) == ["a", "\ufeffb"]
    assert chunks(nuls) == ["\ufeffa"]


def test_comments(folder: Path) -> None:
    """Lines that begin with # or ; are none of the names, unless there is such a file; between NULs all are names."""
    (folder / "#autosaved#").write_bytes(b"x")
    (folder / "; semicolon").symlink_to("nowhere")
    lines = b"# the best ones\na\n#b\n#autosaved#\n; old\n; semicolon\n#"

    assert list(listed_names(iter([lines]), str(folder))) == ["a", "#autosaved#", "; semicolon"]
    assert list(listed_names(iter([b"#b\0a\0"]), str(folder))) == ["#b", "a"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_list_in_utf_16_is_refused(encoding: str) -> None:
    """Its names would contain NULs."""
    with pytest.raises(PlanError, match="write it as UTF-8"):
        list(listed_names(iter(["\ufeffa\r\n".encode(encoding)]), "/none"))


def test_a_name_that_comes_twice_is_sent_once(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Also if it is spelled differently, or is in a listed directory."""
    names = ["a", "./a", "sub/deep/c", str(folder / "a"), "sub", "a"]
    (shell.folder / "list").write_text("\n".join(names))
    command = ("upload", "--files-from", "list", "root", "s3://bucket/x/")
    told, result = shell.run(*command, "--dry-run"), shell.run(*command, "--json")

    assert (result.code, told.code) == (0, 0), result.err + told.err
    assert arrived(server) == {f"x/{name}": name.encode() for name in NAMES}
    assert (result.event("job_done")["done"], server.counts["PutObject"]) == (3, 3)
    assert "would upload 3 files" in told.out


@pytest.mark.parametrize("given", ["<(printf 'a\\nsub/b\\n')", "/dev/stdin", "fifo", "-"])
def test_a_list_that_can_be_read_only_once(shell: Shell, server: StrictS3, folder: Path, given: str) -> None:
    """Though the list is read more than once."""
    os.mkfifo(shell.folder / "fifo")
    writer = threading.Thread(target=lambda: (shell.folder / "fifo").write_text("a\nsub/b\n"))
    if given == "fifo":
        writer.start()
    command = f"printf 'a\\nsub/b\\n' | \"$@\" --files-from {given} root s3://bucket/x/"
    result = shell.run_command(["bash", "-c", command, "bash", *PARTWAY, "upload"])
    if given == "fifo":
        writer.join()

    assert result.code == 0, result
    assert arrived(server) == {"x/a": b"a", "x/sub/b": b"sub/b"}


def test_a_job_of_a_piped_list_goes_on_with_the_list_again(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Only by its own command: the hint and `resume` say so, and `resume --all` skips the job and exits with 75."""
    server.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied()))
    again = ["bash", "-c", '"$@" --files-from <(printf "a\\nsub/b\\n") root s3://bucket/', "bash", *PARTWAY, "upload"]
    failed = shell.run_command([*again])
    assert failed.code == 1
    assert "to retry: the same command, fed with the same list\n" in failed.err and "partway resume" not in failed.err
    (job,) = [each["job"] for each in shell.run("list", "--json").events]

    named, everything = shell.run("resume", job), shell.run("resume", "--all", "--quiet")

    assert (named.code, everything.code) == (2, 75)
    for err in (named.err, everything.err):
        assert f"job {job} got its list of files from a pipe; run the same command with the same list again" in err
    assert shell.run_command([*again]).code == 0
    assert arrived(server) == {"a": b"a", "sub/b": b"sub/b"}
    assert shell.run("list").out == "no unfinished uploads\n"


def test_names_stay_below_the_folder_where_the_command_was_run(shell: Shell, server: StrictS3, folder: Path) -> None:
    """A resume in another directory, as by cron, must not read another file of the same name."""
    server.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied(), times=2))
    (shell.folder / "list").write_text("a\nsub/b\n")
    assert shell.run("upload", "--files-from", "../list", "s3://bucket/", cwd=folder).code == 1
    elsewhere = shell.folder / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    (elsewhere / "a").write_bytes(b"other")

    result = shell.run("resume", "--all", cwd=elsewhere)

    assert result.code == 0, result.err
    assert arrived(server) == {"a": b"a", "sub/b": b"sub/b"}


def test_a_list_that_is_gone_keeps_nothing_else_from_resuming(shell: Shell, server: StrictS3, folder: Path) -> None:
    """The error names the list, and the job stays open."""
    server.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied(), times=2))
    (shell.folder / "list").write_text("a\n")
    assert shell.run("upload", "--files-from", "list", "root", "s3://bucket/x/").code == 1
    assert shell.run("upload", "-r", "root/sub/deep", "s3://bucket/y/").code == 1
    (shell.folder / "list").unlink()

    result = shell.run("resume", "--all")

    assert result.code == 2
    assert result.errors == [f"error: the list {shell.folder / 'list'} cannot be read: No such file or directory"]
    assert arrived(server) == {"y/c": b"sub/deep/c"}
    assert len(shell.run("list", "--json").events) == 1
