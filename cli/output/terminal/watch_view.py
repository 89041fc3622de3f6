"""The display of ``watch`` on a terminal."""

import time
from pathlib import PurePath

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from partway.engine.plural import plural
from partway.engine.run.stored_options import target_of
from partway.state.store import StateStore

from ...status.facts import quiet_seconds
from ...status.part_map import PartMap, part_map
from ...status.snapshot import (
    Watched,
    WatchedJob,
    WatchedUpload,
    describe_process,
    in_flight_words,
    job_progress_of,
    progress_of,
    quiet_words,
)
from ...text.escape import printable, shorten
from ...text.palette import AMBER
from ...text.units import format_size
from ..messages import status_line
from .job_bars import JobLine, UploadLines, free_lines
from .upload_bar import UploadBar

_MIN_ROWS, _MAX_ROWS = 2, 16
_OTHER_LINES = 9  # of a view, without the rows of its map


class UploadView:
    """The two lines of an upload's bar; then its ID and what it is waiting for.

    map: the part map below; None for no map.
    """

    def __init__(self, watched: WatchedUpload, map: PartMap | None = None) -> None:
        self._watched = watched
        self._map = map

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        watched, width = self._watched, options.max_width
        assert watched.row is not None
        snapshot = watched.row.record
        yield UploadBar(progress_of(watched), time.time)
        if quiet := quiet_words(watched):
            yield _line(quiet, options, AMBER)
        if snapshot.away_since is not None and snapshot.reason:
            yield _line(f"endpoint unreachable: {printable(snapshot.reason)}", options, AMBER)
        facts = [in_flight_words(watched), describe_process(snapshot)]
        tail = ", ".join(fact for fact in facts if fact)
        room = max(12, width - len(watched.id) - len(tail) - 9)
        target = shorten(printable(target_of(watched.record).url), room, ascii_only=options.ascii_only)
        where = "" if watched.record.is_stream else f" to {target}"
        yield _line(f"{watched.id}{where}, {tail}", options)
        if self._map is None:
            return
        if snapshot.retries and snapshot.reason and snapshot.away_since is None:
            yield _line(f"last retry: {printable(snapshot.reason)}", options)
        yield Text()
        rows = max(_MIN_ROWS, min(_MAX_ROWS, console.height - _OTHER_LINES))
        plain = options.ascii_only
        for row in [*self._map.rows(max(10, width - 3), rows, ascii_only=plain), self._map.legend(ascii_only=plain)]:
            yield Text("  ", no_wrap=True).append_text(row)


class JobView:
    """A job's destination and status; its small files in flight; then its uploads with their bars."""

    def __init__(self, watched: WatchedJob) -> None:
        self._watched = watched

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        watched, width = self._watched, options.max_width
        assert watched.row is not None
        snapshot = watched.row.record
        progress = job_progress_of(watched)
        lines = [_line(status_line.job_state(progress, time.time(), width - 3), options)]
        if quiet := quiet_words(watched):
            lines.append(_line(quiet, options, AMBER))
        large = {each.record.source for each in watched.uploads}
        small = [(path, sent) for path, sent in snapshot.files if path not in large]
        if small:
            files = [f"{printable(PurePath(path).name)} ({format_size(sent)})" for path, sent in small]
            lines.append(_line(f"now: {', '.join(files)}", options))
        if snapshot.retries:
            lines.append(
                _line(f"{plural(snapshot.retries, 'retry', 'retries')}, last: {printable(snapshot.reason)}", options)
            )
        lines.append(_line(f"{watched.id}, {describe_process(snapshot)}", options))
        yield JobLine(progress, f"job to {printable(watched.record.target)}")
        yield from lines
        uploads = [progress_of(each) for each in watched.uploads]
        yield UploadLines(uploads, room=free_lines(console, len(lines) + 1), ids=True)


def view_of(store: StateStore, watched: Watched, *, with_map: bool) -> UploadView | JobView:
    """The view of a running upload or job."""
    if isinstance(watched, WatchedJob):
        return JobView(watched)
    shown = None
    if with_map and watched.row is not None:
        shown = part_map(store, watched.record, [number for number, _ in watched.row.record.parts])
    return UploadView(watched, shown)


def line_of(watched: Watched) -> str:
    """The same in one line, for logs."""
    assert watched.row is not None
    snapshot = watched.row.record
    if isinstance(watched, WatchedJob):
        job = job_progress_of(watched)
        facts = [*filter(None, [status_line.job_percent(job)]), status_line.job_state(job)]
        name = printable(watched.record.target)
    else:
        progress = progress_of(watched)
        name = printable(progress.target if watched.record.is_stream else progress.name)
        facts = [status_line.share_and_state(progress)]
        if flight := in_flight_words(watched):
            facts.append(flight)
    if snapshot.away_since is not None:
        facts.append(f"endpoint unreachable: {printable(snapshot.reason)}")
    if quiet_seconds(snapshot) and (quiet := quiet_words(watched)):
        facts.append(quiet)
    return f"{watched.id} {name}: {', '.join([*facts, describe_process(snapshot)])}"


def _line(words: str, options: ConsoleOptions, style: str = "dim") -> Text:
    return Text(f"  {shorten(words, options.max_width - 3, ascii_only=options.ascii_only)}", style=style, no_wrap=True)
