"""``partway upload SOURCE s3://bucket/key``."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from partway.engine.backend import ObjectOptions, Target
from partway.engine.checksum import ChecksumAlgorithm
from partway.engine.limits import AWS
from partway.engine.retry import RetryPolicy
from partway.engine.settings import UploadSettings
from partway.engine.upload import upload_file

from . import options, render
from .piped import Piped, stream_options
from .session import failures_as_json, make_backend, opened_store, run_upload, state_folder, verification
from .text import printable

_EPILOG = """Run the same command again after any interruption: it goes on where it was.

\b
Example:
  partway upload backup.tar s3://my-bucket/backups/ --storage-class STANDARD_IA
  pg_dump db | partway upload - s3://my-bucket/db.sql
"""


@click.command("upload", epilog=_EPILOG, short_help="Upload a file, or go on with an interrupted upload.")
@click.argument("source", type=click.Path(path_type=str))
@click.argument("target", metavar="s3://BUCKET/KEY")
@click.option(
    "-p",
    "--part-size",
    callback=options.size_value,
    metavar="SIZE",
    help="Like 16MiB, from 5MiB to 5GiB.  [default: 16MiB, more for files over 156 GiB]",
)
@options.pace_options
@click.option("--max-parts", type=click.IntRange(1, 10_000), metavar="N", help="For services that take fewer parts.")
@click.option("--endpoint-url", callback=options.url_value, metavar="URL", help="Of a service other than AWS.")
@options.tls_options
@click.option("--profile", metavar="NAME", help="Of the AWS configuration.")
@click.option("--region", metavar="NAME", help="Of the bucket.")
@click.option("--acl", type=click.Choice(options.ACLS), help="Canned ACL.")
@click.option("--storage-class", type=click.Choice(options.STORAGE_CLASSES), help="Storage class.")
@click.option(
    "--content-type", callback=options.header_value, metavar="TYPE", help="[default: guessed from the source's name]"
)
@click.option("--no-guess-mime-type", is_flag=True, help="Leave the content type to the service.")
@click.option(
    "--metadata", callback=options.metadata_value, metavar="MAP", help="User metadata: name=value,name=value, or JSON."
)
@click.option(
    "--sse",
    is_flag=False,
    flag_value="AES256",
    type=click.Choice(["AES256", "aws:kms", "aws:kms:dsse"]),
    help="Encrypt on the server; AES256 when nothing is named.",
)
@click.option("--sse-kms-key-id", callback=options.header_value, metavar="ID", help="The KMS key for --sse aws:kms.")
@click.option(
    "--checksum-algorithm",
    type=click.Choice([a.value for a in ChecksumAlgorithm], case_sensitive=False),
    help="Use this one or fail.  [default: CRC64NVME, or what the service supports]",
)
@click.option("--no-overwrite", is_flag=True, help="Never replace an object that exists.")
@click.option("--restart", is_flag=True, help="Give up an unfinished upload of this file and start over.")
@click.option("--adopt", is_flag=True, help="Go on with an unfinished upload of the key that only S3 knows.")
@stream_options
@options.output_options
@options.state_dir_option
def command(
    source: str,
    target: str,
    part_size: int | None,
    concurrency: int | None,
    bwlimit: int | None,
    retry_for: float | None,
    max_parts: int | None,
    endpoint_url: str | None,
    no_verify_ssl: bool,
    ca_bundle: str | None,
    profile: str | None,
    region: str | None,
    acl: str | None,
    storage_class: str | None,
    content_type: str | None,
    no_guess_mime_type: bool,
    metadata: tuple[tuple[str, str], ...],
    sse: str | None,
    sse_kms_key_id: str | None,
    checksum_algorithm: str | None,
    no_overwrite: bool,
    restart: bool,
    adopt: bool,
    expected_size: int | None,
    equal_parts: bool,
    allow_empty: bool,
    from_command: str | None,
    quiet: bool,
    no_progress: bool,
    as_json: bool,
    state_dir: Path | None,
) -> int:
    """Upload SOURCE to s3://BUCKET/KEY, and prove that the object equals it.

    A target that ends in / gets the name of SOURCE appended.  A SOURCE of - is what comes in by a pipe: run the same
    producer again to go on with it.
    """
    piped = Piped(
        expected_size=expected_size, equal_parts=equal_parts, allow_empty=allow_empty, from_command=from_command
    )
    is_stream = piped.check(source, target)
    source = source if is_stream else _absolute(source)
    bucket, key = parse_target(target, source)
    output = render.Output(quiet=quiet, no_progress=no_progress, json=as_json)
    verify = verification(ca_bundle, no_verify_ssl)
    backend = make_backend(endpoint_url, region, profile, concurrency=concurrency, verify=verify)
    settings = UploadSettings(
        part_size=part_size,
        concurrency=concurrency,
        bandwidth=bwlimit,
        limits=AWS if max_parts is None else replace(AWS, max_parts=max_parts),
        policy=retry_policy(retry_for),
        algorithm=None if checksum_algorithm is None else ChecksumAlgorithm(checksum_algorithm.upper()),
        guess_content_type=not no_guess_mime_type,
        restart=restart,
        adopt=adopt,
    )
    with failures_as_json(output), opened_store(state_dir) as store:
        where = Target(
            bucket=bucket,
            key=key,
            endpoint=backend.endpoint,
            options=ObjectOptions(
                acl=acl,
                storage_class=storage_class,
                content_type=content_type,
                metadata=metadata,
                sse=sse,
                sse_kms_key_id=sse_kms_key_id,
                no_overwrite=no_overwrite,
            ),
        )
        send = partial(piped.upload, folder=state_folder(state_dir)) if is_stream else partial(upload_file, source)
        return run_upload(
            lambda sink, cancel: send(
                where,
                backend=backend,
                store=store,
                settings=settings,
                sink=sink,
                cancel=cancel,
                # Noted as they are now, so that a resume in another shell goes to the same place.
                region=backend.region,
                profile=profile or os.environ.get("AWS_PROFILE"),
            ),
            store,
            output,
            state_dir,
        )


def retry_policy(retry_for: float | None) -> RetryPolicy:
    """The usual policy, with the user's patience when he named it."""
    return RetryPolicy() if retry_for is None else RetryPolicy(budget=retry_for, first_contact=retry_for)


def _absolute(source: str) -> str:
    try:
        return os.path.abspath(source)  # noqa: PTH100 - keeps undecodable names
    except OSError as error:
        raise click.UsageError("the current folder is gone; go to another one, or name SOURCE from /") from error


def parse_target(target: str, source: str) -> tuple[str, str]:
    """Bucket and key; the name of ``source``, an absolute path, is appended to a target that ends in ``/``.

    Raises:
        click.UsageError: it is no s3:// address of an object.
    """
    if not target.startswith("s3://"):
        raise click.UsageError(f"the target {printable(target)!r} must look like s3://bucket/key")
    bucket, slash, key = target.removeprefix("s3://").partition("/")
    if not bucket:
        raise click.UsageError(f"the target {printable(target)!r} names no bucket; write s3://bucket/key")
    if not slash:
        raise click.UsageError(
            f"the target {target!r} names no key; write {target}/ to keep the file's name, or {target}/key"
        )
    if not key or key.endswith("/"):
        key += os.path.basename(source)  # noqa: PTH119 - keeps undecodable names
    try:
        f"{bucket}/{key}".encode()
    except UnicodeEncodeError:
        raise click.UsageError(
            f"the key {printable(key)} is not valid UTF-8; name the key in the target, or rename the file"
        ) from None
    return bucket, key
