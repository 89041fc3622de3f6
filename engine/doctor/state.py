"""Check the state directory: is it writable, is the store intact, and is there enough disk space?"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from partway.state.errors import StateError, StateLocked
from partway.state.maintenance import StoreMaintenance
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED

from ..limits import KIB, MIB
from .check import Check, Health

_ROOM = 50 * MIB  # bytes that should be free


class FileStore(StateStore, Protocol):
    """A store in a file.

    path: the file.
    exposed: a sentence for each file that other users can read and whose mode cannot be corrected.
    """

    path: Path
    exposed: tuple[str, ...]
    maintenance: StoreMaintenance


def check_state(folder: Path, open_store: Callable[[Path], FileStore]) -> Iterator[Check]:
    """Check the directory and its store.

    open_store: Opens the store in a directory, which it creates if necessary.
    """
    try:
        with closing(open_store(folder)) as store:
            problem, exposed, path = store.maintenance.check_integrity(), store.exposed, store.path
            size = store.maintenance.size()
            unfinished = len(store.uploads(statuses=UNFINISHED))
            finished = len(store.uploads()) - unfinished
    except StateLocked as error:
        yield Check(name="state", health=Health.WARNING, fact=str(error))
        return
    except StateError as error:
        yield Check(name="state", health=Health.FAILED, fact=str(error))
        return
    if problem is not None or not os.access(folder, os.W_OK):
        yield Check(
            name="state",
            health=Health.FAILED,
            fact=f"{path} is damaged: {problem}" if problem else f"the directory {folder} is not writable",
            advice="finish or cancel what is unfinished, then move the file elsewhere: finished parts are still on S3"
            if problem
            else "fix its permissions, or choose another with --state-dir",
        )
        return
    yield Check(
        name="state",
        health=Health.OK,
        fact=f"{folder}: {size / KIB:,.0f} KiB, {unfinished:,} unfinished, {finished:,} finished",
    )
    for sentence in exposed:
        yield Check(name="state", health=Health.WARNING, fact=sentence)
    free = shutil.disk_usage(folder).free
    if free < _ROOM:
        yield Check(
            name="disk",
            health=Health.WARNING,
            fact=f"only {free / MIB:,.1f} MiB are free in {folder}",
            advice="free some space: every finished part is recorded there",
        )
