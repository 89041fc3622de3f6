"""``partway doctor [s3://bucket[/prefix]]``."""

import json
import platform
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import click

from partway.engine.doctor.check import Check, Health
from partway.engine.doctor.state import check_state
from partway.engine.errors import PartwayError, StateError
from partway.engine.plural import plural
from partway.engine.workers.channel import CancelToken

from ..help.groups import GroupedCommand
from ..options import shared
from ..options.bundle import collected
from ..options.connection import connection_options
from ..options.groups import ServiceOptions
from ..options.s3_uri import parse_bucket
from ..runtime import exit_codes
from ..runtime.backend import make_backend
from ..runtime.signals import handle_signals
from ..runtime.store import state_folder
from ..text.console import wants_color
from ..text.escape import printable
from ..text.palette import AMBER_NUMBER, GREEN_NUMBER, RED_NUMBER
from ..text.width import stdout_width

_TIMEOUT = 5.0  # seconds; the default
_NAME = 14  # columns
_STATUS = 9  # columns
_COLOURS = {Health.OK: GREEN_NUMBER, Health.WARNING: AMBER_NUMBER, Health.FAILED: RED_NUMBER}


@click.command("doctor", cls=GroupedCommand, epilog="Example:  partway doctor s3://my-bucket/backups/")
@click.argument("bucket", required=False, metavar="[s3://BUCKET[/PREFIX]]")
@click.option(
    "--allow-leftovers",
    is_flag=True,
    help="Test CompleteMultipartUpload even if the tiny object that it creates cannot be removed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per check.")
@shared.service_options
@connection_options
@shared.state_dir_option
@collected(service=ServiceOptions)
def command(
    bucket: str | None,
    allow_leftovers: bool,
    as_json: bool,
    service: ServiceOptions,
    state_dir: Path | None,
) -> int:
    """Check what uploads need: the state directory, credentials and the endpoint.

    With a bucket, also check its region, permissions, checksums and rules, by uploading a few bytes below PREFIX and
    removing them again.  Exit code 0: no check failed, though there may be warnings; 1: a check failed.
    """
    from partway import __version__

    where = None if bucket is None else parse_bucket(bucket)
    found: list[Check] = []

    def say(check: Check) -> None:
        found.append(check)
        _print(check, as_json)

    say(
        Check(
            name="version",
            health=Health.OK,
            fact=f"partway {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        )
    )
    for check in _check_state(state_dir):
        say(check)
    cancel = CancelToken()
    with handle_signals(cancel):
        _visit(where, service, allow_leftovers, say, cancel)
    healths = [check.health for check in found]
    if not as_json:
        print(_summary(healths))
    return exit_codes.FAILED if Health.FAILED in healths else exit_codes.OK


def _check_state(state_dir: Path | None) -> Iterator[Check]:
    from partway.state.sqlite.store import SqliteStore  # not needed for --help

    try:
        yield from check_state(state_folder(state_dir), SqliteStore)
    except StateError as error:
        yield Check(name="state", health=Health.FAILED, fact=str(error))


def _visit(
    where: tuple[str, str] | None,
    service: ServiceOptions,
    leftovers: bool,
    say: Callable[[Check], None],
    cancel: CancelToken,
) -> None:
    from partway.engine.doctor.run import run_checks  # not needed for --help
    from partway.engine.s3.bucket import S3Uploads
    from partway.engine.s3.service import S3Probe

    connection = service.connection
    impatient = replace(
        connection,
        connect_timeout=_TIMEOUT if connection.connect_timeout is None else connection.connect_timeout,
        read_timeout=_TIMEOUT if connection.read_timeout is None else connection.read_timeout,
    )
    backend = make_backend(replace(service, connection=impatient), concurrency=None)
    try:
        endpoint = backend.endpoint
    except PartwayError as error:
        say(Check(name="endpoint", health=Health.FAILED, fact=str(error)))
        return
    run_checks(
        S3Probe(backend.config),
        backend,
        S3Uploads(backend.config),
        say,
        where=where,
        endpoint=endpoint,
        unsigned=connection.unsigned,
        checked=connection.verify is not False,
        leftovers=leftovers,
        cancel=cancel,
    )


def _print(check: Check, as_json: bool) -> None:
    if as_json:
        facts = asdict(check)
        print(json.dumps({"check": facts.pop("name")} | facts), flush=True)
        return
    indent = " " * (_STATUS + _NAME)
    room = max(stdout_width() - len(indent), 20)
    lines = textwrap.wrap(printable(check.fact), room, break_long_words=False, break_on_hyphens=False)
    status = f"{check.health.value:<{_STATUS}}"
    if wants_color(sys.stdout):
        status = click.style(status, fg=_COLOURS[check.health])
    print(f"{status}{check.name:<{_NAME}}{lines[0] if lines else ''}")
    for line in lines[1:]:
        print(indent + line)
    if check.advice:
        advice = f"-> {printable(check.advice)}"
        for line in textwrap.wrap(advice, room, break_long_words=False, break_on_hyphens=False):
            print(indent + line)
    if check.command:
        # On one line, so that it can be copied.
        print(f"  {printable(check.command)}")
    sys.stdout.flush()


def _summary(healths: list[Health]) -> str:
    failed, warnings = healths.count(Health.FAILED), healths.count(Health.WARNING)
    if not failed and not warnings:
        return f"{len(healths)} checks, all passed"
    parts = [f"{failed} failed"] if failed else []
    parts += [plural(warnings, "warning")] if warnings else []
    return f"{len(healths)} checks: {', '.join(parts)}"
