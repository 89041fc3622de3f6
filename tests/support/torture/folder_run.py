"""Plays a story of a folder: a job in real processes; after every run what must hold is checked."""

import os
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from partway.state.jobs import FileStatus, JobStatus
from partway.state.sqlite.store import SqliteStore
from partway.state.uploads import UNFINISHED, UploadStatus
from tests.support.s3_faults.faults import ResetConnection, Stage
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.request_log import Call, aborted_with_parts
from tests.support.s3_server.server import StrictS3
from tests.support.shell.processes import Ended, Process, Processes
from tests.support.shell.small_parts import PART_SIZE

from .folder_scenario import Edit, FolderRun, FolderStory, make_folder_story
from .runner import CALM_RUNS, DEADLINE, NEVER_SAID, ProcessesPlayed, StoryPlay, played_in

STOP = 20.0  # seconds from a wish to stop to the end; less than calls without an answer would take
_AGAIN = 0.5  # seconds to the second wish
_ENDS = ("upload_done", "upload_failed")


@dataclass(kw_only=True)
class FolderPlayed(ProcessesPlayed):
    """How a story of a folder went; what was sent twice is not measured."""

    story: FolderStory


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable:
    """What the store has before a run.

    parts: keys and numbers of open uploads; completing: of those whose Complete was sent.
    done: keys of whole objects.
    """

    parts: frozenset[tuple[str, int]] = frozenset()
    completing: frozenset[tuple[str, int]] = frozenset()
    done: frozenset[str] = frozenset()


class FolderStoryPlay(StoryPlay[FolderPlayed]):
    """One story of a folder."""

    def __init__(self, seed: int, processes: Processes, folder: Path) -> None:
        self.story = make_folder_story(seed)
        server = StrictS3(S3Model(min_part_size=PART_SIZE, page_size=3, quirks=self.story.quirks))
        super().__init__(processes, folder, server, FolderPlayed(story=self.story))
        self.state = folder / "state"
        rng = Random(f"folder play {seed}")
        self.contents = {f"p/{name}": rng.randbytes(size) for name, size in self.story.sizes.items()}
        for key, content in self.contents.items():
            path = folder / "source" / key.removeprefix("p/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.edited: set[str] = set()
        self.hit_at: float | None = None
        self.trouble = False

    def _play(self) -> None:
        for number, plan in enumerate(self.story.runs, 1):
            if self._run(f"run {number}", plan) == 0:
                break
        else:
            for number in range(1, CALM_RUNS + 1):
                if self._run(f"calm run {number}", None) == 0:
                    break
            else:
                self._must(False, "it does not end")
        self._check_end()

    def _run(self, name: str, plan: FolderRun | None) -> int | None:
        self._say(f"--- {name}: {plan}")
        for edit, number in plan.edits if plan is not None else ():
            self._edit(edit, number)
        self.server.faults.clear()
        durable, calls, self.hit_at, self.timers = self._durable(), len(self.server.calls), None, []
        arguments = ["upload", "-r", str(self.folder / "source"), "s3://bucket/p/", "-p", str(PART_SIZE), "--json"]
        arguments += ["--state-dir", str(self.state), "--retry-for", "5s", *self.story.options]
        arguments += [*(plan.options if plan else ())]
        if self.story.concurrency:
            arguments += ["-c", str(self.story.concurrency)]
        running: list[Process] = []
        started = threading.Event()
        if plan is not None:
            self._arrange(plan, started, running)
        running.append(self.processes.start(arguments, self.folder, self._variables()))
        started.set()
        if plan is not None and plan.signal is not None and plan.signal[0].seconds is not None:
            self._later(plan.signal[0].seconds, lambda: self._hit(running[0], plan))
        ended = running[0].wait(DEADLINE)
        stop_took = time.monotonic() - self.hit_at if self.hit_at is not None else 0.0
        for timer in self.timers:
            timer.join()
        self.server.accept()
        self._say(f"exit code {ended.code}; {ended.err.strip()}")
        self.played.told[f"exit {ended.code}"] += 1
        self._must(stop_took < STOP, f"{stop_took:.1f} s passed from the signal to the end")
        # What was sent of an edited file goes again in whichever run comes to it.
        calls_of_unedited = [call for call in self.server.calls[calls:] if call.key not in self.edited]
        self._check_run(ended, plan, calls_of_unedited, durable)
        return ended.code

    def _edit(self, edit: Edit, number: int) -> None:
        """Change one of the files."""
        key = sorted(self.contents)[number % len(self.contents)]
        path = self.folder / "source" / key.removeprefix("p/")
        before, content = path.stat(), self.contents[key]
        self._say(f"{key}: {edit}")
        self.played.told[f"file {edit}"] += 1
        self.edited.add(key)
        if edit is Edit.CHMOD:
            path.chmod(0o640 if before.st_mode & 0o077 else 0o644)
            return
        content = bytes(255 - byte for byte in content[:9]) + content[9:]
        if edit is Edit.REPLACED:
            copy = self.folder / "copy"
            copy.write_bytes(content)
            copy.replace(path)
        else:
            path.write_bytes(content)
        if edit is not Edit.PLAIN:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.contents[key] = content

    def _arrange(self, plan: FolderRun, started: threading.Event, running: list[Process]) -> None:
        """Have the server do what the plan says."""

        def hit() -> None:
            started.wait(60)
            self._hit(running[0], plan)

        def leave() -> None:
            assert plan.away is not None
            self._say("the server is away")
            self.server.refuse()
            self._later(plan.away[1], self.server.accept)

        if plan.signal is not None and plan.signal[0].seconds is None:
            # The connection ends with the process; what the kernel still holds of it would arrive otherwise.
            cut = plan.signal[0].stage is Stage.HALF_BODY
            self._at(plan.signal[0], hit, *([ResetConnection()] if cut else []))
        if plan.away is not None:
            # From another thread: this one serves a connection that is cut.
            self._at(plan.away[0], lambda: self._later(0.0, leave))
        self.server.faults.add(*plan.faults)
        self.trouble = self.trouble or bool(plan.faults) or plan.away is not None or plan.signal is not None

    def _hit(self, process: Process, plan: FolderRun) -> None:
        assert plan.signal is not None
        _, number, twice = plan.signal
        self._say(f"{number.name}")
        self.played.told[number.name] += 1
        self.hit_at = time.monotonic()
        process.signal(number)
        if twice:
            self._later(_AGAIN, lambda: process.signal(number))

    def _store(self) -> "closing[SqliteStore]":
        return closing(SqliteStore(self.state))

    def _durable(self) -> Durable:
        if not self.state.exists():
            return Durable()
        with self._store() as store:
            uploads = store.uploads()
            parts, completing = (
                {(each.key, part.number) for each in uploads if each.status is status for part in store.parts(each.id)}
                for status in (UploadStatus.OPEN, UploadStatus.COMPLETING)
            )
            done = {upload.key for upload in uploads if upload.status is UploadStatus.COMPLETED}
            for job in store.jobs.all():
                known = store.jobs.files(job.id, list(self.contents))
                done |= {key for key, row in known.items() if row.status is not FileStatus.FAILED}
        return Durable(parts=frozenset(parts), completing=frozenset(completing), done=frozenset(done))

    def _check_run(self, ended: Ended, plan: FolderRun | None, calls: list[Call], durable: Durable) -> None:
        self._must(ended.code is not None, f"it still ran after {DEADLINE:.0f} s")
        assert ended.code is not None
        codes = {0}
        if plan is not None and plan.signal is not None:
            number = plan.signal[1]
            # Python's own start ends as every program does.
            codes |= {-int(number)} if number.name == "SIGKILL" or not calls else set()
            codes |= {130} if number.name != "SIGKILL" else set()
        if plan is not None and (plan.faults or plan.away):
            codes |= {1, 75}
        self._must(ended.code in codes, f"exit code {ended.code}, expected one of {sorted(codes)}")
        for word in NEVER_SAID:
            self._must(word not in ended.err, f"stderr has {word!r}")
        self._must(not aborted_with_parts(self.server.calls), "it aborted an upload")
        sent = {(call.key, call.part_number or 0) for call in calls if call.operation == "UploadPart"}
        put = {call.key for call in calls if call.operation == "PutObject"}
        if self.story.keeps_receipts:
            # One HEAD that is refused may mean that the object is not there.
            certain = plan is None or not any(fault.operation == "HeadObject" for fault in plan.faults)
            again = (durable.parts | (durable.completing if certain else set())) & sent
            self._must(not again, f"parts that were recorded went again: {sorted(again)}")
        whole = durable.done & (put | {key for key, _ in sent})
        self._must(not whole, f"files that were recorded as done went again: {sorted(whole)}")
        self._check_events(ended)
        with self._store() as store:
            unfinished = Counter(upload.key for upload in store.uploads(statuses=UNFINISHED))
        doubled = [key for key, count in unfinished.items() if count > 1]
        self._must(not doubled, f"the store has two unfinished uploads of {doubled}")

    def _check_events(self, ended: Ended) -> None:
        over: set[str] = set()
        files: Counter[str] = Counter()
        done: dict[str, set[int]] = defaultdict(set)
        job: dict[str, Any] | None = None
        for event in ended.events:
            self._must(job is None, f"{event['event']} after the job's end")
            upload = str(event.get("upload", ""))
            self._must(not upload or upload not in over, f"{event['event']} of an upload that had ended")
            if upload and event["event"] in _ENDS:
                over.add(upload)
            if event["event"] == "upload_started":
                done[upload].clear()  # another round, which tells the parts that it keeps
            if event["event"] == "part_done":
                self._must(event["number"] not in done[upload], f"part {event['number']} is done twice")
                done[upload].add(event["number"])
            if event["event"] in ("file_done", "file_failed", "file_skipped"):
                files[event["event"]] += 1
                files[event["source"]] += 1
                self._must(files[event["source"]] == 1, f"{event['source']} ended twice")
            if event["event"] == "job_done":
                job = event
        if job is not None:
            counts = [job[kind] for kind in ("done", "skipped", "failed")]
            told = [files[f"file_{kind}"] for kind in ("done", "skipped", "failed")]
            self._must(counts == told, f"the job's end says {counts}, and its files {told}")
            total = sum(counts) + job["resumed"]
            self._must(total == len(self.contents), f"the job's end counts {total} files of {len(self.contents)}")
            self._must(ended.code != 0 or not job["failed"], "exit code 0 with failures")

    def _check_end(self) -> None:
        objects = {key: stored.body for (_, key), stored in self.server.model.objects.items()}
        wrong = sorted(key for key in self.contents if objects.get(key) != self.contents[key])
        self._must(not wrong and len(objects) == len(self.contents), f"objects are not the files: {wrong}")
        self.played.told["right objects"] += len(objects)
        # A CreateMultipartUpload whose answer was lost leaves one that nobody knows, and that has no parts.
        left = [info for info in self.server.model.open_uploads if self.server.model.stored_parts(info.upload_id)]
        self._must(not left, f"unfinished uploads are left on the server: {left}")
        self._must(self.trouble or not self.server.model.open_uploads, "empty uploads are left on the server")
        with self._store() as store:
            self._must(not store.uploads(statuses=UNFINISHED), "the store has unfinished uploads")
            self._must({job.status for job in store.jobs.all()} == {JobStatus.COMPLETED}, "the job is not completed")
        live = self.state / "running"
        self._must(not live.exists() or not any(live.iterdir()), "live records are left")
        completed = Counter(
            call.key for call in self.server.calls if call.operation == "CompleteMultipartUpload" and call.status == 200
        )
        twice = [key for key, count in completed.items() if count > 1]
        self.played.told["completed twice"] += len(twice)
        if not self.trouble:
            self._must(not twice, f"completed twice: {twice}")


def play_folder(seed: int, processes: Processes, folder: Path) -> FolderPlayed:
    """Play the story of this number in an empty folder, which is removed afterwards."""
    return played_in(folder, lambda: FolderStoryPlay(seed, processes, folder))
