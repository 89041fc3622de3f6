"""Folders: what does a file cost, and how well is the time filled while answers are waited for?"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..measure import CommandFailed, Usage, run
from ..peers import ALL, environment
from ..report import KIB, MIB, Table
from ..stage import Stage, say

SMALL_COUNT, SMALL_SIZE = 5_000, 4 * KIB
MEDIUM_COUNT, MEDIUM_SIZE = 100, 20 * MIB
DELAYS = (0.0, 0.1)  # seconds before a part or an object is answered


def small(stage: Stage) -> Sequence[Table]:
    """Every client that uploads folders, once."""
    notes: list[str] = []
    with _folder(stage, SMALL_COUNT, SMALL_SIZE) as folder:
        rows = {
            name: (SMALL_COUNT / used.wall, used.cpu / SMALL_COUNT * 1000, used.peak / MIB)
            for name, used in _each(stage, folder, SMALL_COUNT, 0.0, notes)
        }
    title = f"Small files: {SMALL_COUNT:,} of {SMALL_SIZE // KIB} KiB over http"
    return [Table(title=title, columns=("files a second", "CPU ms a file", "peak MiB"), rows=rows, notes=notes)]


def medium(stage: Stage) -> Sequence[Table]:
    """The same with files of a part or two, once answered at once and once late."""
    tables = []
    with _folder(stage, MEDIUM_COUNT, MEDIUM_SIZE) as folder:
        for delay in DELAYS:
            notes: list[str] = []
            rows = {
                name: (used.wall, used.cpu, used.peak / MIB)
                for name, used in _each(stage, folder, MEDIUM_COUNT, delay, notes)
            }
            title = f"Files of {MEDIUM_SIZE // MIB} MiB: {MEDIUM_COUNT} over http, answered {delay * 1000:.0f} ms late"
            tables.append(Table(title=title, columns=("wall s", "CPU s", "peak MiB"), rows=rows, notes=notes))
    return tables


@contextmanager
def _folder(stage: Stage, count: int, size: int) -> Iterator[Path]:
    folder = stage.folder / "folder"
    folder.mkdir()
    try:
        for number in range(count):
            (folder / f"file{number:04}.bin").write_bytes(os.urandom(size))
        yield folder
    finally:
        shutil.rmtree(folder)


def _each(stage: Stage, folder: Path, count: int, delay: float, notes: list[str]) -> Iterator[tuple[str, Usage]]:
    """Run every client that uploads folders, at its defaults."""
    for peer in ALL:
        if peer.folder_command is None:
            continue
        with stage.sink(delay=delay) as sink:
            job = replace(stage.job(sink, folder), key=peer.name[:3])
            try:
                used = run(peer.folder_command(job), environment(job))
            except CommandFailed as error:
                notes.append(f"{peer.name}: no line, since it does not upload this folder: {_last_line(error)}")
                continue
            if sink.seen().parts < count:
                raise CommandFailed(f"{peer.name}: exit code 0, but {sink.seen().parts} of {count} files arrived")
        say(f"{peer.name}: {used.wall:.1f} s")
        yield peer.name, used


def _last_line(error: CommandFailed) -> str:
    return (str(error).strip().splitlines() or [""])[-1]
