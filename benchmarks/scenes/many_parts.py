"""1,000 and 10,000 parts: what does a part cost beyond its bytes, and does that grow with their number?"""

from collections.abc import Sequence
from pathlib import Path

from ..peers import by_name
from ..report import MIB, Table
from ..stage import Stage, say, send, source, store_size

PART_MIB = 5
LARGE_MIB = 512


def play(stage: Stage) -> Sequence[Table]:
    """The same bytes in small and in large parts: the difference is what the parts cost."""
    (partway,) = by_name("partway")
    rows: dict[str, Sequence[float | str | None]] = {}
    for count in (1_000, 10_000):
        size = count * PART_MIB * MIB
        large_count = -(-size // (LARGE_MIB * MIB))
        with source(stage, size, sparse=True) as path, stage.sink() as sink:
            _read_once(path)
            job = stage.job(sink, path, part_mib=PART_MIB)
            small = send(partway, job)
            store = store_size(job)
            large = send(partway, stage.job(sink, path, part_mib=LARGE_MIB))
        a_part = (small.cpu - large.cpu) / (count - large_count) * 1000
        rows[f"{count:,} parts of {PART_MIB} MiB"] = (a_part, small.cpu, small.wall, small.peak / MIB, store / MIB)
        rows[f"the same bytes in {large_count}"] = (None, large.cpu, large.wall, large.peak / MIB, None)
        say(f"{count:,} parts: {a_part:.2f} ms CPU a part beyond the bytes")
    columns = ("CPU ms a part beyond the bytes", "CPU s", "wall s", "peak MiB", "store MiB")
    return [Table(title="Many parts, sparse file, http", columns=columns, rows=rows)]


def _read_once(path: Path) -> None:
    """Whoever reads a sparse file first pays for its pages, and that is no cost of parts."""
    with path.open("rb", buffering=0) as file:
        while file.read(MIB):
            pass
