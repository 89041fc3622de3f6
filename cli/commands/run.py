"""``partway run FILE``: many upload commands from a list, in one process."""

import time
from itertools import groupby
from pathlib import Path

import click

from partway.engine.errors import UploadCancelled
from partway.state.files.runs import UnfinishedRun

from ..help.groups import GroupedCommand
from ..options import shared
from ..options.bundle import collected
from ..options.groups import OutputOptions, RunOptions
from ..runtime import exit_codes
from ..runtime.context import CommandContext
from ..runtime.deadline import Deadline
from ..runtime.errors import failures_as_json
from ..runtime.store import named_folder, opened_store, state_folder
from ..runtime.typed import typed
from ..text.escape import quoted
from ..uploading.batch_output import BatchOutput
from ..uploading.lines import Line, list_text, prepared_lines
from ..uploading.run_lines import RunLines
from . import upload

_EPILOG = """A line is an upload command in the quoting of the shell.  Blank lines and comments (#) are skipped.  Single
files are sent side by side, lines with -r one after another.

After any interruption, run the same file again: what is done is not sent again.

\b
Example:
  partway run uploads.txt -c 8
  ./make-list | partway run -
"""


@click.command("run", cls=GroupedCommand, epilog=_EPILOG)
@click.argument("file", metavar="FILE")
@shared.pace_options
@shared.max_parts_option
@shared.source_options
@shared.output_options
@shared.log_option
@shared.state_dir_option
@collected(options=RunOptions, output_options=OutputOptions)
def command(file: str, options: RunOptions, output_options: OutputOptions, state_dir: Path | None) -> int:
    """Run the upload commands of FILE, one a line, in one process; - reads them from standard input.

    All lines are checked before the first is run.  A line that fails stops no other, and is named; the exit code is the
    worst of all.
    """
    place, text = list_text(file)
    lines = prepared_lines(text, upload.command)
    output, deadline = output_options.opened(), Deadline(options.max_duration)
    told = BatchOutput(output, len(lines))
    with failures_as_json(output), opened_store(state_dir) as store:
        unfinished = UnfinishedRun(state_folder(state_dir), text, time.time())
        context = CommandContext(
            store=store, settings=options.settings, output=output, state_dir=state_dir, deadline=deadline
        )
        run = RunLines(context, told, since=unfinished.began_at)
        try:
            for service, group in groupby(lines, key=_service):
                send = run.jobs if service is None else run.files
                send(list(group))
        except UploadCancelled:
            told.codes.append(exit_codes.INCOMPLETE if deadline.is_over else exit_codes.INTERRUPTED)
        if not told.codes:
            unfinished.end()
    told.end(_again(file, place, named_folder(state_dir)))
    return exit_codes.worst(told.codes)


def _service(line: Line) -> object:
    """Neighbours with the same one share connections; None for a line of several files."""
    return None if line.upload.sources.is_job else line.upload.service


def _again(file: str, place: str | None, folder: Path | None) -> str:
    """The same command, from any directory.  place: absolute path of the list; None for standard input."""
    words = [place or word if word == file else word for each in typed() for word in each.words]
    return " ".join(["partway", *(["--state-dir", quoted(str(folder))] if folder else []), "run", *map(quoted, words)])
