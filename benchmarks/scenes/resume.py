"""10,000 parts, killed at 90 %: how soon is the first missing part on its way, and how long does the rest take?"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence

from ..measure import run
from ..peers import Job, by_name, environment
from ..report import MIB, Table
from ..stage import Stage, say, source, store_size

COUNT = 10_000
PART_MIB = 5
SHARE = 0.9


def play(stage: Stage) -> Sequence[Table]:
    """Send 90 %, kill -9, and measure the same command again."""
    (partway,) = by_name("partway")
    with source(stage, COUNT * PART_MIB * MIB, sparse=True) as path, stage.sink() as sink:
        job = stage.job(sink, path, part_mib=PART_MIB)
        command = partway.command(job)
        rate = _send_until_killed(job, command)
        done, store = sink.seen().parts, store_size(job)
        sink.forget()
        used = run(command, environment(job))
        seen = sink.seen()
    say(f"first part after {seen.first_part - used.started:.2f} s")
    missing_takes = seen.parts / rate
    rows = {
        "command to first part on the wire": (seen.first_part - used.started,),
        "first to last part": (seen.last_part - seen.first_part,),
        "last part to the end (complete, prove)": (used.ended - seen.last_part,),
        "whole resume": (used.wall,),
        f"{seen.parts:,} parts at the rate before the kill": (missing_takes,),
        "whole resume beyond that": (used.wall - missing_takes,),
    }
    note = (
        f"Killed after {done:,} of {COUNT:,} parts, with {store / MIB:.2f} MiB in the store; the resume sent "
        f"{seen.parts:,}, CPU {used.cpu:.2f} s, peak {used.peak / MIB:.1f} MiB."
    )
    return [Table(title=f"Resume at {SHARE:.0%} of {COUNT:,} parts", columns=("seconds",), rows=rows, notes=[note])]


def _send_until_killed(job: Job, command: list[str]) -> float:
    """Kill partway once the share has arrived; returns parts a second until then."""
    process = subprocess.Popen(command, env={**os.environ, **environment(job)}, stdin=subprocess.DEVNULL)
    try:
        while job.sink.seen().parts < COUNT * SHARE:
            if process.poll() is not None:
                raise RuntimeError(f"partway ended too soon, exit code {process.returncode}")
            time.sleep(0.05)
        seen = job.sink.seen()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return seen.parts / (time.monotonic() - seen.first_part)
