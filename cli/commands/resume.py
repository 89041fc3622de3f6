"""``partway resume [ID...] | --all``."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import click

from partway.engine.errors import PartwayError
from partway.engine.events import EventSink
from partway.engine.events.upload import UploadDone, UploadSkipped
from partway.engine.job_records.later_jobs import LaterJobs
from partway.engine.job_records.later_uploads import LaterUploads
from partway.engine.run.stored_options import stored_options, target_of
from partway.engine.upload.file import resume_upload
from partway.engine.workers.channel import CancelToken
from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord

from ..help.groups import GroupedCommand
from ..options import shared
from ..options.aws_config import with_profile_limits
from ..options.bundle import collected
from ..options.connection import connection_options
from ..options.groups import OutputOptions, ResumeOptions, RunOptions, StateOptions
from ..options.sse_c import again_options
from ..output import select
from ..runtime import completion, exit_codes
from ..runtime.backend import backend_for
from ..runtime.context import CommandContext
from ..runtime.deadline import Deadline
from ..runtime.errors import failures_as_json, print_error
from ..runtime.lookup import find_job, find_upload
from ..runtime.resume_hint import needs_producer, only_by_producer
from ..runtime.store import named_folder, store_for
from ..text.escape import printable
from ..uploading import job as upload_job
from .left_alone import LeftAlone, job_left_alone, resume_unless, upload_left_alone


@click.command("resume", cls=GroupedCommand, epilog="Example:  partway resume 3f2a91bc")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=completion.resumable_ids)
@click.option("--all", "everything", is_flag=True, help="Resume every unfinished upload, oldest first.")
@connection_options
@again_options
@shared.profile_option
@shared.pace_options
@shared.max_parts_option
@shared.source_options
@shared.prune_option
@shared.dry_run_option
@shared.output_options
@shared.log_option
@shared.state_dir_option
@collected(resume_options=ResumeOptions, options=RunOptions, output_options=OutputOptions, state=StateOptions)
def command(
    ids: tuple[str, ...],
    everything: bool,
    resume_options: ResumeOptions,
    options: RunOptions,
    output_options: OutputOptions,
    state: StateOptions,
) -> int:
    """Resume unfinished uploads, from any directory; everything they need is stored.

    The start of an ID is enough.  Without an ID, resume the only unfinished upload or job.
    """
    output, dry_run = output_options.opened(), state.dry_run
    with failures_as_json(output), store_for(state) as store:
        context = CommandContext(
            store=store,
            settings=options.settings,
            output=output,
            state_dir=state.state_dir,
            deadline=Deadline(options.max_duration),
        )
        folder, warn = named_folder(state.state_dir), select.once(output.warn)

        def todo() -> Iterator[tuple[Callable[[], LeftAlone | None], Callable[[], int]]]:
            jobs, others = _chosen_jobs(store, ids, everything)
            later_uploads = cache(partial(LaterUploads, store))
            later_jobs = cache(partial(LaterJobs, store))
            if everything:
                # Checked before jobs run here, whose own objects must not count as written later than these uploads.
                later_uploads()
            for each in jobs:
                yield (
                    partial(job_left_alone, each, store, folder, later_jobs, dry_run=dry_run),
                    partial(
                        upload_job.resume,
                        each,
                        context,
                        resume_options,
                        dry_run=dry_run,
                        passes_over=everything,
                        warn=warn,
                    ),
                )
            wanted = others or not jobs or everything
            for record in _chosen(store, others, everything, folder, output.quiet) if wanted else ():
                left_alone = partial(upload_left_alone, record, store, folder, later_uploads, dry_run=dry_run)
                if needs_producer(record):
                    # Also without --all, since it is the unfinished one.
                    yield left_alone, partial(resume_unless, left_alone, lambda: exit_codes.OK, quiet=output.quiet)
                    continue
                yield (
                    left_alone,
                    partial(
                        _resume_one,
                        record,
                        context,
                        resume_options,
                        dry_run=dry_run,
                        passes_over=everything,
                        warn=warn,
                    ),
                )

        codes = _work_off(todo(), context.deadline, everything=everything, quiet=output.quiet)
    return exit_codes.worst(codes)


def _work_off(
    todo: Iterable[tuple[Callable[[], LeftAlone | None], Callable[[], int]]],
    deadline: Deadline,
    *,
    everything: bool,
    quiet: bool,
) -> list[int]:
    """Do the work one after the other, until one is interrupted; returns the exit codes.

    todo: For each, the check whether ``--all`` skips it, and the work.
    """
    codes: list[int] = []
    for left_alone, work in todo:
        if deadline.is_over:
            codes.append(exit_codes.INCOMPLETE)
            break
        codes.append(resume_unless(left_alone, work, quiet=quiet) if everything else work())
        if codes[-1] == exit_codes.INTERRUPTED:
            break
    return codes


def _resume_one(
    record: UploadRecord,
    context: CommandContext,
    options: ResumeOptions,
    *,
    dry_run: bool,
    passes_over: bool,
    warn: Callable[[str], None],
) -> int:
    if stored_options(record).customer_key is not None:
        # Before the bars appear, since it may prompt on the terminal.
        options = options.with_key(f"upload {record.id}")
    if dry_run:
        return _plan(record, context, options)
    work = partial(_resume, record=record, context=context, options=options, warn=warn)
    return context.run(work, passes_over=passes_over)


def _plan(record: UploadRecord, context: CommandContext, options: ResumeOptions) -> int:
    from ..uploading import dry_run

    backend = backend_for(
        record,
        concurrency=context.settings.concurrency,
        profile=options.profile,
        connection=options.connection,
    )
    target = target_of(record)
    try:
        return dry_run.print_plan(
            lambda _, cancel: (
                dry_run.plan_end_of_stream(record, target, context.store)
                if record.is_stream
                else dry_run.plan_file(record.source, target, context.engine(backend, cancel))
            ),
            context.output,
        )
    except PartwayError as error:
        print_error(error)
        return exit_codes.exit_code(error)


def _resume(
    sink: EventSink,
    cancel: CancelToken,
    *,
    record: UploadRecord,
    context: CommandContext,
    options: ResumeOptions,
    warn: Callable[[str], None],
) -> UploadDone | UploadSkipped:
    settings = with_profile_limits(context.settings, record.region, options.profile or record.profile, warn)
    backend = backend_for(
        record, concurrency=settings.concurrency, profile=options.profile, connection=options.connection
    )
    engine = replace(context, settings=settings).engine(backend, cancel, sink)
    if record.is_stream:
        from partway.engine.stream.finish import finish_stream

        return finish_stream(record, engine)
    return resume_upload(record, engine)


def _chosen_jobs(store: StateStore, ids: tuple[str, ...], everything: bool) -> tuple[list[JobRecord], tuple[str, ...]]:
    """The jobs with these IDs, or all open jobs; and the IDs that are not of a job."""
    if everything and not ids:
        return store.jobs.all(open_only=True), ()
    found = {id: find_job(store, id) for id in ids}
    jobs = {record.id: record for record in found.values() if record is not None}
    for record in jobs.values():
        if record.status is not JobStatus.OPEN:
            raise click.UsageError(f"job {record.id} is {record.status.label}; there is nothing to resume")
    if not ids and not store.uploads(statuses=UNFINISHED):
        # The only unfinished one.
        jobs = {record.id: record for record in store.jobs.all(open_only=True)}
        if len(jobs) > 1:
            names = "\n".join(f"  {each.id}  {printable(each.target)}" for each in jobs.values())
            raise click.UsageError(f"{len(jobs)} jobs are unfinished; give an ID, or --all:\n{names}")
    return list(jobs.values()), tuple(id for id, record in found.items() if record is None)


def _chosen(
    store: StateStore, ids: tuple[str, ...], everything: bool, folder: Path | None, quiet: bool
) -> list[UploadRecord]:
    if ids and everything:
        raise click.UsageError("give IDs or --all, not both")
    if ids:
        found = list({record.id: record for record in (find_upload(store, id) for id in ids)}.values())
        for record in found:
            if record.finished:
                raise click.UsageError(f"upload {record.id} is {record.status.label}; there is nothing to resume")
            if needs_producer(record):
                raise click.UsageError(only_by_producer(record, folder))
        return found
    # Uploads of a job are resumed by the job.
    owners = {job.id for job in store.jobs.all(open_only=True)} if everything else set()
    unfinished = [each for each in store.uploads(statuses=UNFINISHED) if each.job not in owners]
    found = [record for record in unfinished if not needs_producer(record)]
    if not unfinished and not quiet and not (everything and store.jobs.all()):
        click.echo("no unfinished uploads", err=True)
    if len(found) > 1 and not everything:
        names = "\n".join(
            f"  {record.id}  {printable(record.source)} to {printable(target_of(record).url)}" for record in found
        )
        raise click.UsageError(f"{len(found)} uploads are unfinished; give an ID, or --all:\n{names}")
    return [*(record for record in unfinished if needs_producer(record)), *found]
