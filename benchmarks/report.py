"""Medians, ratios, and the tables made of them.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from .measure import Usage

GIB = 1024**3
KIB = 1024
MIB = 1024**2
OURS = "partway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One scene's outcome.

    columns: what is measured, with its unit.
    rows: a name and a value for each column; None where it could not be measured.
    notes: sentences that stand below.
    """

    title: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[float | str | None]]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Medians of one client's runs.  cpu, wall: seconds a GiB; peak: MiB."""

    cpu: float
    wall: float
    peak: float
    runs: Sequence[Usage] = field(default=(), repr=False)


def figures(runs: Sequence[Usage], size: int) -> Figures:
    """Medians of runs that sent ``size`` bytes each."""
    return Figures(
        cpu=median(run.cpu for run in runs) * GIB / size,
        wall=median(run.wall for run in runs) * GIB / size,
        peak=median(run.peak for run in runs) / MIB,
        runs=tuple(runs),
    )


def comparison(title: str, found: Mapping[str, Figures], *, notes: Sequence[str] = ()) -> Table:
    """Every client's figures, and ours divided by theirs: below 1, partway needs less."""
    ours = found.get(OURS)
    rows: dict[str, Sequence[float | str | None]] = {}
    for name, each in found.items():
        shares = (ours.cpu / each.cpu, ours.wall / each.wall) if ours else (None, None)
        rows[name] = (each.cpu, each.wall, each.peak, *shares)
    columns = ("CPU s/GiB", "wall s/GiB", "peak MiB", "partway's CPU / its", "partway's wall / its")
    return Table(title=title, columns=columns, rows=rows, notes=notes)


def markdown(table: Table) -> str:
    """The table as Markdown, with its title and notes."""
    lines = [f"## {table.title}", "", f"| | {' | '.join(table.columns)} |", "|---" * (len(table.columns) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(_cell(value) for value in row)} |" for name, row in table.rows.items()]
    return "\n".join([*lines, *(f"\n{note}" for note in table.notes)]) + "\n"


def _cell(value: float | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if value == int(value) and abs(value) >= 10:
        return f"{int(value):,}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def as_json(table: Table) -> dict[str, object]:
    """The table for programs."""
    return asdict(table)
