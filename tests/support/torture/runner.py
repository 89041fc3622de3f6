"""What stories of real processes have in common: a server that does things at a moment, and what must hold."""

import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from tests.support.s3_faults.faults import CallFunction, Fault, ResetConnection
from tests.support.s3_server.server import StrictS3
from tests.support.shell.processes import Processes

from .scenario import Moment

DEADLINE = 60.0
CALM_RUNS = 4
NEVER_SAID = ("Traceback", "bug in partway", "Exception in thread", "ResourceWarning")


class BrokenStory(Exception):
    """Something happened that must never happen."""


@dataclass(kw_only=True)
class ProcessesPlayed:
    """How a story went; ``broken`` is "" when all is well.

    twice: bytes that were sent twice, as for simulated stories; 0 where it is not measured.
    """

    log: list[str] = field(default_factory=list)
    broken: str = ""
    told: Counter[str] = field(default_factory=Counter)
    twice: float = 0.0


P = TypeVar("P", bound=ProcessesPlayed)


class StoryPlay(Generic[P]):
    """One story; ``folder`` is empty and its own."""

    def __init__(self, processes: Processes, folder: Path, server: StrictS3, played: P) -> None:
        self.processes = processes
        self.folder = folder
        self.server = server
        self.played = played
        self.timers: list[threading.Timer] = []

    def play(self) -> P:
        """Play it to its end."""
        try:
            with self.server:
                self._play()
        except BrokenStory as error:
            self.played.broken = str(error)
        except Exception as error:
            self.played.broken = f"{type(error).__name__}: {error} (cause: {error.__cause__!r})"
        return self.played

    def _play(self) -> None:
        raise NotImplementedError

    def _at(self, moment: Moment, function: Callable[[], object], *more: ResetConnection) -> None:
        self.server.faults.add(
            Fault(
                operation=moment.operation,
                stage=moment.stage,
                action=(CallFunction(function=function), *more),
                skip=moment.skip,
            )
        )

    def _later(self, seconds: float, function: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, function)
        timer.start()
        self.timers.append(timer)  # started, since another thread may join it at once

    def _variables(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ}
        return kept | {"HOME": str(self.folder), "LC_ALL": "C.UTF-8"} | self.server.environment()

    def _must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise BrokenStory(otherwise)

    def _say(self, text: str) -> None:
        self.played.log.append(text)


def played_in(folder: Path, make: Callable[[], StoryPlay[P]]) -> P:
    """Play a story in an empty folder, which is removed afterwards."""
    folder.mkdir()
    try:
        return make().play()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
