"""``partway verify FILE... s3://bucket/key``."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from partway.engine.backend.target import Target
from partway.engine.errors import PartwayError, SourceError
from partway.engine.maintenance.verify import Comparison, compare
from partway.engine.proof.compare import Verdict
from partway.engine.workers.channel import CancelToken

from ..help.groups import GroupedCommand
from ..options import shared, values
from ..options.bundle import collected
from ..options.connection import connection_options
from ..options.groups import ServiceOptions
from ..options.s3_uri import absolute, check_destination, parse_destination, parse_target
from ..options.sse_c import SseCOptions, again_options
from ..runtime import exit_codes
from ..runtime.backend import make_backend
from ..runtime.errors import print_error
from ..runtime.signals import handle_signals
from ..runtime.store import read_only_store
from ..text.escape import printable

if TYPE_CHECKING:
    from partway.engine.s3.backend import S3Backend
    from partway.state.store import StateStore

_WORDS = {
    Verdict.EQUAL: "equal",
    Verdict.DIFFERENT: "DIFFERENT",
    Verdict.MISSING: "MISSING",
    Verdict.UNKNOWN: "cannot tell",
}


@click.command("verify", cls=GroupedCommand, epilog="Example:  partway verify video.mkv s3://my-bucket/video.mkv")
@click.argument("files", nargs=-1, type=click.Path(readable=False, path_type=str), metavar="FILE...")
@click.argument("target", metavar="s3://BUCKET/KEY")
@click.option(
    "-p",
    "--part-size",
    callback=values.size_value,
    metavar="SIZE",
    help="Part size of the object, if the service does not report it.",
)
@shared.service_options
@connection_options
@again_options
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
@shared.state_dir_option
@collected(service=ServiceOptions)
def command(
    files: tuple[str, ...],
    target: str,
    part_size: int | None,
    service: ServiceOptions,
    key_options: SseCOptions,
    quiet: bool,
    as_json: bool,
    state_dir: Path | None,
) -> int:
    """Compare FILE with the object, by size and checksum, without downloading it.

    If the destination ends in /, as it must for several files, each file's name is appended.  Exit code 0: all are
    equal; 1: one differs, or cannot be compared.
    """
    check_destination(files, target, "FILE")
    if not files:
        raise click.UsageError("FILE is missing: name it before the destination")
    paths = [absolute(each) for each in files]
    if len(paths) > 1:
        parse_destination(target)
    service = replace(service, connection=replace(service.connection, customer_key=key_options.key()))
    backend = make_backend(service, concurrency=None)
    code = exit_codes.OK
    with read_only_store(state_dir) as store:
        for path in paths:
            bucket, key = parse_target(target, path)
            where = Target(bucket=bucket, key=key, endpoint=backend.endpoint)
            try:
                found = _compare(path, where, backend, store, part_size)
            except PartwayError as error:
                if as_json:
                    facts = {"path": path, "target": where.url, "verdict": "failed", "by": str(error), "size": None}
                    print(json.dumps(facts), flush=True)
                if not isinstance(error, SourceError):
                    raise
                print_error(error)
                code = exit_codes.FAILED
                continue
            if as_json:
                print(json.dumps(asdict(found)))
            elif not quiet or found.verdict is not Verdict.EQUAL:
                print(
                    f"{_WORDS[found.verdict]}: {printable(path)} and {printable(found.target)} ({found.by})",
                    file=sys.stdout if found.verdict is Verdict.EQUAL else sys.stderr,
                )
            if found.verdict is not Verdict.EQUAL:
                code = exit_codes.FAILED
    return code


def _compare(path: str, target: Target, backend: "S3Backend", store: "StateStore", part_size: int | None) -> Comparison:
    known = [
        record.part_size for record in store.uploads_to(target.bucket, target.key) if record.endpoint == target.endpoint
    ]
    cancel = CancelToken()
    with handle_signals(cancel):
        return compare(
            path, target, backend, cancel=cancel, part_sizes=known[-1:] if part_size is None else [part_size]
        )
