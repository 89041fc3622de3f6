"""``partway watch [ID]``: the uploads of other terminals, cron jobs and services on this machine."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from partway.engine.plural import plural, verb
from partway.engine.run.stored_options import target_of
from partway.engine.workers.channel import CancelToken
from partway.state.jobs import JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadStatus

from ..options import shared
from ..runtime import completion, exit_codes
from ..runtime.lookup import find_job, find_upload
from ..runtime.resume_hint import needs_producer, resume_command, resume_job, stream_command
from ..runtime.safe import safe_of_job
from ..runtime.signals import handle_signals
from ..runtime.store import named_folder, read_only_store
from ..status.facts import facts, how_it_ended, job_facts, part_count
from ..status.snapshot import (
    Watched,
    WatchedJob,
    WatchedUpload,
    all_running,
    describe_process,
    watched_job,
    watched_upload,
)
from ..text.console import is_live, make_console
from ..text.escape import printable
from ..text.units import format_size

if TYPE_CHECKING:
    from rich.console import Console

_EVERY, _EVERY_LINE = 1.0, 5.0  # seconds between updates: of bars and JSON, and of lines
_TICK = 0.1

_EPILOG = """watch ends when the upload does.  Ctrl-C stops watching (130) and does not affect the upload.

\b
Exit codes: 0 done, 75 left unfinished (run it again), 1 cancelled;
without an ID always 0.

Example:  partway watch 3f2a91bc
"""

Show = Callable[[list[Watched]], None]


@click.command("watch", epilog=_EPILOG)
@click.argument("id", required=False, shell_complete=completion.unfinished_ids)
@click.option("--once", is_flag=True, help="Show the current state once, and exit.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1, max=86400.0),
    metavar="SECONDS",
    help="Time between updates.  [default: 1; 5 without a terminal]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per update.")
@shared.state_dir_option
def command(id: str | None, once: bool, interval: float | None, as_json: bool, state_dir: Path | None) -> int:
    """Watch the uploads of other terminals, cron jobs and services on this machine.

    Without an ID, show all that are running; with the ID of an upload or job, that one, with its part map.  The start
    of an ID is enough.
    """
    cancel = CancelToken()
    with read_only_store(state_dir) as store, handle_signals(cancel):
        watcher = Watcher(store, id, cancel, named_folder(state_dir))
        if as_json:
            return watcher.run(watcher.json, interval or _EVERY, once=once, in_words=False)
        console = _terminal()
        if console is None:
            return watcher.run(watcher.lines, interval or _EVERY_LINE, once=once)
        with _live(console, watcher, once=once) as show:
            return watcher.run(show, interval or _EVERY, once=once)


class Watcher:
    """Polls the store, and reports how the watched uploads end.

    say: prints a line that stays on screen.
    """

    def __init__(self, store: StateStore, id: str | None, cancel: CancelToken, folder: Path | None) -> None:
        self.say: Callable[[str], None] = _print
        self.store = store
        self._cancel = cancel
        self._folder = folder
        self._job = find_job(store, id) if id is not None else None
        self._upload = find_upload(store, id) if id is not None and self._job is None else None

    @property
    def one(self) -> bool:
        """True if an ID was given."""
        return self._job is not None or self._upload is not None

    def run(self, show: Show, interval: float, *, once: bool, in_words: bool = True) -> int:
        """Watch until the end; returns the exit code.

        in_words: False if ``show`` also reports the end.
        """
        ids: set[str] = set()
        first = True
        while True:
            looked = self._look(ids)
            running = [each for each in looked if each.running]
            show(looked)
            if in_words:
                self._tell_ends([each for each in looked if not each.running])
                if first and not running and not self.one:
                    self._tell_unfinished()
            ids, first = {each.id for each in running}, False
            if once:
                return exit_codes.OK
            if not running:
                return self._code(looked) if self.one else exit_codes.OK
            if not self._wait(interval):
                return exit_codes.INTERRUPTED

    def _look(self, ids: set[str]) -> list[Watched]:
        if self._job is not None:
            return [watched_job(self.store, self._job)]
        if self._upload is not None:
            return [watched_upload(self.store, self._upload)]
        return all_running(self.store, ids)

    def _wait(self, seconds: float) -> bool:
        """Wait for the next update; False if the user stops watching."""
        end = time.monotonic() + seconds
        while not self._cancel.is_set() and (left := end - time.monotonic()) > 0:
            time.sleep(min(_TICK, left))
        return not self._cancel.is_set()

    def json(self, looked: list[Watched]) -> None:
        """The current state as a JSON object."""
        uploads = [each for each in looked if isinstance(each, WatchedUpload)]
        jobs = [each for each in looked if isinstance(each, WatchedJob)]
        inner = [upload for job in jobs for upload in job.uploads]
        snapshot = {
            "time": time.time(),
            "uploads": [facts(each.record, each.row, (each.parts, each.bytes)) for each in [*uploads, *inner]],
            "jobs": [job_facts(each.record, each.row) for each in jobs],
        }
        print(json.dumps(snapshot), flush=True)

    def lines(self, looked: list[Watched]) -> None:
        """The current state as one line per running upload or job."""
        from ..output.terminal.watch_view import line_of

        for each in looked:
            if each.running:
                self.say(line_of(each))
                for upload in each.uploads if isinstance(each, WatchedJob) else ():
                    self.say(f"  {line_of(upload)}")

    def _tell_ends(self, ended: Sequence[Watched]) -> None:
        for each in ended:
            words = _end_of_job(each) if isinstance(each, WatchedJob) else _end_of_upload(each)
            for line in [*words, *self._what_to_do(each)]:
                self.say(line)

    def _what_to_do(self, watched: Watched) -> list[str]:
        """The finished parts of an unfinished upload, and how to resume it."""
        resume = f"  to resume: {resume_command(watched.id, self._folder)}"
        if isinstance(watched, WatchedJob):
            if watched.record.status is not JobStatus.OPEN:
                return []
            resume = f"  to resume: {resume_job(watched.record, self._folder)}"
            return [*(f"  {line}" for line in safe_of_job(self.store, watched.record)), resume]
        record = watched.record
        if record.status not in UNFINISHED:
            return []
        count = part_count(record, watched.parts)
        parts = plural(watched.parts, "part")
        if count is not None and not record.is_stream:
            parts = f"{watched.parts:,} of {plural(count, 'part')}"
        if needs_producer(record):
            resume = f"  to resume: run the producer again: {stream_command(record, self._folder)}"
        return [f"  {parts} {verb(watched.parts)} safe on S3 ({format_size(watched.bytes)})", resume]

    def _tell_unfinished(self) -> None:
        from .list import print_unfinished

        self.say("nothing is running")
        if self.store.uploads(statuses=UNFINISHED) or self.store.jobs.all(open_only=True):
            self.say("unfinished:")
            print_unfinished(self.store)

    def _code(self, looked: Sequence[Watched]) -> int:
        (each,) = looked
        status = each.record.status.value
        if status == UploadStatus.COMPLETED.value:
            return exit_codes.OK
        return exit_codes.FAILED if status == UploadStatus.ABORTED.value else exit_codes.INCOMPLETE


def _end_of_upload(watched: WatchedUpload) -> list[str]:
    record, url = watched.record, printable(target_of(watched.record).url)
    if record.status is UploadStatus.COMPLETED:
        return [f"done: {url} ({format_size(record.size)}), {_proof(record.proof)}"]
    return _end(watched, url, cancelled=record.status is UploadStatus.ABORTED)


def _end_of_job(watched: WatchedJob) -> list[str]:
    record, url = watched.record, printable(watched.record.target)
    if record.status is JobStatus.COMPLETED:
        return [f"done: {plural(record.done + record.skipped, 'file')} ({format_size(record.bytes)}) to {url}"]
    if watched.row is None and record.failed:
        return [f"failed: {plural(record.failed, 'file')} of the job to {url}; `partway show {record.id}` shows why"]
    return _end(watched, url, cancelled=record.status is JobStatus.ABORTED)


def _end(watched: Watched, url: str, *, cancelled: bool) -> list[str]:
    if cancelled:
        return [f"cancelled: {url}"]
    ended = how_it_ended(watched.row)
    if ended is None or watched.row is None:
        return [f"not running: {url}"]
    snapshot = watched.row.record
    reason = (
        printable(snapshot.error)
        if snapshot.ended is not None
        else f"{describe_process(snapshot)} exited unexpectedly (killed or crashed)"
    )
    "unexpectedly (killed or crashed)"
    return [f"{ended}: {url}", f"  {reason}"]


def _proof(proof: str | None) -> str:
    if proof in (None, "size"):
        return "compared size only"
    return f"verified {proof}"


def _print(line: str) -> None:
    print(line, flush=True)


def _terminal() -> "Console | None":
    """The console for stdout if it is a terminal that can show bars."""
    if not sys.stdout.isatty():
        return None
    console = make_console()
    return console if is_live(console, sys.stdout) else None


@contextmanager
def _live(console: "Console", watcher: Watcher, *, once: bool) -> Iterator[Show]:
    """A live display of bars; lines that stay scroll away above it."""
    from rich.console import Group
    from rich.text import Text

    from ..output.terminal.live_display import LiveDisplay
    from ..output.terminal.watch_view import view_of

    def views(looked: list[Watched]) -> Group:
        shown = [view_of(watcher.store, each, with_map=watcher.one) for each in looked if each.running]
        spaced = [part for view in shown for part in (view, Text())]
        return Group(*spaced[:-1])

    if once:
        yield lambda looked: console.print(views(looked))
        return
    with LiveDisplay(console=console, auto_refresh=False, redirect_stdout=False) as live:
        watcher.say = lambda line: console.print(Text(line), soft_wrap=True)
        yield lambda looked: live.update(views(looked), refresh=True)
