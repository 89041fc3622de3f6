"""``partway pace ID``: make a running upload or job slower or faster."""

from dataclasses import replace
from pathlib import Path

import click

from partway.engine.flow.timetable import parse_bandwidth
from partway.state.jobs import JobRecord
from partway.state.live import PaceRequest
from partway.state.store import StateStore
from partway.state.uploads import UploadRecord

from ..options import shared, values
from ..runtime import completion, exit_codes
from ..runtime.lookup import find_job, find_upload
from ..runtime.store import read_only_store

_EPILOG = """The change lasts until the upload or job ends; a resume uses the options of its own command.

\b
Example:
  partway pace 3f2a91bc --bwlimit 5M -c 2
  partway pace 3f2a91bc --bwlimit off
"""
_MOST = 256
_AUTO = "auto"


def _bandwidth(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        values.read(parse_bandwidth, value)
    return value


def _concurrency(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value not in (None, _AUTO) and not (value.isdecimal() and len(value) < 4 and 1 <= int(value) <= _MOST):
        raise click.BadParameter(f"{value[:30]!r} is not a number from 1 to {_MOST}, nor {_AUTO}")
    return value


@click.command("pace", epilog=_EPILOG)
@click.argument("id", shell_complete=completion.unfinished_ids)
@click.option(
    "--bwlimit",
    callback=_bandwidth,
    metavar="RATE",
    help="Bandwidth limit in bytes per second, e.g. 5M; off; or a timetable.",
)
@click.option(
    "-c",
    "--concurrency",
    callback=_concurrency,
    metavar="N",
    help="Maximum number of parts in flight, up to 32 or what the run started with; auto: as at its start.",
)
@click.option("--reset", is_flag=True, help="Restore the settings that the run started with.")
@shared.state_dir_option
def command(id: str, bwlimit: str | None, concurrency: str | None, reset: bool, state_dir: Path | None) -> int:
    """Change the pace of an upload or job that another process runs on this machine.

    The start of an ID is enough.  The run follows within about a second; parts in flight are finished first.
    """
    if reset == bool(bwlimit or concurrency):
        raise click.UsageError("give --bwlimit, -c or both; or --reset alone")
    with read_only_store(state_dir) as store:
        record = _running(store, id)
        request = store.live.requested_pace(record.id)
        if request is None:
            raise click.UsageError(
                f"{record.id} shares its connections with other uploads of its process, as in `partway run`, and has "
                "no pace of its own; stop that process, and run it again with --bwlimit or -c"
            )
        what = f"{'job' if isinstance(record, JobRecord) else 'upload'} {record.id}"
        if reset:
            store.live.request_pace(record.id, PaceRequest())
            print(f"{what} returns to the pace that it began with")
            return exit_codes.OK
        if bwlimit is not None:
            request = replace(request, bandwidth=bwlimit)
        if concurrency is not None:
            request = replace(request, concurrency=None if concurrency == _AUTO else int(concurrency))
        store.live.request_pace(record.id, request)
    print(f"{what}: {_in_words(request)}")
    return exit_codes.OK


def _running(store: StateStore, prefix: str) -> UploadRecord | JobRecord:
    """The running upload or job with this ID; for an upload of a job, the job.

    Raises:
        click.UsageError: there is none, or it is not running.
    """
    record: UploadRecord | JobRecord = find_job(store, prefix) or find_upload(store, prefix)
    if isinstance(record, UploadRecord) and record.job is not None and _is_running(store, record.job):
        record = store.jobs.get(record.job) or record
    if not _is_running(store, record.id):
        raise click.UsageError(
            f"{record.id} is not running; set its pace when you resume it: partway resume {record.id}"
        )
    return record


def _is_running(store: StateStore, id: str) -> bool:
    snapshot = store.live.get(id)
    return snapshot is not None and snapshot.alive


def _in_words(request: PaceRequest) -> str:
    limits = [] if request.bandwidth is None else [f"--bwlimit {request.bandwidth!r}"]
    limits += [] if request.concurrency is None else [f"-c {request.concurrency}"]
    return " ".join(limits) or "-c auto"
