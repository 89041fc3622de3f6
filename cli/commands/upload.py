"""``partway upload SOURCE... s3://bucket/key``."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.events import EventSink
from partway.engine.events.upload import UploadSkipped
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.upload.file import upload_file
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken
from partway.state.store import StateStore

from ..options import shared, values
from ..options.aws_config import TransferOptions, profile_transfer_settings, transfer_options
from ..options.bundle import collected
from ..options.connection import connection_options
from ..options.groups import ServiceOptions
from ..options.job import FilteredCommand, JobOptions, hopeless_filters, job_options
from ..options.object import object_options
from ..options.s3_uri import absolute, parse_destination, parse_target
from ..options.shared import retry_policy
from ..options.sse_c import VARIABLE, SseCOptions, customer_key_options
from ..output import select
from ..runtime.backend import make_backend
from ..runtime.errors import failures_as_json
from ..runtime.run import run_upload
from ..runtime.store import opened_store, read_only_store, state_folder
from ..text.encoding import locale_encoding
from ..text.escape import printable
from .upload_stream import StreamOptions, stream_options

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
@click.option("--no-guess-mime-type", is_flag=True, help="Do not guess the content type; leave it to the service.")
@click.option(
    "--checksum-algorithm",
    type=click.Choice([a.value for a in ChecksumAlgorithm], case_sensitive=False),
    help="Require this algorithm.  [default: CRC64NVME, or what the service supports]",
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
@collected(service=ServiceOptions)
def command(
    sources: tuple[str, ...],
    target: str,
    part_size: int | None,
    concurrency: int | None,
    bwlimit: int | None,
    retry_for: float | None,
    max_parts: int | None,
    service: ServiceOptions,
    object_options: ObjectOptions,
    key_options: SseCOptions,
    no_guess_mime_type: bool,
    checksum_algorithm: str | None,
    restart: bool,
    adopt: bool,
    verify_source: bool,
    check_updated: bool,
    dry_run: bool,
    many: JobOptions,
    expected_size: int | None,
    equal_parts: bool,
    allow_empty: bool,
    from_command: str | None,
    quiet: bool,
    no_progress: bool,
    as_json: bool,
    log_file: Path | None,
    state_dir: Path | None,
) -> int:
    """Upload SOURCE to s3://BUCKET/KEY, and verify that the object equals it.

    If the destination ends in /, the name of SOURCE is appended.  Several sources, and the files in directories (-r),
    go below the destination.  A SOURCE of - reads a stream from standard input; to resume it, run its producer again.
    """
    piped = StreamOptions(
        expected_size=expected_size,
        equal_parts=equal_parts,
        allow_empty=allow_empty,
        from_command=from_command,
        dry_run=dry_run,
    )
    is_job = many.recursive or len(sources) != 1 or many.files_from is not None
    if is_job:
        source, is_stream = "", False
        piped.check_none(sources)
        bucket, key = parse_destination(target)
        _check_sources(sources, many)
    else:
        is_stream = piped.check(sources[0], target)
        source = sources[0] if is_stream else absolute(sources[0])
        _check_no_job_options(many, "" if is_stream else source)
        bucket, key = parse_target(target, source)
    service = _with_key(service, key_options, object_options)
    named = [absolute(each) for each in sources] if not is_stream else []
    log = select.opened_log(log_file, sources=named, filters=many.filters)
    output = select.Output(quiet=quiet, no_progress=no_progress, json=as_json, log=log)
    with failures_as_json(output), (read_only_store if dry_run else opened_store)(state_dir) as store:
        transfer = transfer_options(
            TransferOptions(part_size=part_size, concurrency=concurrency, bandwidth=bwlimit),
            profile_transfer_settings(service.region, service.profile),
            output.warn,
        )
        backend = make_backend(service, concurrency=transfer.concurrency)
        settings = UploadSettings(
            part_size=transfer.part_size,
            concurrency=transfer.concurrency,
            bandwidth=transfer.bandwidth,
            limits=shared.limits_of(max_parts),
            policy=retry_policy(retry_for),
            algorithm=None if checksum_algorithm is None else ChecksumAlgorithm(checksum_algorithm.upper()),
            guess_content_type=not no_guess_mime_type,
            restart=restart,
            adopt=adopt,
            verify_source=verify_source,
            check_updated=check_updated,
        )
        if is_job:
            # Only here: a single file needs none of it.
            from partway.engine.job.context import JobSettings

            from . import upload_job

            for sentence in hopeless_filters(many.filters, named):
                output.warn(sentence)
            piped_list, listed = upload_job.opened_list(many.files_from)
            spec = JobSpec(
                # The names of a list are below a folder, wherever the job is resumed.
                sources=tuple(named) if named or listed is None else (absolute("."),),
                listed=listed,
                bucket=bucket,
                prefix=key,
                endpoint=backend.endpoint,
                filters=many.filters,
                follow_symlinks=many.follow_symlinks,
                skip_same=many.skip_same,
                key_encoding=many.key_encoding or locale_encoding(),
                part_size=transfer.part_size,
                algorithm=settings.algorithm,
                guess_content_type=settings.guess_content_type,
                options=object_options,
            )
            if dry_run:
                return upload_job.plan(
                    spec,
                    backend,
                    store,
                    settings,
                    output,
                    piped_list=piped_list,
                    fail_if_empty=many.fail_if_empty,
                )
            return upload_job.run(
                spec,
                backend,
                store,
                settings,
                output,
                state_dir,
                profile=backend.profile,
                piped_list=piped_list,
                job=JobSettings(fail_fast=many.fail_fast, prune=many.prune, fail_if_empty=many.fail_if_empty),
            )
        where = Target(bucket=bucket, key=key, endpoint=backend.endpoint, options=object_options)
        if not (is_stream or many.follow_symlinks) and os.path.islink(source):  # noqa: PTH114 - keeps undecodable names
            skipped = UploadSkipped(
                source=source, target=where.url, reason="the source is a symbolic link; nothing was sent"
            )
            return _skip(skipped, store, output, state_dir, dry_run=dry_run)
        if dry_run:
            from . import dry_run as dry

            return dry.tell(
                lambda _, cancel: (
                    piped.plan(where, EngineContext(backend=backend, store=store, settings=settings))
                    if is_stream
                    else dry.plan_file(
                        source, where, EngineContext(backend=backend, store=store, settings=settings, cancel=cancel)
                    )
                ),
                output,
            )
        send = partial(piped.upload, folder=state_folder(state_dir)) if is_stream else partial(upload_file, source)
        return run_upload(
            lambda sink, cancel: send(
                where,
                EngineContext(backend=backend, store=store, settings=settings, sink=sink, cancel=cancel),
                # Noted as they are now, so that a resume in another shell goes to the same place.
                region=backend.region,
                profile=backend.profile,
            ),
            store,
            output,
            state_dir,
            settings.nudge,
        )


def _skip(
    skipped: UploadSkipped, store: StateStore, output: select.Output, state_dir: Path | None, *, dry_run: bool
) -> int:
    """Say that nothing is to be done; the exit code."""
    if dry_run:
        from . import dry_run as dry

        return dry.tell(lambda sink, cancel: skipped, output)

    def work(sink: EventSink, cancel: CancelToken) -> UploadSkipped:
        sink(skipped)
        return skipped

    return run_upload(work, store, output, state_dir)


def _with_key(service: ServiceOptions, key_options: SseCOptions, options: ObjectOptions) -> ServiceOptions:
    """The service, connected to with the customer's key when the object is to have one.

    Raises:
        click.UsageError: there is none, or the options name another encryption.
    """
    if key_options.wanted and options.sse:
        raise click.UsageError("--sse and --sse-c cannot be used together")
    key = key_options.key()
    if key_options.wanted and key is None:
        raise click.UsageError(f"--sse-c needs a key: give it with --sse-c-key fileb://FILE, or in {VARIABLE}")
    return replace(service, connection=replace(service.connection, customer_key=key))


def _check_sources(sources: tuple[str, ...], many: JobOptions) -> None:
    """Refuse sources that make no job.

    Raises:
        click.UsageError
    """
    if not sources and many.files_from is None:
        raise click.UsageError("SOURCE is missing: give a file, or a directory with -r")
    folders = [each for each in sources if os.path.isdir(each)]  # noqa: PTH112 - keeps undecodable names
    if folders and not many.recursive and many.files_from is None:
        raise click.UsageError(f"{printable(folders[0])} is a directory; add -r to upload the files in it")
    if many.files_from is not None and (len(sources) > 1 or len(folders) != len(sources)):
        raise click.UsageError("--files-from takes at most one SOURCE: the directory that the names are relative to")


def _check_no_job_options(many: JobOptions, source: str) -> None:
    """Refuse options of folders for a single file.

    Raises:
        click.UsageError
    """
    if os.path.isdir(source):  # noqa: PTH112 - keeps undecodable names
        raise click.UsageError(f"{printable(source)} is a directory; add -r to upload the files in it")
    if many.filters or many.skip_same or many.fail_fast or many.prune or many.fail_if_empty or many.key_encoding:
        raise click.UsageError(
            "--include, --exclude, --skip-existing, --fail-fast, --fail-if-empty, --prune and --key-encoding apply to "
            "several files; add -r"
        )
