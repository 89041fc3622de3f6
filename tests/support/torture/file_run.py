"""Plays one real story: processes, sockets, signals; after every run what must hold is checked."""

import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from random import Random

from partway.engine.limits import MAX_CONCURRENCY
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import UploadStatus
from tests.support.s3_faults.faults import ResetConnection, Stage
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.request_log import aborted_with_parts
from tests.support.s3_server.server import StrictS3
from tests.support.shell.processes import Ended, Process, Processes
from tests.support.shell.small_parts import PART_SIZE
from tests.support.simulation.changing_source import ChangingSource

from .runner import CALM_RUNS, DEADLINE, NEVER_SAID, ProcessesPlayed, StoryPlay, played_in
from .scenario import RealStory, RunPlan, make_real_story

_WHOLE = ("CompleteMultipartUpload", "HeadObject", "PutObject")


@dataclass(kw_only=True)
class RealPlayed(ProcessesPlayed):
    """How a story of one upload went."""

    story: RealStory


class RealStoryPlay(StoryPlay[RealPlayed]):
    """One story of one upload."""

    def __init__(self, seed: int, processes: Processes, folder: Path) -> None:
        self.story = make_real_story(seed)
        server = StrictS3(S3Model(min_part_size=PART_SIZE, page_size=3, quirks=self.story.quirks))
        super().__init__(processes, folder, server, RealPlayed(story=self.story))
        rng = Random(f"real play {seed}")
        self.source = ChangingSource(folder / "source.bin", rng, self.story.size)
        self.allowed: list[bytes | None] = []
        self.done: set[int] = set()
        self.interrupted = 0
        self.faults = 0

    def _play(self) -> None:
        for number, plan in enumerate(self.story.runs, 1):
            if plan.edit_before:
                self._say(f"before run {number}: {self.source.change(PART_SIZE * 14)}")
                self.done.clear()
            if self._run(f"run {number}", plan) == 0 or self._was_done():
                self._check_bytes()
                return
        self.source.restore()
        for number in range(1, CALM_RUNS + 1):
            if self._run(f"calm run {number}", None) == 0:
                self._check_bytes()
                return
        self._must(False, "it does not end")

    def _was_done(self) -> bool:
        """True when a kill came after the upload's end; the next run would begin another one."""
        state = self.folder / "state"
        if not state.exists():
            return False
        store = SqliteStore(state)
        statuses = {record.status for record in store.uploads()}
        store.close()
        if statuses != {UploadStatus.COMPLETED}:
            return False
        self._must(self.server.model.objects["bucket", "key"].body == self.source.content, "the object is not the file")
        return True

    def _run(self, name: str, plan: RunPlan | None) -> int | None:
        self._say(f"--- {name}")
        self.server.faults.clear()
        self.allowed = []
        calls = len(self.server.calls)
        arguments = ["upload", str(self.source.path), "s3://bucket/key", "-p", str(PART_SIZE), "--json"]
        arguments += ["--state-dir", str(self.folder / "state")]
        if self.story.concurrency:
            arguments += ["-c", str(self.story.concurrency)]
        arguments += ["--retry-for", "5s"]
        if self.story.algorithm:
            arguments += ["--checksum-algorithm", self.story.algorithm]
        started = threading.Event()
        running: list[Process] = []
        if plan is not None:
            self._arrange(plan, arguments, started, running)
        running.append(self.processes.start(arguments, self.folder, self._variables()))
        started.set()
        if plan is not None and plan.signal is not None and plan.signal[0].seconds is not None:
            number = plan.signal[1]
            self._later(plan.signal[0].seconds, lambda: self._hit(running[0], number))
        ended = running[0].wait(DEADLINE)
        for timer in self.timers:
            timer.join()
        self._say(f"exit code {ended.code}; {ended.err.strip()}")
        self.played.told[f"exit {ended.code}"] += 1
        self._check_run(ended, plan, calls)
        return ended.code

    def _arrange(self, plan: RunPlan, arguments: list[str], started: threading.Event, running: list[Process]) -> None:
        """Have the server do what the plan says."""

        def hit() -> None:
            started.wait(60)
            assert plan.signal is not None
            self._hit(running[0], plan.signal[1])

        def edit() -> None:
            self._edit(plan)

        def twin() -> None:
            self._twin(arguments)

        if plan.signal is not None and plan.signal[0].seconds is None:
            # The connection ends with the process; what the kernel still holds of it would arrive otherwise.
            cut = plan.signal[1] is signal.SIGKILL and plan.signal[0].stage is Stage.HALF_BODY
            self._at(plan.signal[0], hit, *([ResetConnection()] if cut else []))
        if plan.edit is not None:
            self._at(plan.edit, edit)
        if plan.twin is not None:
            self._at(plan.twin, twin)
        self.server.faults.add(*plan.faults)
        self.faults += len(plan.faults)
        self.played.told["faults"] += len(plan.faults)

    def _hit(self, process: Process, number: signal.Signals) -> None:
        self._say(f"{number.name}")
        self.played.told[number.name] += 1
        process.signal(number)
        if number is signal.SIGSTOP:
            self._later(0.3, lambda: process.signal(signal.SIGCONT))
        else:
            self.interrupted += 1

    def _edit(self, plan: RunPlan) -> None:
        assert plan.edit is not None
        if plan.edit.operation in _WHOLE:
            # The last look at the source may have been before.
            self.allowed.append(self.source.content)
        self._say(f"in {plan.edit.operation}: {self.source.change(PART_SIZE * 14)}")
        self.played.told["edits"] += 1
        self.done.clear()

    def _twin(self, arguments: list[str]) -> None:
        ended = self.processes.start(arguments, self.folder, self._variables()).wait(DEADLINE)
        self._say(f"a second one: exit code {ended.code}; {ended.err.strip()}")
        self.played.told["second ones"] += 1
        gone = self.source.content is None
        if not gone and (ended.code != 75 or "is already sending" not in ended.err):
            self.played.broken = f"a second upload ended with {ended.code}"

    def _check_run(self, ended: Ended, plan: RunPlan | None, calls: int) -> None:
        self._must(not self.played.broken, self.played.broken)
        self._must(ended.code is not None, f"it still ran after {DEADLINE:.0f} s")
        assert ended.code is not None
        hit = plan.signal[1] if plan is not None and plan.signal is not None else None
        codes = {0}
        if hit is not None and hit in (signal.SIGTERM, signal.SIGINT):
            # Python's own start ends as every program does.
            codes |= {130} | ({-int(hit)} if len(self.server.calls) == calls else set())
        if hit is signal.SIGKILL:
            codes.add(-signal.SIGKILL)
        changed = plan is not None and (plan.edit is not None or plan.edit_before)
        if plan is None or plan.faults or changed or hit is not None:
            codes |= {1, 75}
        if changed or self.source.content is None:
            codes.add(2)
        self._must(ended.code in codes, f"exit code {ended.code}, expected one of {sorted(codes)}")
        for word in NEVER_SAID:
            self._must(word not in ended.err, f"stderr has {word!r}")
        sent = {call.part_number or 0 for call in self.server.calls[calls:] if call.operation == "UploadPart"}
        again = self.done & sent
        if self.story.undisturbed:
            self._must(not again, f"parts {sorted(again)} were announced as done, and went again")
        self.done |= {event["number"] for event in ended.events if event["event"] == "part_done"}
        self._must(not aborted_with_parts(self.server.calls), "it aborted the upload")
        if ended.code == 0:
            body = self.server.model.objects["bucket", "key"].body
            self._must(body in (self.source.content, *self.allowed), "done, and the object is not the file")
            self.played.told["right objects"] += 1

    def _check_bytes(self) -> None:
        """Bytes sent twice: below concurrency x part size for each interruption, and one part for each fault."""
        if not self.story.undisturbed:
            return
        extra = self.server.bytes_received("UploadPart") - self.story.size
        room = (self.story.concurrency or MAX_CONCURRENCY) * PART_SIZE
        self._must(
            extra <= self.interrupted * room + self.faults * PART_SIZE,
            f"{extra} bytes were sent again, {self.interrupted} interruptions, {self.faults} faults",
        )
        if self.interrupted and not self.faults:
            self.played.twice = max(0, extra) / room / self.interrupted


def play_real(seed: int, processes: Processes, folder: Path) -> RealPlayed:
    """Play the story of this number in an empty folder, which is removed afterwards."""
    return played_in(folder, lambda: RealStoryPlay(seed, processes, folder))
