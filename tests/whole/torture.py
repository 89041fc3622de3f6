"""Uploads with random failures, reproducible by seed.

``python -m tests.whole.torture --simulated --seed 1 --count 1000``: all in one process, decided by the seed alone.
``python -m tests.whole.torture --real --seed 1 --count 10``: real processes, sockets and signals; the seed decides what
happens, but not how fast it is.
``python -m tests.whole.torture --folders --seed 1 --count 10``: the same for jobs of many files.

A story that breaks is told step by step; ``--seed N --count 1`` tells it again.
"""

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.support.shell.processes import Processes
from tests.support.simulation.run import Played, play
from tests.support.torture.file_run import RealPlayed, play_real
from tests.support.torture.folder_run import FolderPlayed, play_folder

P = TypeVar("P", RealPlayed, FolderPlayed)

MEMORY = Path("/dev/shm")  # a disk that is none, where there is one


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """An empty folder, without a disk where that is possible."""
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def simulate(seeds: Sequence[int], *, show: bool = False, first: bool = False) -> list[Played]:
    """Play simulated stories, all or up to the first that breaks; those that broke."""
    figures = Figures()
    with folder_in_memory() as folder:
        for seed in seeds:
            played = play(seed, folder / str(seed))
            figures.add(played, show=show)
            figures.counts.update(played.ends)
            figures.counts.update({f"  again: {name}": number for name, number in played.again.items()})
            if first and figures.broken:
                break
    figures.tell()
    return figures.broken


def run_real(seeds: Sequence[int], *, show: bool = False, first: bool = False) -> list[RealPlayed]:
    """Play real stories, all or up to the first that breaks; those that broke."""
    return _run_processes(play_real, seeds, show=show, first=first)


def run_folders(seeds: Sequence[int], *, show: bool = False, first: bool = False) -> list[FolderPlayed]:
    """Play stories of folders, all or up to the first that breaks; those that broke."""
    return _run_processes(play_folder, seeds, show=show, first=first)


def _run_processes(
    play: Callable[[int, Processes, Path], P], seeds: Sequence[int], *, show: bool, first: bool
) -> list[P]:
    figures = Figures()
    with folder_in_memory() as folder, Processes() as processes:
        for seed in seeds:
            figures.add(play(seed, processes, folder / str(seed)), show=show)
            if first and figures.broken:
                break
    figures.tell()
    return figures.broken


class Figures:
    """The results of many stories."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.broken: list[Any] = []
        self._worst = 0.0
        self._began = time.monotonic()
        self._stories = 0

    def add(self, played: Played | RealPlayed | FolderPlayed, *, show: bool) -> None:
        """One more; told when it broke."""
        self._stories += 1
        if played.broken:
            self.broken.append(played)
        if played.broken or show:
            tell(played)
        self._worst = max(self._worst, played.twice)
        self.counts.update({f"  {name}": number for name, number in played.told.items()})
        if self._stories % 1000 == 0:
            rate = self._stories / (time.monotonic() - self._began)
            print(f"{self._stories:,} stories, {len(self.broken)} broken, {rate:.1f} a second", flush=True)

    def tell(self) -> None:
        """Print everything."""
        seconds = time.monotonic() - self._began
        for name, number in sorted(self.counts.items()):
            print(f"{number:>10,} {name}")
        print(f"bytes sent twice: at most {self._worst:.2f} x concurrency x part size for one interruption")
        print(f"{self._stories:,} stories in {seconds:.1f} s, {self._stories / seconds:.1f} a second")
        seeds = " ".join(str(played.story.seed) for played in self.broken[:50])
        print(f"{len(self.broken)} broken{f': seeds {seeds}' if seeds else ''}")


def tell(played: Played | RealPlayed | FolderPlayed) -> None:
    """Print the story, step by step."""
    print(f"story {played.story.seed}\n{played.story}")
    for line in played.log:
        print(f"    {line}")
    if isinstance(played, Played) and played.trace is not None:
        traceback.print_exception(played.trace)
    print(f"  {'BROKEN: ' + played.broken if played.broken else 'all is well'}", flush=True)


def main() -> None:
    """Run stories; the exit code is 1 if one broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--simulated", action="store_true")
    kind.add_argument("--real", action="store_true")
    kind.add_argument("--folders", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--show", action="store_true", help="tell stories that went well, too")
    parser.add_argument("--first", action="store_true", help="stop at the first story that breaks")
    wish = parser.parse_args()
    seeds = range(wish.seed, wish.seed + wish.count)
    run = run_real if wish.real else run_folders if wish.folders else simulate
    sys.exit(1 if run(seeds, show=wish.show, first=wish.first) else 0)


if __name__ == "__main__":
    main()
