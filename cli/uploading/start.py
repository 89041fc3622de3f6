"""What a prepared ``upload`` command works with, and the start of a job."""

from pathlib import Path
from typing import TYPE_CHECKING

from partway.state.store import StateStore

from ..options.aws_config import profile_transfer_settings, transfer_options
from ..options.job import hopeless_filters
from ..output.select import Output
from ..runtime.backend import make_backend
from ..runtime.context import CommandContext
from ..runtime.deadline import Deadline
from .prepared import PreparedUpload

if TYPE_CHECKING:
    from partway.engine.s3.backend import S3Backend


def opened(
    prepared: PreparedUpload, store: StateStore, output: Output, state_dir: Path | None, deadline: Deadline
) -> tuple["S3Backend", CommandContext]:
    """What the command works with: its backend, and its settings with those of the AWS configuration.

    Raises:
        RemoteError: the AWS configuration is not usable.
    """
    service, options = prepared.service, prepared.options
    block = profile_transfer_settings(service.region, service.profile)
    transfer = transfer_options(options.transfer, block, output.warn)
    settings = options.settings_with(transfer)
    context = CommandContext(store=store, settings=settings, output=output, state_dir=state_dir, deadline=deadline)
    return make_backend(service, concurrency=transfer.concurrency), context


def upload_job(prepared: PreparedUpload, backend: "S3Backend", context: CommandContext, *, dry_run: bool) -> int:
    """Send several files, or say what would be sent; the exit code."""
    # Not needed for a single file.
    from partway.engine.job.context import JobSettings

    from . import job

    many = prepared.many
    for sentence in hopeless_filters(many.filters, prepared.sources.named):
        context.output.warn(sentence)
    piped_list, listed = job.opened_list(many.files_from)
    spec = prepared.spec(backend.endpoint, context.settings, listed)
    if dry_run:
        return job.plan(spec, backend, context, piped_list=piped_list, fail_if_empty=many.fail_if_empty)
    return job.run(
        spec,
        backend,
        context,
        profile=backend.profile,
        piped_list=piped_list,
        job=JobSettings(fail_fast=many.fail_fast, prune=many.prune, fail_if_empty=many.fail_if_empty),
    )
