"""``partway watch``: uploads of other processes and how they end, for people and for programs."""

import json
import os
import signal
import sys
import threading
from typing import Any

import pytest

from tests.support.s3_faults.faults import CallFunction, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, TIMEOUT, Running, Shell
from tests.support.shell.interrupted import MIB, SIZE, UPLOAD, hanging, interrupt

TERMINAL = (sys.executable, "-c", "import pty,sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)", *PARTWAY, "watch")
SNAPSHOT = {"time", "uploads", "jobs"}
LIVE = {
    "pid",
    "host",
    "phase",
    "began_at",
    "told_at",
    "quiet_seconds",
    "rate",
    "resumed_bytes",
    "resumed_parts",
    "sent_bytes",
    "in_flight",
    "retries",
    "reason",
    "network_away_seconds",
}


def id_of(running: Running) -> str:
    """The ID of the upload or job that a process reports as running."""
    started = json.loads(running.lines[0])
    return str(started.get("upload") or started["job"])


def settled(shell: Shell, running: Running) -> str:
    """Wait until all events before the pause are published; returns the ID."""
    with shell.started("watch", id_of(running), "--interval", "0.1", as_json=False) as watcher:
        watcher.read_until("2/5 parts, 2 parts in flight")
    return id_of(running)


def snapshot(shell: Shell, *arguments: str) -> dict[str, Any]:
    """The output of ``watch --json --once``."""
    (found,) = shell.run("watch", *arguments, "--json", "--once").events
    return found


def test_an_upload_of_another_process(server: StrictS3, shell: Shell) -> None:
    """One line without a terminal: its progress and its process."""
    with hanging(shell, server, *UPLOAD) as running:
        pid, id = running.process.pid, settled(shell, running)
        every, one = shell.run("watch", "--once"), shell.run("watch", id[:5], "--once")

    assert (every.code, every.err) == (0, "")
    assert every.out.startswith(f"{id} source.bin: ")
    assert " of 20.0 MiB, " in every.out and "2/5 parts" in every.out and f"process {pid} on " in every.out
    assert (one.code, one.out.split(":")[0]) == (0, every.out.split(":")[0])


def test_json(server: StrictS3, shell: Shell) -> None:
    """One object, with the fields of ``show --json`` and those of the run."""
    with hanging(shell, server, *UPLOAD) as running:
        id = settled(shell, running)
        found, shown = snapshot(shell), shell.run("show", id, "--json").events[0]
    (upload,) = found["uploads"]

    assert (set(found), found["jobs"]) == (SNAPSHOT, [])
    assert set(upload) == set(shown) - {"parts"}
    assert (upload["running"], upload["ended"], upload["error"]) == (True, None, None)
    assert set(upload["live"]) == LIVE
    assert (upload["live"]["pid"], upload["live"]["phase"]) == (running.process.pid, "sending")
    assert 10 * MIB <= upload["live"]["sent_bytes"] <= SIZE
    assert [part["number"] for part in upload["live"]["in_flight"]] == [3, 4]


def test_a_kill_is_told(server: StrictS3, shell: Shell) -> None:
    """The watcher reports that the process died, the finished parts, and how to resume."""
    with hanging(shell, server, *UPLOAD) as running:
        with shell.started("watch", "--interval", "0.1", as_json=False) as watcher:
            watcher.read_until("2/5 parts")
            running.stop(signal.SIGKILL)
            result = watcher.result()
        one = shell.run("watch", id_of(running))
    lines = result.out.splitlines()

    assert (result.code, result.err) == (0, "")
    at = lines.index("killed: s3://bucket/key")
    assert " ".join(" ".join(lines[at + 1 : -2]).split()).startswith(
        f"process {running.process.pid} on {os.uname().nodename} exited unexpectedly (killed or crashed)"
    )
    assert lines[-2] == "  2 of 5 parts are safe on S3 (10.0 MiB)"
    assert lines[-1].endswith(f" resume {id_of(running)}")
    assert (one.code, one.out.splitlines()) == (75, lines[at:])


def test_the_end_is_told_with_the_proof(server: StrictS3, shell: Shell) -> None:
    """watch ends with the upload, with 0 if it is done."""
    seen = threading.Event()
    wait = CallFunction(function=lambda: seen.wait(TIMEOUT))
    server.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.BEFORE_READ, action=wait))
    with shell.started(*UPLOAD) as running:
        running.wait_for("upload_completing")
        with shell.started("watch", id_of(running), "--interval", "0.1", as_json=False) as watcher:
            watcher.read_until("completing the upload")
            seen.set()
            result = watcher.result()
        done = running.result()

    assert (done.code, result.code, result.err) == (0, 0, "")
    assert result.out.splitlines()[-1] == "done: s3://bucket/key (20.0 MiB), verified crc64nvme"


def test_an_upload_that_is_stopped(server: StrictS3, shell: Shell) -> None:
    """The last JSON object says how it ended, and the exit code that it is unfinished."""
    with (
        hanging(shell, server, *UPLOAD) as running,
        shell.started("watch", id_of(running), "--interval", "0.1") as watcher,
    ):
        watcher.read_until('"running": true')
        running.stop(signal.SIGINT)
        result = watcher.result()
    (upload,) = result.events[-1]["uploads"]

    assert result.code == 75
    assert (upload["running"], upload["ended"], upload["error"]) == (False, "interrupted", "interrupted")
    assert upload["live"] is None
    assert "interrupted" in shell.run("show", id_of(running)).out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_to_stop_watching_leaves_uploads_alone(server: StrictS3, shell: Shell, number: int) -> None:
    """Ctrl-C stops watching, with exit code 130 and no message."""
    with hanging(shell, server, *UPLOAD):
        with shell.started("watch", "--interval", "60", as_json=False) as watcher:
            watcher.read_until(" parts")
            result = watcher.stop(number)
        still = snapshot(shell)["uploads"][0]["running"]

    assert (result.code, result.err) == (130, "")
    assert still


def test_nothing_is_running(server: StrictS3, shell: Shell) -> None:
    """Reported at once, with the unfinished uploads."""
    fresh = shell.run("watch")
    killed = interrupt(shell, server, *UPLOAD)
    result = shell.run("watch")
    id = killed.events[0]["upload"]

    assert (fresh.code, fresh.out) == (0, "nothing is running\n")
    assert (result.code, result.out.splitlines()[:2]) == (0, ["nothing is running", "unfinished:"])
    assert f"\n{id}  open " in result.out
    assert snapshot(shell)["uploads"] == []


def test_silence_is_told(server: StrictS3, shell: Shell) -> None:
    """During a stall no events arrive: the age of the last one is shown instead of a rate."""
    with hanging(shell, server, *UPLOAD), shell.started("watch", "--interval", "0.2", as_json=False) as watcher:
        line = watcher.read_until("no progress for ")
        listed = shell.run("list").out

    assert "/s" not in line
    assert " stalled " in listed.splitlines()[1]


def test_a_job(server: StrictS3, shell: Shell) -> None:
    """Its counts and its files, and the upload of a large one among them."""
    folder = shell.folder / "many"
    folder.mkdir()
    for number in range(3):
        (folder / f"small-{number}").write_bytes(b"small")
    (shell.folder / "source.bin").rename(folder / "large")
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(), times=None))
    with shell.started("upload", "-r", "many", "s3://bucket/p/", "-p", "5MiB") as running:
        running.wait_for("file_done")
        with shell.started("watch", "--interval", "0.1") as watcher:
            watcher.read_until("small-2")
        found, lines = snapshot(shell), shell.run("watch", "--once").out
        listed, shown = shell.run("list").out, shell.run("show", id_of(running)).out
        running.stop(signal.SIGKILL)
    server.faults.clear()
    (job,) = found["jobs"]
    ended = shell.run("watch", job["job"])

    assert (job["done_files"], job["running"]) == (1, True)
    assert {each["source"] for each in job["live"]["in_flight"]} == {str(folder / f"small-{n}") for n in range(3)}
    assert lines.startswith(f"{job['job']} s3://bucket/p/: 99 %, 1 of 4 files, ")
    assert listed.splitlines()[0].split() == [
        "JOB",
        "STATUS",
        "FILES",
        "FAILED",
        "BYTES",
        "LAST",
        "SEEN",
        "DESTINATION",
    ]
    assert listed.splitlines()[1].split()[:3] == [job["job"], "RUNNING", "1"]
    assert "open, running now" in shown and f"process {running.process.pid}" in shown
    assert (ended.code, ended.out.splitlines()[0]) == (75, "killed: s3://bucket/p/")


def test_list_marks_what_runs(server: StrictS3, shell: Shell) -> None:
    """But not once its process is dead; show then says how the run ended."""
    with hanging(shell, server, *UPLOAD) as running:
        during = shell.run("list").out
        facts = shell.run("list", "--json").events[0]
        running.stop(signal.SIGKILL)
    after, shown = shell.run("list").out, shell.run("show", id_of(running)).out

    assert during.splitlines()[1].split()[:2] == [id_of(running), "RUNNING"]
    assert facts["running"] and set(facts["live"]) == LIVE
    assert after.splitlines()[1].split()[:2] == [id_of(running), "open"]
    assert f"killed just now: process {running.process.pid} on " in shown


@pytest.mark.parametrize(("encoding", "glyphs"), [("utf-8", "█▄"), ("ascii", "#>")])
def test_bars_and_map_on_a_terminal(server: StrictS3, shell: Shell, encoding: str, glyphs: str) -> None:
    """Two done, two in flight, one to come; no line is wider than 80 columns, and the cursor is left alone."""
    with hanging(shell, server, *UPLOAD) as running:
        result = shell.run_command(
            [*TERMINAL, settled(shell, running), "--once"],
            variables={"TERM": "xterm", "COLUMNS": "80", "PYTHONIOENCODING": encoding, "NO_COLOR": "1"},
        )
    plain = "".join(part.partition("m")[2] if index else part for index, part in enumerate(result.out.split("\x1b[")))
    lines = plain.splitlines()

    assert result.code == 0
    assert lines[0].startswith("source.bin ")
    assert any(line.startswith(f"  {glyphs[0] * 2}{glyphs[1] * 2}") for line in lines), lines
    assert max(map(len, lines)) <= 80
    assert encoding != "ascii" or result.out.isascii()


def test_bars_go_when_the_upload_ends(server: StrictS3, shell: Shell) -> None:
    """The cursor is restored, and the line about the end stays."""
    with hanging(shell, server, *UPLOAD) as running:
        settled(shell, running)
        shell.variables |= {"TERM": "xterm", "COLUMNS": "80"}
        with shell.started_command([*TERMINAL, "--interval", "0.2"]) as watcher:
            watcher.read_until("━")
            running.stop(signal.SIGKILL)
            result = watcher.result()

    assert result.code == 0
    assert result.out.rindex("\x1b[?25h") > result.out.rindex("\x1b[?25l")
    assert result.out.rindex("━") < result.out.rindex("killed: s3://bucket/key")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("zzz",), "there is no upload or job 'zzz'"),
        (("--interval", "0"), "--interval"),
        (("--interval", "soon"), "--interval"),
        (("a", "b"), "unexpected extra argument"),
    ],
)
def test_bad_input(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    """A usage error, in a sentence."""
    result = shell.run("watch", *arguments)

    assert (result.code, result.out) == (2, "")
    assert words in result.err
