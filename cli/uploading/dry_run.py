"""``--dry-run``: print what would be done.  Nothing is sent, locked or stored."""

import sys
from collections.abc import Callable

from partway.engine.dry_run.file import plan_file
from partway.engine.dry_run.stream import plan_end_of_stream
from partway.engine.events import Event, EventSink
from partway.engine.events.dry_run import JobPlanned, UploadPlanned
from partway.engine.events.request_counts import Requests, counts
from partway.engine.events.upload import FileFailed, FileSkipped, UploadSkipped
from partway.engine.plural import plural
from partway.engine.workers.channel import CancelToken

from ..output import select
from ..output.json_sink import JsonSink
from ..runtime import exit_codes
from ..runtime.signals import handle_signals
from ..text.escape import printable
from ..text.units import format_size

__all__ = ["plan_end_of_stream", "plan_file", "print_plan"]

Plan = Callable[[EventSink, CancelToken], UploadPlanned | UploadSkipped | JobPlanned]
NOTHING_TO_ABORT = "  dry run: nothing was sent or stored"


def print_plan(plan: Plan, output: select.Output, *, many: bool = False) -> int:
    """Make the plan and print it; the exit code is 1 if files would fail.  many: True for a job.

    Raises:
        PartwayError: the whole upload would be refused.
    """
    cancel = CancelToken()
    sink: EventSink = JsonSink(sys.stdout) if output.json else _Lines(quiet=output.quiet, many=many)
    with handle_signals(cancel):
        made = plan(sink, cancel)
    if not isinstance(made, JobPlanned):
        sink(made)
    return exit_codes.FAILED if isinstance(made, JobPlanned) and made.failed else exit_codes.OK


class _Lines:
    """Prints a line per file of a job, or several for a single file; failures go to stderr, even with --quiet."""

    def __init__(self, *, quiet: bool, many: bool) -> None:
        self._quiet = quiet
        self._many = many

    def __call__(self, event: Event) -> None:
        out = sys.stderr if isinstance(event, FileFailed) else sys.stdout
        if not self._quiet or out is sys.stderr:
            for line in lines(event, many=self._many):
                print(line, file=out)


def lines(event: Event, *, many: bool = False) -> list[str]:
    """The lines about a plan.  many: True for one file of a job."""
    match event:
        case FileSkipped():
            return [f"would skip {printable(event.source)}: {event.reason}"]
        case FileFailed():
            return [f"would fail: {printable(event.source)}: {printable(event.error)}"]
        case UploadSkipped():
            return [f"would skip {printable(event.target)}: {event.reason}", NOTHING_TO_ABORT]
        case UploadPlanned() if event.total_bytes is None:
            return _stream(event)
        case UploadPlanned():
            return [_file(event)] if many else [_file(event), *_kept(event), _requests(event), NOTHING_TO_ABORT]
        case JobPlanned():
            return _job(event)
        case _:
            return []


def _file(event: UploadPlanned) -> str:
    assert event.total_bytes is not None
    size = format_size(event.total_bytes)
    if event.part_count is not None and not event.put_object:
        size += f" in {plural(event.part_count, 'part')} of {format_size(event.part_size)}"
    return f"would upload {printable(event.source)} to {printable(event.target)} ({size})"


def _kept(event: UploadPlanned) -> list[str]:
    if not event.kept_parts:
        return []
    sent = f"  of that, an earlier run sent {plural(event.kept_parts, 'part')} ({format_size(event.kept_bytes)})"
    if event.source_changed:
        return [f"{sent}; the file has changed since, and unchanged parts are kept"]
    return [f"{sent}, kept if S3 still has them"]


def _stream(event: UploadPlanned) -> list[str]:
    assert event.most_bytes is not None
    first, room = format_size(event.part_size), format_size(event.most_bytes)
    found = [
        f"would upload the stream to {printable(event.target)}, in parts of {first} or more",
        f"  its size and the number of requests are not known yet; at most {room} fit",
    ]
    if event.kept_parts:
        size = format_size(event.kept_bytes)
        found.append(
            f"  an earlier run sent {plural(event.kept_parts, 'part')} ({size}), kept where the bytes are the same"
        )
    return [*found, NOTHING_TO_ABORT]


def _job(event: JobPlanned) -> list[str]:
    facts = [
        f"would upload {plural(event.files, 'file')} ({format_size(event.bytes)}) to {printable(event.target)}",
        *([f"{event.skipped:,} skipped"] if event.skipped else []),
        *([f"{event.failed:,} would fail"] if event.failed else []),
        *([f"{event.resumed:,} done by earlier runs"] if event.resumed else []),
    ]
    kept = [f"  of that, earlier runs sent {format_size(event.kept_bytes)}"] if event.kept_bytes else []
    return [", ".join(facts), *kept, _requests(event), NOTHING_TO_ABORT]


def _requests(requests: Requests) -> str:
    """``  110 requests: 107 UploadPart, 1 ListParts``."""
    kinds = [f"{count:,} {_name(name)}" for name, count in counts(requests) if count]
    total = sum(count for _, count in counts(requests))
    return f"  {plural(total, 'request')}: {', '.join(kinds)}" if kinds else "  no requests"


def _name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
