"""What every scene gets: a folder, sources, a sink, and runs that are checked."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .measure import CommandFailed, Usage, run
from .peers import Job, Peer, environment
from .report import GIB, MIB
from .sink import Sink, running_sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a scene plays.

    folder: for everything that is written; removed at the end.
    size: of the file in the scenes about throughput.
    rounds: how often each client runs.
    """

    folder: Path
    size: int = 2 * GIB
    rounds: int = 3

    @contextlib.contextmanager
    def sink(self, *, tls: bool = False, delay: float = 0.0, allow_rate: float | None = None) -> Iterator[Sink]:
        """A sink with files of its own."""
        folder = self.folder / "sink"
        folder.mkdir()
        try:
            with running_sink(folder, tls=tls, delay=delay, allow_rate=allow_rate) as sink:
                yield sink
        finally:
            shutil.rmtree(folder)

    def job(self, sink: Sink, source: Path, *, tls: bool = False, part_mib: int = 16) -> Job:
        """One object's upload, with no state from before."""
        folder = self.folder / "job"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        url = sink.https if tls else sink.http
        assert url is not None
        return Job(source=source, key="object", url=url, sink=sink, folder=folder, part_mib=part_mib)


@contextlib.contextmanager
def source(stage: Stage, size: int, *, sparse: bool = False) -> Iterator[Path]:
    """A file of random bytes, read once so that it comes from memory; or a sparse one, which costs no disk."""
    path = stage.folder / "source.bin"
    with path.open("wb") as out:
        if sparse:
            out.truncate(size)
        else:
            for start in range(0, size, MIB):
                out.write(os.urandom(min(MIB, size - start)))
    try:
        yield path
    finally:
        path.unlink()


def send(peer: Peer, job: Job, *flags: str) -> Usage:
    """One run, with the command's own check: exit code 0, and every byte of the source arrived.

    Raises:
        CommandFailed: one of them is not so.
    """
    job.sink.forget()
    used = run([*peer.command(job), *flags], environment(job))
    arrived, wanted = job.sink.seen().size, job.source.stat().st_size
    if arrived < wanted:
        raise CommandFailed(f"{peer.name}: exit code 0, but {arrived:,} of {wanted:,} bytes arrived")
    return used


def in_turn(stage: Stage, peers: Sequence[Peer], job: Job) -> Mapping[str, list[Usage]]:
    """Each client once a round, A B C A B C, so that whatever else the machine does meets all of them alike."""
    runs: dict[str, list[Usage]] = {peer.name: [] for peer in peers}
    for number in range(stage.rounds):
        for peer in peers:
            folder = job.folder / f"{number}"
            folder.mkdir(exist_ok=True)
            used = send(peer, replace(job, folder=folder, key=f"{peer.name[:3]}{number}"))
            runs[peer.name].append(used)
            say(f"round {number + 1}, {peer.name}: CPU {used.cpu:.2f} s, wall {used.wall:.2f} s")
    return runs


def store_size(job: Job) -> int:
    """Bytes of partway's store."""
    return sum(each.stat().st_size for each in (job.folder / "state").rglob("*") if each.is_file())


def say(line: str) -> None:
    """Tell whoever waits; results go to stdout at the end."""
    print(line, file=sys.stderr, flush=True)
