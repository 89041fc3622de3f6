"""partway against SeaweedFS: a third-party server that verifies checksums."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.servers.bit_flipping_proxy import flipping_line
from tests.support.servers.seaweed import seaweed_client, seaweed_variables
from tests.support.shell.command import Running, Shell
from tests.support.shell.pipe import piped, piping

MIB = 1024 * 1024
PART = 5 * MIB
PARTS = 5
CONTENT = Random(7).randbytes((PARTS - 1) * PART + 1000)
OPTIONS = ("-p", "5MiB", "-c", "2")
SLOWLY = ("--bwlimit", "16M")


@pytest.fixture(scope="module")
def weed(seaweed_url: str) -> Iterator[Any]:
    """A client that looks at what is on the server."""
    client = seaweed_client(seaweed_url)
    yield client
    client.close()


@pytest.fixture
def shell(seaweed_url: str, tmp_path: Path) -> Shell:
    """A folder with a file of PARTS parts, and variables that lead to SeaweedFS."""
    shell = Shell(tmp_path)
    shell.variables |= seaweed_variables(seaweed_url)
    (tmp_path / "big.bin").write_bytes(CONTENT)
    return shell


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A key of this test's own."""
    return str(request.node.name)


def content(weed: Any, key: str) -> bytes:
    return bytes(weed.get_object(Bucket="bucket", Key=key)["Body"].read())


def uploads(weed: Any, key: str) -> list[str]:
    """The ids of the unfinished uploads of the key."""
    found = weed.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    return [upload["UploadId"] for upload in found if upload["Key"] == key]


def kill_part_way(shell: Shell, key: str, done: int = 2) -> Running:
    """An upload of big.bin that ends by SIGKILL with ``done`` parts done, or one more."""
    with shell.started("upload", "big.bin", f"s3://bucket/{key}", *OPTIONS, *SLOWLY) as running:
        running.wait_for("part_done", done)
        assert running.stop(signal.SIGKILL).code == -signal.SIGKILL
    return running


def test_kill_9_and_the_same_command_again(shell: Shell, weed: Any, key: str) -> None:
    """Finished parts are kept although the server lists no checksums, and the whole is proven by CRC64NVME."""
    kill_part_way(shell, key)

    result = shell.run("upload", "big.bin", f"s3://bucket/{key}", *OPTIONS, "--json")

    started, done = result.event("upload_started"), result.event("upload_done")
    assert 2 <= started["resumed_parts"] < PARTS
    assert done["sent_bytes"] == len(CONTENT) - started["resumed_bytes"]
    assert (done["proof"], done["retries"]) == ("crc64nvme", 0)
    assert content(weed, key) == CONTENT
    assert uploads(weed, key) == []


def test_a_file_that_changed_while_the_upload_lay(shell: Shell, weed: Any, key: str) -> None:
    """The server lists the part that is sent again twice, old and new; the object is the file as it is now."""
    kill_part_way(shell, key)
    changed = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    (shell.folder / "big.bin").write_bytes(changed)
    with shell.started("resume", *SLOWLY) as running:
        running.wait_for("part_done", 1)
        running.stop(signal.SIGKILL)

    result = shell.run("resume", "--json")

    assert result.event("upload_done")["proof"] == "crc64nvme"
    assert content(weed, key) == changed


def test_resume_after_ctrl_c_and_show(shell: Shell, weed: Any, key: str) -> None:
    """Ctrl-C and show report finished parts, and resume needs only the ID."""
    with shell.started("upload", "big.bin", f"s3://bucket/{key}", *OPTIONS, *SLOWLY) as running:
        id = running.wait_for("upload_started")["upload"]
        running.wait_for("part_done", 2)
        stopped = running.stop(signal.SIGINT)
    shown = shell.run("show", id)

    result = shell.run("resume", id)

    assert (stopped.code, "parts are safe on S3" in stopped.err) == (130, True)
    assert key in shown.out.replace("\n", "")
    assert (result.code, "verified crc64nvme of the whole object" in result.out) == (0, True)
    assert content(weed, key) == CONTENT


def test_cancel(shell: Shell, weed: Any, key: str) -> None:
    """The server has nothing of the upload any more, and partway neither."""
    kill_part_way(shell, key)
    (before,) = shell.run("list", "--json").events
    there = uploads(weed, key)

    result = shell.run("cancel", before["upload"])

    assert (result.code, there) == (0, [before["upload_id"]])
    assert uploads(weed, key) == []
    assert shell.run("list").out == "no unfinished uploads\n"


def test_adopt_when_the_state_is_lost(shell: Shell, weed: Any, key: str) -> None:
    """The upload is found by its key, its parts are compared by their MD5, and only the others are sent."""
    kill_part_way(shell, key)
    shutil.rmtree(shell.state)

    result = shell.run("upload", "big.bin", f"s3://bucket/{key}", *OPTIONS, "--adopt", "--json")

    adopted = result.event("orphan_adopted")
    assert 2 <= adopted["parts"] < PARTS
    assert result.event("upload_done")["sent_bytes"] == len(CONTENT) - adopted["bytes"]
    assert content(weed, key) == CONTENT
    assert uploads(weed, key) == []


def test_a_folder_that_is_killed_goes_on(shell: Shell, weed: Any, key: str) -> None:
    """Small files and one of several parts; what was done is not sent again."""
    files = {f"{number:02}.txt": b"%d" % number for number in range(20)}
    files |= {"z/1.bin": CONTENT, "z/2.bin": CONTENT[::-1]}
    for name, body in files.items():
        (shell.folder / key / name).parent.mkdir(parents=True, exist_ok=True)
        (shell.folder / key / name).write_bytes(body)
    command = ("upload", "-r", key, f"s3://bucket/{key}/", *OPTIONS)
    with shell.started(*command, *SLOWLY) as running:
        running.wait_for("file_done")
        running.wait_for("part_done")
        running.stop(signal.SIGKILL)

    result = shell.run(*command, "--json")

    done = result.event("job_done")
    assert (result.code, done["failed"], done["done"] + done["resumed"]) == (0, 0, len(files))
    assert done["resumed"] >= 1
    assert sum(event.get("resumed_parts", 0) for event in result.events) >= 1
    assert {name: content(weed, f"{key}/{name}") for name in files} == files


def test_a_stream_that_is_killed_goes_on(shell: Shell, weed: Any, key: str) -> None:
    """The producer runs again: parts that are there are passed over, by their ETags."""
    with piping(shell, lambda pipe: pipe.write(CONTENT), f"s3://bucket/{key}", *OPTIONS, *SLOWLY) as running:
        running.wait_for("part_done", 2)
        running.stop(signal.SIGKILL)

    result = piped(shell, CONTENT, f"s3://bucket/{key}", *OPTIONS, "--json")

    done = result.event("upload_done")
    assert 2 * PART <= done["resumed_bytes"] < len(CONTENT)
    assert (done["bytes"], done["proof"]) == (len(CONTENT), "crc64nvme")
    assert content(weed, key) == CONTENT


def test_verify(shell: Shell, weed: Any, key: str) -> None:
    """Equal, different by one bit, missing."""
    weed.put_object(Bucket="bucket", Key=f"{key}/small", Body=b"other")
    (shell.folder / "small").write_bytes(b"othes")
    shell.run("upload", "big.bin", f"s3://bucket/{key}/", *OPTIONS)

    results = shell.run_all(
        {name: ("verify", name, f"s3://bucket/{key}/", "--json") for name in ("big.bin", "small", "none")}
        | {"missing": ("verify", "small", f"s3://bucket/{key}/none", "--json")}
    )

    assert {name: [event["verdict"] for event in result.events] for name, result in results.items()} == {
        "big.bin": ["equal"],
        "small": ["different"],
        "none": ["failed"],
        "missing": ["missing"],
    }
    assert {name: result.code for name, result in results.items()} == {
        "big.bin": 0,
        "small": 1,
        "none": 1,
        "missing": 1,
    }


def test_a_bit_that_flips_on_the_way_is_refused_and_sent_again(
    shell: Shell, weed: Any, key: str, seaweed_url: str
) -> None:
    """The server compares the part with its checksum; the next try is good, and so is the object."""
    with flipping_line(seaweed_url, number=2) as line:
        result = shell.run("upload", "big.bin", f"s3://bucket/{key}", *OPTIONS, "--json", "--endpoint-url", line.url)

    assert line.flipped == 1
    assert "BadDigest" in result.event("part_retried")["reason"]
    assert content(weed, key) == CONTENT


def test_a_line_that_flips_for_ever_makes_no_object(shell: Shell, weed: Any, key: str, seaweed_url: str) -> None:
    """The command fails with an error and nothing is completed; once the line is good, the upload resumes."""
    with flipping_line(seaweed_url, number=2, times=1000) as line:
        failed = shell.run("upload", "big.bin", f"s3://bucket/{key}", *OPTIONS, "--endpoint-url", line.url)
        there = weed.list_objects_v2(Bucket="bucket", Prefix=key)["KeyCount"]
        line.heal()
        resumed = shell.run("resume", "--json")

    assert (failed.code, there) == (75, 0)
    assert "BadDigest" in failed.errors[0]
    assert resumed.event("upload_done")["resumed_bytes"] >= PART
    assert content(weed, key) == CONTENT


def test_skip_existing(shell: Shell, weed: Any, key: str) -> None:
    """Files with equal size and checksum on the server are skipped; a file with one changed bit is sent."""
    folder = shell.folder / key
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_bytes(name.encode())
    (folder / "big.bin").write_bytes(CONTENT)
    command = ("upload", "-r", key, f"s3://bucket/{key}/", *OPTIONS, "--skip-existing", "--json")
    first = shell.run(*command).event("job_done")
    (folder / "two").write_bytes(b"twp")

    second = shell.run(*command).event("job_done")

    assert (first["done"], first["skipped"], first["failed"]) == (3, 0, 0)
    assert (second["done"], second["skipped"], second["failed"]) == (1, 2, 0)
    assert content(weed, f"{key}/two") == b"twp"


def test_no_overwrite(shell: Shell, weed: Any, key: str) -> None:
    """The server's own precondition decides, for one request and for parts."""
    (shell.folder / "small").write_bytes(b"new")
    for name in ("big.bin", "small"):
        weed.put_object(Bucket="bucket", Key=f"{key}/{name}", Body=b"old")

    results = [
        shell.run("upload", name, f"s3://bucket/{key}/", *OPTIONS, "--no-overwrite", "--json")
        for name in ("big.bin", "small")
    ]

    assert [result.events[-1]["event"] for result in results] == ["upload_skipped"] * 2
    assert [content(weed, f"{key}/{name}") for name in ("big.bin", "small")] == [b"old"] * 2
    assert uploads(weed, f"{key}/big.bin") == []
