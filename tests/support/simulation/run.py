"""Plays one simulated story to its end, and checks the invariants after every run."""

import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.errors import PartwayError, PlanError, StateLocked
from partway.engine.events import Event
from partway.engine.events.upload import (
    ChecksumFellBack,
    OrphanAdopted,
    PartDone,
    PartProgress,
    UploadDone,
    UploadFailed,
    UploadRenewed,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.limits import MAX_CONCURRENCY, S3Limits
from partway.engine.proof.proof import Proof
from partway.engine.retry.policy import RetryPolicy
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.upload.file import upload_file
from partway.state.memory.store import MemoryStore
from partway.state.sqlite.store import SqliteStore
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED

from .allowed_errors import is_final
from .changing_source import ChangingSource
from .crashing_store import CrashingStore
from .invariants import check_end, check_error, check_nothing_left, check_twice
from .resent_bytes import SendWatch
from .runtime import TurnProcesses, simulated_runtime
from .s3 import SimulatedS3
from .scenario import Story, make_story
from .scheduler import Ended, Turns
from .world import BUCKET, KEY, Broken, World

ENDPOINT = "http://simulated"
POLICY = RetryPolicy(attempts=4, first_wait=0.01, max_wait=0.5, budget=5.0, first_contact=1.0)
_CALM_RUNS = 4


@dataclass(kw_only=True)
class Played:
    """How a story went.

    broken: what must never happen and did; "" when all is well.
    ends: how the runs ended, by name.
    twice: bytes sent again after a crash, as a multiple of concurrency x part size, for one crash.
    """

    story: Story
    log: list[str]
    broken: str = ""
    ends: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    twice: float = 0.0
    trace: Exception | None = None


class SimulatedStory:
    """One story.  ``folder`` holds its source, and its store when that is in SQLite."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.story = make_story(seed)
        self.folder = folder
        rng = Random(f"play {seed}")
        random.seed(f"jitter {seed}")
        self.turns = Turns(rng)
        self.source = ChangingSource(
            folder / "source.bin", rng, self.story.size, clock=lambda: self.turns.now, tick=self.story.tick
        )
        self.runtime = simulated_runtime(self.turns, self.source)
        self.world = World(self.story, self.source, self.turns, rng)
        self.world.start_twin = self._twin
        self.watch = SendWatch(self.world)
        self.backend = SimulatedS3(self.world, self.watch)
        self.inner: StateStore = SqliteStore(folder / "state") if self.story.sqlite else MemoryStore()
        self.ends: Counter[str] = Counter()
        self.crashes = 0
        if self.story.exists:
            self.world.model.put_object(BUCKET, KEY, b"was here before")
        if self.story.orphan:
            self.world.leave_orphan()

    def play(self) -> Played:
        """Play it to its end."""
        played = Played(story=self.story, log=self.world.log)
        try:
            self._play()
            played.twice = check_twice(self.world, self.watch, self.crashes)
            if any(end.startswith("done") for end in self.ends):
                check_nothing_left(self.world)
        except Broken as error:
            played.broken = str(error)
        except Ended as error:
            played.broken = f"{type(error).__name__}: {error}"
        except Exception as error:
            played.broken = f"not an error of ours: {type(error).__name__}: {error}"
            played.trace = error
        finally:
            self.turns.end()
            self.inner.close()
        if not played.broken and self.world.broken:
            played.broken = self.world.broken[0]
        played.ends, played.told, played.again = self.ends, self.world.told, self.watch.again
        return played

    def _play(self) -> None:
        for number in range(self.story.troubled):
            if self._run(f"run {number + 1}", calm=False) is True:
                return
            self._between()
        self.world.ghosts.clear()
        self.source.restore()
        end: object = None
        restart = False
        for number in range(_CALM_RUNS):
            end = self._run(f"calm run {number + 1}", calm=True, restart=restart)
            if end is True:
                return
            assert isinstance(end, PartwayError)
            restart = isinstance(end, PlanError)
            if is_final(end, self.story, key_taken=self.world.object is not None):
                self.ends[f"said why not: {type(end).__name__}"] += 1
                return
        self.world.must(False, f"it does not end: {type(end).__name__}: {end}")

    def _between(self) -> None:
        """The actions between two runs."""
        world = self.world
        if world.rng.random() < min(0.5, self.story.rates.edit * 10):
            world.say(f"between: {self.source.change(self.story.part_size * 14)}")
        if world.rng.random() < self.story.rates.server * 5:
            world._server("between")
        if self.story.sqlite:
            self.inner.close()
            self.inner = SqliteStore(self.folder / "state")

    def _run(self, name: str, *, calm: bool, restart: bool = False) -> bool | PartwayError | None:
        """One run: True when nothing is left to do, the error it ended with, None when the process is gone."""
        world = self.world
        world.begin_run(calm=calm)
        self.watch.begin_run()
        restart |= not calm and world.rng.random() < 0.03
        adopt = not calm and world.rng.random() < (0.4 if self.story.orphan else 0.05)
        world.say(f"--- {name}{', restart' if restart else ''}{', adopt' if adopt else ''}")
        world.may_abort = restart
        begun = {record.id for record in self.inner.uploads(statuses=UNFINISHED)}
        fresh = not begun
        if len(begun) > 1:
            # A crash hid which of them was adopted.
            world.left |= begun
        try:
            end = self._upload(restart, adopt)
        except Ended:
            if world.broken or not world.dead:
                raise
            self.ends["crash"] += 1
            self.crashes += 1
            self.turns.end()
            return None
        except PartwayError as error:
            world.say(f"ended with {type(error).__name__}: {error}")
            self.ends[type(error).__name__] += 1
            check_error(error, world, calm=calm)
            return error
        finally:
            self.turns.end_some()
        self.ends["skipped" if isinstance(end, UploadSkipped) else f"done, {end.proof}"] += 1
        check_end(end, world, self.inner, fresh=fresh or restart)
        return True

    def _upload(self, restart: bool, adopt: bool) -> UploadDone | UploadSkipped:
        story, world = self.story, self.world
        return upload_file(
            self.source.path,
            Target(bucket=BUCKET, key=KEY, endpoint=ENDPOINT, options=ObjectOptions(no_overwrite=story.no_overwrite)),
            EngineContext(
                backend=self.backend,
                store=CrashingStore(self.inner, world, self.watch),
                settings=UploadSettings(
                    part_size=story.part_size,
                    concurrency=story.concurrency,
                    limits=S3Limits(min_part_size=story.part_size, max_parts=story.max_parts),
                    policy=POLICY,
                    algorithm=story.algorithm,
                    restart=restart,
                    adopt=adopt,
                    executor=None
                    if story.threads
                    else TurnProcesses(self.turns, story.concurrency or MAX_CONCURRENCY, self.runtime),
                ),
                sink=self._hear,
                cancel=world.cancel,
                runtime=self.runtime,
            ),
        )

    def _hear(self, event: Event) -> None:
        world = self.world
        if isinstance(event, PartProgress):
            return
        what = f"{type(event).__name__} {event.number}" if isinstance(event, PartDone) else type(event).__name__
        if isinstance(event, UploadStarted):
            what += f" resumed {event.resumed_parts} of {event.part_count}"
        world.say(what)
        world.must(not world.turns.in_lane, f"a worker announces {what}")
        if isinstance(event, ChecksumFellBack):
            world.causes.add("fallback")
        if isinstance(event, OrphanAdopted) and event.left:
            world.left.add(event.left)
        if isinstance(event, UploadDone):
            world.is_done = Proof(event.proof).covers_object
        if isinstance(event, UploadRenewed):
            world.told["renewed"] += 1
        if isinstance(event, PartDone):
            known = {part.number for part in self.inner.parts(event.upload)}
            world.must(event.number in known, f"{what} is announced and not recorded")
        if isinstance(event, UploadFailed):
            record = self.inner.upload(event.upload) if event.resumable else None
            # One that reached nobody is forgotten; the same command begins another.
            goes_on = record is None or not record.finished
            world.must(goes_on, f"{what} says that it can be resumed, and the store has it as finished")
        else:
            world.moment(what, twin=not isinstance(event, UploadSkipped))

    def _twin(self) -> None:
        """A second upload of the same source to the same target, as another process would start it."""
        story = self.story
        store = SqliteStore(self.folder / "state") if story.sqlite else self.inner
        try:
            upload_file(
                self.source.path,
                Target(bucket=BUCKET, key=KEY, endpoint=ENDPOINT),
                EngineContext(
                    backend=self.backend,
                    store=CrashingStore(store, self.world, self.watch),
                    settings=UploadSettings(part_size=story.part_size, policy=POLICY),
                    runtime=simulated_runtime(self.turns, self.source, looks_count=False),
                ),
            )
        except StateLocked:
            self.world.say("the second upload is refused")
        except PartwayError as error:
            gone = self.source.content is None
            self.world.must(gone, f"a second upload is refused for another reason: {error}")
        else:
            self.world.must(False, "a second upload ran at the same time")
        finally:
            if story.sqlite:
                store.close()


def play(seed: int, folder: Path) -> Played:
    """Play the story of this number in an empty folder, which is removed afterwards."""
    folder.mkdir()
    try:
        return SimulatedStory(seed, folder).play()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
