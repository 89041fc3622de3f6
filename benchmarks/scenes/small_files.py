"""A folder of 5,000 files of 4 KiB: what does a file cost?"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace

from ..measure import CommandFailed, run
from ..peers import ALL, environment
from ..report import MIB, Table
from ..stage import Stage, say

COUNT = 5_000
SIZE = 4096


def play(stage: Stage) -> Sequence[Table]:
    """Every client that uploads folders, once."""
    folder = stage.folder / "folder"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"file{number:04}.bin").write_bytes(os.urandom(SIZE))
    notes: list[str] = []
    rows: dict[str, Sequence[float | str | None]] = {}
    try:
        for peer in ALL:
            if peer.folder_command is None:
                continue
            with stage.sink() as sink:
                job = replace(stage.job(sink, folder), key=peer.name[:3])
                try:
                    used = run(peer.folder_command(job), environment(job))
                except CommandFailed as error:
                    notes.append(f"{peer.name}: no line, since it does not upload this folder: {_last_line(error)}")
                    continue
                if sink.seen().parts < COUNT:
                    raise CommandFailed(f"{peer.name}: exit code 0, but {sink.seen().parts} of {COUNT} files arrived")
            rows[peer.name] = (COUNT / used.wall, used.cpu / COUNT * 1000, used.peak / MIB)
            say(f"{peer.name}: {used.wall:.1f} s")
    finally:
        shutil.rmtree(folder)
    title = f"Small files: {COUNT:,} of {SIZE // 1024} KiB over http"
    return [Table(title=title, columns=("files a second", "CPU ms a file", "peak MiB"), rows=rows, notes=notes)]


def _last_line(error: CommandFailed) -> str:
    return (str(error).strip().splitlines() or [""])[-1]
