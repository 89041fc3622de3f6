"""What a command costs before it does anything."""

from collections.abc import Mapping, Sequence
from statistics import median

from ..measure import Usage, run
from ..peers import by_name, environment, s5cmd_program
from ..report import MIB, Table
from ..stage import Stage, in_turn, source

VERSIONS = {
    "partway --version": ["partway", "--version"],
    "aws --version": ["aws", "--version"],
    "s5cmd version": [s5cmd_program(), "version"],
    "rclone version": ["rclone", "version"],
}
KIB = 1024


def play(stage: Stage) -> Sequence[Table]:
    """Eleven runs of each at least: they are short, and single ones say little."""
    rounds = max(stage.rounds, 11)
    many = Stage(folder=stage.folder, size=stage.size, rounds=rounds)
    versions: dict[str, list[Usage]] = {name: [] for name in VERSIONS}
    with source(stage, KIB) as path, stage.sink() as sink:
        job = stage.job(sink, path)
        for _ in range(rounds):
            for name, words in VERSIONS.items():
                versions[name].append(run(words, environment(job)))
        peers = by_name("curl, one bare PUT", "partway", "boto3", "obstore", "rclone", "aws s3 cp", "s5cmd")
        uploads = in_turn(many, peers, job)
    return [
        _table(f"Start-up, {rounds} rounds", versions, "partway --version"),
        _table(f"An upload of 1 KiB over http, {rounds} rounds", uploads, "partway"),
    ]


def _table(title: str, runs: Mapping[str, list[Usage]], ours: str) -> Table:
    wall = {name: median(run.wall for run in each) for name, each in runs.items()}
    rows = {
        name: (
            wall[name],
            median(run.cpu for run in each),
            median(run.peak for run in each) / MIB,
            wall[ours] / wall[name],
        )
        for name, each in runs.items()
    }
    return Table(title=title, columns=("wall s", "CPU s", "peak MiB", "partway's wall / its"), rows=rows)
