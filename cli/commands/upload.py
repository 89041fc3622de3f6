"""``partway upload SOURCE... s3://bucket/key``."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.events import EventSink
from partway.engine.events.upload import UploadDone, UploadSkipped
from partway.engine.upload.file import upload_file
from partway.engine.workers.channel import CancelToken

from ..options import shared, values
from ..options.aws_forms import ignored_options, warn_of_ignored
from ..options.bundle import collected
from ..options.connection import connection_options
from ..options.groups import OutputOptions, ServiceOptions, StateOptions, UploadOptions
from ..options.job import FilteredCommand, job_options
from ..options.object import object_options
from ..options.sse_c import VARIABLE, SseCOptions, customer_key_options
from ..runtime import exit_codes
from ..runtime.context import CommandContext
from ..runtime.deadline import Deadline
from ..runtime.errors import failures_as_json
from ..runtime.store import state_folder, store_for
from ..uploading.prepared import TAKES, PreparedUpload
from ..uploading.sources import UploadSources
from ..uploading.start import opened, upload_job
from ..uploading.stream import StreamOptions, stream_options

if TYPE_CHECKING:
    from partway.engine.s3.backend import S3Backend

_EPILOG = """After any interruption, run the same command again: it resumes where it stopped.

\b
Example:
  partway upload db.tar s3://my-bucket/backups/ --storage-class STANDARD_IA
  partway upload -r photos s3://my-bucket/photos/ --exclude '*.tmp'
  pg_dump db | partway upload - s3://my-bucket/db.sql
"""


@click.command(
    "upload",
    cls=FilteredCommand,
    epilog=_EPILOG,
    short_help="Upload files, or resume an interrupted upload.",
)
@click.argument("sources", nargs=-1, type=click.Path(readable=False, path_type=str), metavar="SOURCE...")
@click.argument("target", metavar="s3://BUCKET/KEY")
@click.option(
    "-p",
    "--part-size",
    callback=values.size_value,
    metavar="SIZE",
    help="Part size, from 5MiB to 5GiB.  [default: 16MiB, larger for files over 156 GiB]",
)
@shared.pace_options
@shared.max_parts_option
@shared.service_options
@connection_options
@object_options
@customer_key_options
@ignored_options
@click.option("--no-guess-mime-type", is_flag=True, help="Do not guess the content type; leave it to the service.")
@click.option(
    "--checksum-algorithm",
    type=click.Choice([a.value for a in ChecksumAlgorithm], case_sensitive=False),
    metavar="NAME",
    help=f"Require this algorithm: {', '.join(a.value for a in ChecksumAlgorithm)}.  "
    "[default: CRC64NVME, or what the service supports]",
)
@click.option("--restart", is_flag=True, help="Abort an unfinished upload of this file and start over.")
@click.option("--adopt", is_flag=True, help="Resume an upload found on S3 but missing from the local state.")
@shared.source_options
@shared.dry_run_option
@job_options
@stream_options
@shared.output_options
@shared.log_option
@shared.state_dir_option
@collected(stream=StreamOptions, state=StateOptions)
@collected(what=UploadSources, service=ServiceOptions, options=UploadOptions, output_options=OutputOptions)
def command(
    what: UploadSources,
    service: ServiceOptions,
    object_options: ObjectOptions,
    key_options: SseCOptions,
    options: UploadOptions,
    output_options: OutputOptions,
    state: StateOptions,
) -> int:
    """Upload SOURCE to s3://BUCKET/KEY, and verify that the object equals it.

    If the destination is a bucket or ends in /, the name of SOURCE is appended.  Several sources, and the files in
    directories (-r), go below the destination.  A SOURCE of - reads a stream from standard input; to resume it, run its
    producer again.
    """
    sources = what.checked()
    if sources.is_stream and object_options.preserve:
        raise click.UsageError("--preserve is for files; a stream has no time and mode")
    prepared = PreparedUpload(
        sources=sources,
        many=what.many,
        service=_with_key(service, key_options, object_options),
        object_options=object_options,
        options=options,
    )
    if (take := click.get_current_context().meta.get(TAKES)) is not None:
        take(prepared)
        return exit_codes.OK
    output = output_options.opened(sources=sources.named, filters=what.many.filters)
    warn_of_ignored(output.warn)
    with failures_as_json(output), store_for(state) as store:
        backend, context = opened(prepared, store, output, state.state_dir, Deadline(options.max_duration))
        if sources.is_job:
            return upload_job(prepared, backend, context, dry_run=state.dry_run)
        where = prepared.target(backend.endpoint)
        # os.path, because it keeps undecodable names.
        if not (sources.is_stream or what.many.follow_symlinks) and os.path.islink(sources.source):  # noqa: PTH114
            skipped = UploadSkipped(
                source=sources.source, target=where.url, reason="the source is a symbolic link; nothing was sent"
            )
            return _skip(skipped, context, dry_run=state.dry_run)
        stream = what.stream if sources.is_stream else None
        if state.dry_run:
            return _plan(sources.source, stream, where, backend, context)
        return _upload(sources.source, stream, where, backend, context)


def _plan(
    source: str, stream: StreamOptions | None, where: Target, backend: "S3Backend", context: CommandContext
) -> int:
    """Print what would be sent; returns the exit code.  stream: None for a file."""
    from ..uploading import dry_run as dry

    return dry.print_plan(
        lambda _, cancel: (
            dry.plan_file(source, where, context.engine(backend, cancel))
            if stream is None
            else stream.plan(where, context.engine(backend, cancel))
        ),
        context.output,
    )


def _upload(
    source: str, stream: StreamOptions | None, where: Target, backend: "S3Backend", context: CommandContext
) -> int:
    """Upload it; returns the exit code.  stream: None for a file."""
    if stream is None:
        send: Callable[..., UploadDone | UploadSkipped] = partial(upload_file, source)
    else:
        send = partial(stream.upload, folder=state_folder(context.state_dir))
    return context.run(
        lambda sink, cancel: send(
            where,
            context.engine(backend, cancel, sink),
            # Stored as resolved now, so that a resume from another shell uses the same service.
            region=backend.region,
            profile=backend.profile,
        )
    )


def _skip(skipped: UploadSkipped, context: CommandContext, *, dry_run: bool) -> int:
    """Report that nothing is to be done; returns the exit code."""
    if dry_run:
        from ..uploading import dry_run as dry

        return dry.print_plan(lambda sink, cancel: skipped, context.output)

    def work(sink: EventSink, cancel: CancelToken) -> UploadSkipped:
        sink(skipped)
        return skipped

    return context.run(work)


def _with_key(service: ServiceOptions, key_options: SseCOptions, options: ObjectOptions) -> ServiceOptions:
    """The service options, with the customer-provided key if the object is to be encrypted with one.

    Raises:
        click.UsageError: there is no key, or the options name another encryption.
    """
    if key_options.wanted and options.sse:
        raise click.UsageError("--sse and --sse-c cannot be used together")
    key = key_options.key()
    if key_options.wanted and key is None:
        raise click.UsageError(f"--sse-c needs a key: give it with --sse-c-key fileb://FILE, or in {VARIABLE}")
    return replace(service, connection=replace(service.connection, customer_key=key))
