"""The server answers 503 SlowDown above a rate: is the allowed rate used, and does the upload live?"""

from collections.abc import Sequence
from dataclasses import replace

from ..measure import CommandFailed
from ..peers import ALL
from ..report import MIB, Table
from ..stage import Stage, say, send, source

RATE = 50 * MIB
SIZE = 600 * MIB


def play(stage: Stage) -> Sequence[Table]:
    """Each client once, with its own way of backing off."""
    rows: dict[str, Sequence[float | str | None]] = {}
    with source(stage, SIZE) as path:
        for peer in ALL:
            if peer.name.startswith("curl"):
                continue
            with stage.sink(allow_rate=RATE) as sink:
                job = replace(stage.job(sink, path), key=peer.name[:3])
                try:
                    used = send(peer, job)
                except CommandFailed as error:
                    say(str(error)[-300:])
                    rows[peer.name] = (None, None, sink.seen().refused, "failed")
                    continue
                rows[peer.name] = (used.wall, SIZE / used.wall / RATE, sink.seen().refused, "done")
            say(f"{peer.name}: {used.wall:.1f} s")
    title = f"Throttle: {SIZE // MIB} MiB, SlowDown above {RATE // MIB} MiB/s"
    return [Table(title=title, columns=("wall s", "share of the allowed rate", "parts refused", "end"), rows=rows)]
