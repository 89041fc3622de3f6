"""One slow link: is it full, and what does a kill cost on it?  Plays in a namespace that it starts for itself."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..measure import CommandFailed
from ..peers import ALL, Job, by_name, environment
from ..relay import Relay
from ..report import MIB, Table
from ..shaped_link import can_shape, in_namespace
from ..sink import running
from ..stage import Stage, say, send, source

RATE = 20_000_000  # bits a second
SIZE = 48 * MIB
KILL_AFTER = 10.0


def play(stage: Stage) -> Sequence[Table]:
    """With tc where this user may, else through a relay that sleeps."""
    if not can_shape():
        return [measure(stage, by="a relay with a token bucket", relayed=True)]
    with tempfile.TemporaryDirectory(dir=stage.folder) as folder:
        with running(in_namespace(RATE, [sys.executable, "-m", "benchmarks.inside_link", folder])) as inside:
            if code := inside.wait():
                raise CommandFailed(f"the scene inside the namespace ended with exit code {code}")
        return [Table(**json.loads(Path(folder, "table.json").read_text()))]


def measure(stage: Stage, *, by: str, relayed: bool = False) -> Table:
    """Every client once, then a kill.  relayed: the link is slowed by a relay, not by the system."""
    rows: dict[str, Sequence[float | str | None]] = {}
    with source(stage, SIZE) as path, stage.sink() as sink, Relay(sink.port, rate=RATE / 8) as relay:
        url = f"http://127.0.0.1:{relay.port}" if relayed else sink.http
        for peer in ALL:
            used = send(peer, replace(stage.job(sink, path), key=peer.name[:3], url=url))
            rows[peer.name] = (used.wall, SIZE * 8 / RATE / used.wall, used.cpu)
            say(f"{peer.name}: {used.wall:.1f} s")
        lost = _lost_by_a_kill(replace(stage.job(sink, path), url=url))
    note = f"partway killed {KILL_AFTER:.0f} s after its first part began: {lost / MIB:.1f} MiB had to be sent again."
    title = f"Link of {RATE // 1_000_000} Mbit/s ({by}): {SIZE // MIB} MiB over http"
    return Table(title=title, columns=("wall s", "share of the link", "CPU s"), rows=rows, notes=[note])


def _lost_by_a_kill(job: Job) -> float:
    """Bytes that the link carried and that no finished part has."""
    job.sink.forget()
    (partway,) = by_name("partway")
    process = subprocess.Popen(partway.command(job), env={**os.environ, **environment(job)}, stdin=subprocess.DEVNULL)
    try:
        while not (begun := job.sink.seen().first_part):
            time.sleep(0.05)
        time.sleep(max(0.0, begun + KILL_AFTER - time.monotonic()))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return max(0.0, RATE / 8 * KILL_AFTER - job.sink.seen().size)
