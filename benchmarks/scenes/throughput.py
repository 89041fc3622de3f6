"""One large file from memory to a sink that throws it away: what does a client need for a GiB?"""

from collections.abc import Sequence

from ..peers import ALL
from ..report import MIB, Table, comparison, figures
from ..stage import Stage, in_turn, source


def https(stage: Stage) -> Sequence[Table]:
    """Over TLS."""
    return [_throughput(stage, tls=True)]


def http(stage: Stage) -> Sequence[Table]:
    """Without TLS."""
    return [_throughput(stage, tls=False)]


def _throughput(stage: Stage, *, tls: bool) -> Table:
    with source(stage, stage.size) as path, stage.sink(tls=tls) as sink:
        runs = in_turn(stage, ALL, stage.job(sink, path, tls=tls))
    return comparison(
        f"Throughput, {'https' if tls else 'http'}: {stage.size // MIB:,} MiB, 16 MiB parts, {stage.rounds} rounds",
        {name: figures(each, stage.size) for name, each in runs.items()},
        notes=[
            "CPU is the client's whole process tree, user and system.  The sink shares the machine's cores, so wall "
            "time is a comparison within this run only.  partway proves CRC64NVME end to end in every run."
        ],
    )
