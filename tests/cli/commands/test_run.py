"""``partway run``: many upload commands in one process."""

import json
import shlex
from pathlib import Path

import pytest

from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Shell
from tests.support.shell.interrupted import hanging

LINES = """
# what goes where
upload small s3://bucket/small --storage-class STANDARD_IA
partway upload 'a file' s3://bucket/below/   # the name is kept

cp small s3://bucket/other --metadata color=red
upload -r many s3://bucket/many/ --exclude '*.tmp'
upload small s3://bucket/last
"""


@pytest.fixture
def files(shell: Shell) -> Path:
    """What LINES names."""
    (shell.folder / "many").mkdir()
    for name in ("small", "a file", "many/a", "many/b.tmp"):
        (shell.folder / name).write_bytes(name.encode())
    (shell.folder / "list").write_text(LINES)
    return shell.folder


def written(server: StrictS3) -> list[str]:
    """The keys of all writes, in any order."""
    return sorted(
        call.key for call in server.journal.calls if call.operation in ("PutObject", "CompleteMultipartUpload")
    )


def test_every_line_is_run(server: StrictS3, shell: Shell, files: Path) -> None:
    """With its own options; a result for each, and their number."""
    result = shell.run("run", "list", "--no-progress")

    assert (result.code, result.err) == (0, "")
    assert written(server) == ["below/a file", "last", "many/a", "other", "small"]
    headers = {call.key: call.headers for call in server.journal.calls if call.operation == "PutObject"}
    assert headers["small"]["x-amz-storage-class"] == "STANDARD_IA"
    assert headers["other"]["x-amz-meta-color"] == "red"
    assert "line 4: uploaded s3://bucket/below/a file (6 B)" in result.out.splitlines()
    assert result.out.splitlines()[-1] == "5 lines done"


def test_a_pipe(server: StrictS3, shell: Shell, files: Path) -> None:
    """As a file; single files go side by side, and events carry their line."""
    result = shell.run_command(["bash", "-c", f"{shlex.join(PARTWAY)} run - --json < list"])

    assert result.code == 0, result.err
    done = {event["line"]: event["target"] for event in result.events if event["event"] == "upload_done"}
    assert done == {
        3: "s3://bucket/small",
        4: "s3://bucket/below/a file",
        6: "s3://bucket/other",
        8: "s3://bucket/last",
    }


def test_a_failing_line_is_named_and_stops_no_other(server: StrictS3, shell: Shell, files: Path) -> None:
    """The exit code is the worst; the next run sends only what is left."""
    (files / "small").rename(files / "gone")
    server.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied(), times=1))
    failed = shell.run("run", "list", "-c", "1", "--no-progress")
    (files / "gone").rename(files / "small")
    before = len(written(server))
    again = shell.run("run", "list", "--no-progress")
    third = shell.run("run", "list", "--quiet")

    assert failed.code == 1
    errors = [line for line in failed.err.splitlines() if line.startswith("error: line ")]
    assert [error.split(":")[1] for error in errors] == [" line 3", " line 4", " line 6", " line 8"]
    assert failed.err.splitlines()[-2:] == [
        "1 line done, 4 not done",
        f"  to resume: partway --state-dir {files}/state run {files}/list -c 1 --no-progress",
    ]
    assert (again.code, again.out.splitlines()[-1]) == (0, "4 lines done, 1 done before")
    assert (third.code, third.out, third.err) == (0, "", "")
    assert len(written(server)) - before == 4 + 5


def test_a_run_that_is_killed_is_resumed(server: StrictS3, shell: Shell) -> None:
    """Parts that are on S3 stay, and lines that are done are not sent again."""
    (shell.folder / "small").write_bytes(b"x")
    (shell.folder / "list").write_text("upload small s3://bucket/a\nupload source.bin s3://bucket/key -p 5MiB\n")
    with hanging(shell, server, "run", "list", "-c", "2") as running:
        running.stop()
    resumed = shell.run("run", "list", "--no-progress")

    assert resumed.code == 0, resumed.err
    assert resumed.out.splitlines()[-1] == "1 line done, 1 done before"
    assert written(server) == ["a", "key"]
    assert server.counts["CreateMultipartUpload"] == 1


def test_a_file_that_changed_is_sent_again(server: StrictS3, shell: Shell) -> None:
    """Done is what the file was then."""
    (shell.folder / "small").write_bytes(b"x")
    (shell.folder / "list").write_text("upload small s3://bucket/a\nupload none s3://bucket/b\n")
    first = shell.run("run", "list")
    (shell.folder / "small").write_bytes(b"other")
    second = shell.run("run", "list")

    assert (first.code, second.code) == (2, 2)
    assert written(server) == ["a", "a"]


BAD = {
    "upload a": "line 2: s3://BUCKET/KEY is missing",
    "verify a s3://bucket/a": "verify cannot be run here; only upload can",
    "upload a s3://bucket/a -c 3": "-c is for all lines together; give it to partway run",
    "upload a s3://bucket/a --json": "--json is for all lines together",
    "upload 'a s3://bucket/a": "line 2: No closing quotation",
    "upload - s3://bucket/a": "standard input cannot be uploaded or read here",
    "upload a s3://bucket/a --storage-class COLD": "'COLD' is not one of",
    "upload a s3://bucket/a --help": "--help shows nothing here",
    "upload b s3://bucket/first": "line 2: it writes to the destination of line 1",
}


def test_bad_lines(server: StrictS3, shell: Shell) -> None:
    """All of them are named by their number, and nothing is run."""
    for index, line in enumerate(BAD):
        (shell.folder / f"list{index}").write_text(f"upload source.bin s3://bucket/first\n{line}\nother x\n")
    commands: dict[str, tuple[str | bytes, ...]] = {line: ("run", f"list{index}") for index, line in enumerate(BAD)}
    results = shell.run_all(commands)
    missing = shell.run("run", "none")

    assert (missing.code, "the list none cannot be read: No such file" in missing.err) == (2, True)
    for line, words in BAD.items():
        result = results[line]
        assert (result.code, words in result.err, "line 3: other cannot be run here" in result.err) == (
            2,
            True,
            True,
        ), f"{line}: {result.err}"
    assert not server.journal.calls


def test_max_duration_and_pace_hold_for_all_lines(server: StrictS3, shell: Shell) -> None:
    """The time is that of the command, which can be run again."""
    (shell.folder / "list").write_text("upload source.bin s3://bucket/a\nupload source.bin s3://bucket/b\n")
    late = shell.run("run", "list", "--bwlimit", "300K", "--max-duration", "3s", "--json")

    assert late.code == 75, late.err
    assert "2 not done" in late.err
    assert {json.loads(line)["line"] for line in late.out.splitlines()} <= {1, 2}
