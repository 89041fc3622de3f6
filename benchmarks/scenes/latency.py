"""Every part is answered 200 ms late: how well does a client fill the time?"""

from collections.abc import Sequence

from ..peers import ALL
from ..report import MIB, Table, comparison, figures
from ..stage import Stage, in_turn, source

DELAY = 0.2


def play(stage: Stage) -> Sequence[Table]:
    """Clients at their default concurrency; curl sends one body and has nothing to wait for."""
    size = min(stage.size, 512 * MIB)
    peers = [peer for peer in ALL if not peer.name.startswith("curl")]
    with source(stage, size) as path, stage.sink(delay=DELAY) as sink:
        runs = in_turn(stage, peers, stage.job(sink, path))
    title = f"Latency: {size // MIB} MiB over http, each part answered {DELAY * 1000:.0f} ms late"
    return [comparison(title, {name: figures(each, size) for name, each in runs.items()})]
