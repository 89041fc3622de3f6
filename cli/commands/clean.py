"""``partway clean [s3://bucket[/prefix]]``."""

from pathlib import Path

import click

from partway.engine.maintenance.orphans import RemovalPolicy

from ..options import shared, values
from ..options.connection import Connection, connection_options
from ..options.s3_uri import parse_bucket

_EPILOG = """Without --yes it shows what it found and asks first.

\b
Example:
  partway clean s3://my-bucket                      forgotten uploads of all keys
  partway clean s3://my-bucket/backups/ --older-than 7d
  partway clean --older-than 90d                    old history
"""


@click.command("clean", epilog=_EPILOG, short_help="Remove forgotten uploads from a bucket, or old history.")
@click.argument("bucket", required=False, metavar="[s3://BUCKET[/PREFIX]]")
@click.option(
    "--older-than",
    callback=values.time_value,
    metavar="TIME",
    help="Like 7d or 12h: since an upload's newest part arrived, or since history ended.  "
    "[default: 1d; 30d for history]",
)
@click.option("--ours", is_flag=True, help="Also uploads that partway could resume; never one that runs now.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dryrun", "--dry-run", "-n", "dry_run", is_flag=True, help="Only show what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each; removes only with --yes.")
@shared.service_options
@connection_options
@shared.state_dir_option
def command(
    bucket: str | None,
    older_than: float | None,
    ours: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    endpoint_url: str | None,
    profile: str | None,
    region: str | None,
    connection: Connection,
    state_dir: Path | None,
) -> int:
    """Remove unfinished uploads that nobody goes on with from a bucket: they cost storage and no listing shows them.

    An upload to which a part came within the last day is not offered: somebody may be sending it.  Nor is one that
    partway can resume, unless --ours is given.  Where the service does not say when parts came, an upload is offered
    only with --older-than, which then counts from its beginning.

    Without a bucket: forget what was done or cancelled long ago.  Nothing on S3 is touched.
    """
    from .clean_bucket import Asking, clean_bucket, clean_history

    asking = Asking(yes=yes and not dry_run, dry_run=dry_run, json=as_json)
    if bucket is None:
        if ours:
            raise click.UsageError("--ours is about a bucket; name one like s3://bucket")
        return clean_history(older_than, asking, state_dir)
    name, prefix = parse_bucket(bucket)
    return clean_bucket(
        name,
        prefix,
        RemovalPolicy(older_than=older_than, ours=ours),
        asking,
        state_dir,
        endpoint_url=endpoint_url,
        profile=profile,
        region=region,
        connection=connection,
    )
