"""A large file to ``rclone serve s3``: killed with SIGKILL at random moments, finished, then compared byte by byte."""

import contextlib
import filecmp
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..relay import Relay
from ..report import MIB, Table
from ..sink import free_port, running
from ..stage import Stage, say, source

KILLS = 10
SEED = 1


def play(stage: Stage) -> Sequence[Table]:
    """Kill until it was killed often enough, then let it end; what went over the wire is counted by a relay."""
    root = stage.folder / "root"
    (root / "bench").mkdir(parents=True)
    with source(stage, stage.size) as path, _rclone_server(root) as port, Relay(port) as relay:
        reused, proof = _until_done(path, relay.port, stage.folder / "state")
        same = filecmp.cmp(path, root / "bench" / "object", shallow=False)
    if not same:
        raise RuntimeError("the object is not the file")
    rows: dict[str, Sequence[float | str | None]] = {
        f"run {number}": (parts,) for number, parts in enumerate(reused, start=1)
    }
    over = relay.received / stage.size
    note = f"{KILLS} kills; {over:.3f} times the file went over the wire; verified by {proof}; the object is the file."
    return [Table(title=f"Kills: {stage.size // MIB:,} MiB", columns=("parts reused",), rows=rows, notes=[note])]


def _until_done(path: Path, port: int, state: Path) -> tuple[list[int], str]:
    """Parts that each run reused, and what proved the object."""
    rng = random.Random(SEED)
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "benchbench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "PARTWAY_STATE_DIR": str(state),
    }
    command = ["partway", "upload", str(path), "s3://bench/object", "--json"]
    command += ["--endpoint-url", f"http://127.0.0.1:{port}"]
    reused: list[int] = []
    while True:
        kill_after = rng.uniform(0.05, 2.0) if len(reused) < KILLS else None
        code, events = _run(command, environment, kill_after)
        reused.append(events.get("upload_started", {}).get("resumed_parts", 0))
        say(f"run {len(reused)}: reused {reused[-1]} parts, exit code {code}")
        if code == 0:
            return reused, events["upload_done"]["proof"]
        if code != -signal.SIGKILL:
            raise RuntimeError(f"partway ended with exit code {code}")


def _run(
    command: Sequence[str], environment: Mapping[str, str], kill_after: float | None
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and last events by name; killed so many seconds after the upload started."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdout is not None
    events: dict[str, dict[str, Any]] = {}
    kill_at = None
    try:
        for line in process.stdout:
            event = json.loads(line)
            events[event["event"]] = event
            if kill_after is not None and event["event"] == "upload_started":
                kill_at = time.monotonic() + kill_after
            if kill_at is not None and time.monotonic() >= kill_at:
                process.send_signal(signal.SIGKILL)
                kill_at = None
        return process.wait(), events
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _rclone_server(root: Path) -> Iterator[int]:
    port = free_port()
    command = ["rclone", "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "bench,benchbench", str(root)]
    with running(command, stderr=subprocess.DEVNULL):
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield port
