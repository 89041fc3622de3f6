"""Peak memory of partway: the kernel's figure, so the interpreter and every import are in it."""

from collections.abc import Sequence

from ..peers import by_name
from ..report import GIB, MIB, Table
from ..stage import Stage, say, send, source

# file size, part size in MiB, workers
CASES = (
    (1024, 16, 4),
    (100 * MIB, 5, 4),
    (100 * MIB, 5, 64),
    (2 * GIB, 16, 4),
    (2 * GIB, 16, 64),
    (16 * GIB, 5, 4),
    (16 * GIB, 5, 64),
    (16 * GIB, 1024, 4),
    (16 * GIB, 1024, 64),
    (100 * GIB, 16, 4),
)


def play(stage: Stage) -> Sequence[Table]:
    """Sparse files: their bytes go through the client like any others."""
    (partway,) = by_name("partway")
    rows: dict[str, Sequence[float | str | None]] = {}
    for size, part_mib, workers in CASES:
        with source(stage, size, sparse=True) as path, stage.sink() as sink:
            used = send(partway, stage.job(sink, path, part_mib=part_mib), "-c", str(workers))
        name = f"{_size(size)}, parts of {part_mib} MiB, {workers} workers"
        rows[name] = (used.peak / MIB,)
        say(f"{name}: {used.peak / MIB:.1f} MiB")
    return [Table(title="Peak memory of partway", columns=("peak MiB",), rows=rows)]


def _size(size: int) -> str:
    for unit, name in ((GIB, "GiB"), (MIB, "MiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"
