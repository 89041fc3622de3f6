"""Upload a large file to ``rclone serve s3``, kill the upload with SIGKILL at random moments, finish it, compare.

``python benchmarks/kills.py [--size 2GiB] [--kills 10] [--part-size 16MiB] [--seed 1]``

Prints what each run reused, the bytes that went over the wire in all (counted by a relay in front of the server),
their ratio to the file's size, and whether the object is the file.
"""

import argparse
import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from relay import Relay

from partway.cli.units import format_size, parse_size

MIB = 1024 * 1024


def make_file(path: Path, size: int) -> None:
    """Random bytes."""
    with path.open("wb") as out:
        while size:
            size -= out.write(os.urandom(min(size, MIB)))


def run(command: list[str], environment: dict[str, str], kill_after: float | None) -> tuple[int, dict[str, dict]]:
    """Run partway; kill it so many seconds after the first part progressed.  Exit code and last events by name."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    events: dict[str, dict] = {}
    kill_at = None
    for line in process.stdout:
        event = json.loads(line)
        events[event["event"]] = event
        if kill_after is not None and event["event"] == "upload_started":
            kill_at = time.monotonic() + kill_after
        if kill_at is not None and time.monotonic() >= kill_at:
            process.send_signal(signal.SIGKILL)
            kill_at = None
    process.stdout.close()
    return process.wait(), events


def main() -> None:
    """Tell the story, then the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=parse_size, default=parse_size("2GiB"))
    parser.add_argument("--part-size", default="16MiB")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    wish = parser.parse_args()
    rng = random.Random(wish.seed)
    rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "root" / "bucket").mkdir(parents=True)
        make_file(folder / "file.bin", wish.size)
        with Relay() as relay:
            server = subprocess.Popen(
                [
                    rclone,
                    "serve",
                    "s3",
                    "--addr",
                    f"127.0.0.1:{relay.inner_port}",
                    "--auth-key",
                    "test,testtest",
                    str(folder / "root"),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                play(wish, rng, folder, relay)
            finally:
                server.kill()
                server.wait()


def play(wish: argparse.Namespace, rng: random.Random, folder: Path, relay: Relay) -> None:
    """Kill and resume, then compare."""
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "PARTWAY_STATE_DIR": str(folder / "state"),
    }
    command = [sys.executable, "-m", "partway.cli.main", "upload", str(folder / "file.bin"), "s3://bucket/file.bin"]
    command += ["--endpoint-url", f"http://127.0.0.1:{relay.port}", "-p", wish.part_size, "--json"]
    relay.wait_for_server()
    kills = 0
    while True:
        kill_after = rng.uniform(0.05, 2.0) if kills < wish.kills else None
        code, events = run(command, environment, kill_after)
        started = events.get("upload_started", {})
        print(
            f"run {kills + 1}: reused {started.get('resumed_parts', 0)} of {started.get('part_count', 0)} parts, "
            + ("killed" if code == -signal.SIGKILL else f"exit {code}"),
            flush=True,
        )
        if code != -signal.SIGKILL:
            break
        kills += 1
    same = filecmp.cmp(folder / "file.bin", folder / "root" / "bucket" / "file.bin", shallow=False)
    print(
        f"kills {kills}, proof {events['upload_done']['proof']}, the object {'equals' if same else 'DIFFERS FROM'} it"
    )
    print(
        f"file {format_size(wish.size)}, over the wire {format_size(relay.received)}, "
        f"ratio {relay.received / wish.size:.3f}"
    )


if __name__ == "__main__":
    main()
