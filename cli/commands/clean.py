"""``partway clean [s3://bucket[/prefix]]``."""

from pathlib import Path

import click

from partway.engine.maintenance.orphans import RemovalPolicy

from ..help.groups import GroupedCommand
from ..options import shared, values
from ..options.bundle import collected
from ..options.connection import connection_options
from ..options.groups import ServiceOptions
from ..options.s3_uri import parse_bucket

_EPILOG = """Without --yes, it shows what it found and asks before removing it.

\b
Example:
  partway clean s3://my-bucket                abandoned uploads of all keys
  partway clean s3://my-bucket/backups/ --older-than 7d
  partway clean --older-than 90d              old history
"""


@click.command(
    "clean", cls=GroupedCommand, epilog=_EPILOG, short_help="Remove abandoned uploads from a bucket, or old history."
)
@click.argument("bucket", required=False, metavar="[s3://BUCKET[/PREFIX]]")
@click.option(
    "--older-than",
    callback=values.time_value,
    metavar="TIME",
    help="Minimum age, e.g. 7d or 12h, since the last part of an upload, or the end of a history entry.  "
    "[default: 1d; 30d for history]",
)
@click.option("--ours", is_flag=True, help="Include uploads that partway could resume, but never a running one.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--dryrun", "--dry-run", "-n", "dry_run", is_flag=True, help="Show what would be removed, and remove nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per upload; remove only with --yes.")
@shared.service_options
@connection_options
@shared.state_dir_option
@collected(service=ServiceOptions)
def command(
    bucket: str | None,
    older_than: float | None,
    ours: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    service: ServiceOptions,
    state_dir: Path | None,
) -> int:
    """Remove abandoned multipart uploads from a bucket.  They cost storage, and no listing of objects shows them.

    An upload that received a part within the last day is kept, since it may be in progress.  So is one that partway
    can resume, unless --ours is given.  If the service does not report when parts arrived, an upload is removed only
    with --older-than, counted from its start.

    Without a bucket: forget uploads that were completed or cancelled long ago.  Nothing on S3 is touched.
    """
    from .clean_bucket import Asking, clean_bucket, clean_history

    asking = Asking(yes=yes and not dry_run, dry_run=dry_run, json=as_json)
    if bucket is None:
        if ours:
            raise click.UsageError("--ours needs a bucket, e.g. s3://bucket")
        return clean_history(older_than, asking, state_dir)
    name, prefix = parse_bucket(bucket)
    return clean_bucket(
        name,
        prefix,
        RemovalPolicy(older_than=older_than, ours=ours),
        asking,
        service,
        state_dir,
    )
