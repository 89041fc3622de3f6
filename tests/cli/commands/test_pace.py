"""``partway pace`` and ``--max-duration``: change the speed of a running upload, or end it."""

import json
import time

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Running, Shell
from tests.support.shell.interrupted import SIZE, UPLOAD, hanging, part_numbers

SLOW = ("--bwlimit", "300K")  # more than a minute for the whole file


def id_of(running: Running) -> str:
    """The ID of the upload or job that a process reports as running."""
    started = json.loads(running.lines[0])
    return str(started.get("upload") or started["job"])


@pytest.mark.parametrize("what", ["upload", "job"])
def test_a_slow_run_becomes_fast(server: StrictS3, shell: Shell, what: str) -> None:
    """Within seconds, from another process; the request leaves nothing behind."""
    command = UPLOAD if what == "upload" else ("upload", "-r", "many", "s3://bucket/", "-p", "5MiB")
    if what == "job":
        (shell.folder / "many").mkdir()
        (shell.folder / "source.bin").rename(shell.folder / "many" / "source.bin")
    with shell.started(*command, *SLOW) as running:
        running.wait_for("part_progress")
        id = id_of(running)
        told = shell.run("pace", id[:6], "--bwlimit", "off", "-c", "3")
        result = running.result()

    assert (told.code, told.out) == (0, f"{what} {id}: --bwlimit 'off' -c 3\n")
    assert (result.code, result.event(f"{what}_done")["event"]) == (0, f"{what}_done")
    assert not list(shell.folder.rglob("*.pace"))


def test_an_upload_of_a_job_is_paced_with_its_job(server: StrictS3, shell: Shell) -> None:
    """They share connections and bandwidth; later options add to earlier ones, and all can be taken back."""
    (shell.folder / "many").mkdir()
    (shell.folder / "source.bin").rename(shell.folder / "many" / "source.bin")
    with shell.started("upload", "-r", "many", "s3://bucket/", "-p", "5MiB", *SLOW) as running:
        upload = running.wait_for("upload_started")["upload"]
        job = id_of(running)
        told = [
            shell.run("pace", upload, *typed).out
            for typed in (("-c", "1"), ("--bwlimit", "08:00,4M 20:00,off"), ("--reset",))
        ]
        running.stop()

    assert told == [
        f"job {job}: -c 1\n",
        f"job {job}: --bwlimit '08:00,4M 20:00,off' -c 1\n",
        f"job {job} returns to the pace that it began with\n",
    ]


def test_an_upload_that_shares_its_connections_has_no_pace(server: StrictS3, shell: Shell) -> None:
    """Of several lines of ``partway run``: the command says so, instead of changing nothing."""
    lines = "".join(f"upload source.bin s3://bucket/{name} -p 5MiB\n" for name in ("one", "two"))
    (shell.folder / "lines").write_text(lines)
    with shell.started("run", "lines", *SLOW) as running:
        id = str(running.wait_for("upload_started")["upload"])
        told = shell.run("pace", id, "--bwlimit", "off")
        running.stop()

    assert told.code == 2
    assert "shares its connections with other uploads of its process" in told.err


def test_what_does_not_run_has_no_pace(server: StrictS3, shell: Shell) -> None:
    """And invalid values are refused, with an error each."""
    with hanging(shell, server, *UPLOAD) as running:
        id = id_of(running)
        running.stop()
    results = shell.run_all(
        {
            f"{id} is not running; set its pace when you resume it": ("pace", id, "-c", "1"),
            "give --bwlimit, -c or both": ("pace", id),
            "or --reset alone": ("pace", id, "--reset", "-c", "1"),
            "'0' is not a number from 1 to 256, nor auto": ("pace", id, "-c", "0"),
            "'fast' is not a valid rate": ("pace", id, "--bwlimit", "fast"),
            "there is no upload or job 'ffffffff'": ("pace", "ffffffff", "-c", "1"),
        }
    )

    assert {words: (each.code, words in each.err) for words, each in results.items()} == dict.fromkeys(
        results, (2, True)
    )


@pytest.mark.parametrize("command", [UPLOAD, ("resume", "--all")])
def test_max_duration(server: StrictS3, shell: Shell, command: tuple[str, ...]) -> None:
    """It exits cleanly with 75 and reports finished parts; the same command resumes."""
    if command != UPLOAD:
        with hanging(shell, server, *UPLOAD) as running:
            running.stop()
    began = time.monotonic()
    with hanging(shell, server, *command, "--max-duration", "6s", done=2 if command == UPLOAD else 0) as running:
        stopped = running.result()
    took = time.monotonic() - began
    resumed = shell.run(*command)

    assert (stopped.code, resumed.code) == (75, 0)
    assert took < 40
    assert "stopped: the time of --max-duration is over" in stopped.err.splitlines()
    assert "  2 parts are safe on S3 (10.0 MiB of 20.0 MiB)" in stopped.err.splitlines()
    assert part_numbers(server) == [1, 2, 3, 4, 5]


def test_max_duration_that_is_not_needed(server: StrictS3, shell: Shell) -> None:
    """An upload that finishes in time is done, and no further one starts after the deadline."""
    done = shell.run(*UPLOAD, "--max-duration", "10min")
    late = shell.run("upload", "source.bin", "s3://bucket/other", "--max-duration", "0")

    assert (done.code, late.code) == (0, 75)
    assert server.model.objects["bucket", "key"].size == SIZE
