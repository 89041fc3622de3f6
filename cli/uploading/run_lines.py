"""How ``partway run`` runs its lines: single files side by side, lines of several files one after another."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from partway.engine.batch.files import BatchFile, FileBatch
from partway.engine.batch.finished import is_finished
from partway.engine.errors import PartwayError, PlanError, UploadCancelled
from partway.engine.events.upload import UploadSkipped
from partway.engine.run.settings import UploadSettings
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken
from partway.state.jobs import JobStatus

from ..runtime import exit_codes
from ..runtime.context import CommandContext
from ..runtime.signals import handle_signals
from .batch_output import BatchOutput
from .lines import Line
from .start import opened, upload_job

if TYPE_CHECKING:
    from partway.engine.s3.backend import S3Backend


class RunLines:
    """Runs lines and tells what became of each.

    Args:
        context: The settings that all lines have together.
        since: What was uploaded after this is not sent again; seconds since the epoch.
    """

    def __init__(self, context: CommandContext, told: BatchOutput, *, since: float) -> None:
        self._context = context
        self._told = told
        self._since = since

    def files(self, lines: Sequence[Line]) -> None:
        """Send single files of one service, several at a time.

        Raises:
            UploadCancelled, StateError.
        """
        try:
            backend, own = self._opened(lines[0])
        except PartwayError as error:
            for line in lines:
                self._told.failed(line.number, error)
            return
        cancel = CancelToken()
        engine = own.engine(backend, cancel)
        with (
            handle_signals(cancel),
            self._context.deadline.cancels(cancel),
            FileBatch(engine, on_event=self._told.event, on_result=self._told.result, on_idle=self._told.idle) as batch,
        ):
            try:
                for line in lines:
                    if (file := self._file(line, backend, own.settings)) is not None:
                        batch.start(file)
            except UploadCancelled:
                batch.finish()
                raise
            batch.finish()
            cancel.raise_if_cancelled()

    def jobs(self, lines: Sequence[Line]) -> None:
        """Run lines of several files.

        Raises:
            UploadCancelled, StateError.
        """
        for line in lines:
            if self._context.deadline.is_over:
                raise UploadCancelled("interrupted")
            try:
                backend, own = self._opened(line)
                if self._is_done(line, backend, own.settings):
                    self._told.already_done(line.number)
                    continue
                code = upload_job(line.upload, backend, own, dry_run=False)
            except click.UsageError as error:
                self._told.failed(line.number, PlanError(error.format_message()))
                continue
            except PartwayError as error:
                self._told.failed(line.number, error)
                continue
            if code == exit_codes.INTERRUPTED or (code == exit_codes.INCOMPLETE and self._context.deadline.is_over):
                raise UploadCancelled("interrupted")
            self._told.ended(line.number, code)

    def _opened(self, line: Line) -> tuple["S3Backend", CommandContext]:
        """The backend of a line, and its context with what all lines have together."""
        context = self._context
        backend, own = opened(line.upload, context.store, context.output, context.state_dir, context.deadline)
        return backend, replace(own, settings=self._together(line, own.settings))

    def _together(self, line: Line, own: UploadSettings) -> UploadSettings:
        shared, options = self._context.settings, line.upload.options
        return replace(
            own,
            concurrency=shared.concurrency or own.concurrency,
            bandwidth=shared.bandwidth or own.bandwidth,
            policy=shared.policy if options.retry_for is None else own.policy,
            limits=shared.limits if options.max_parts is None else own.limits,
            verify_source=shared.verify_source or own.verify_source,
            verify_each=shared.verify_each or own.verify_each,
            check_updated=shared.check_updated and own.check_updated,
        )

    def _file(self, line: Line, backend: "S3Backend", first: UploadSettings) -> BatchFile | None:
        """The file of a line; None when there is nothing to do.  first: the settings of the first line."""
        prepared, source = line.upload, line.upload.sources.source
        target = prepared.target(backend.endpoint)
        # os.path, since it keeps undecodable names.
        if not prepared.many.follow_symlinks and os.path.islink(source):  # noqa: PTH114
            reason = "the source is a symbolic link; nothing was sent"
            self._told.result(line.number, UploadSkipped(source=source, target=target.url, reason=reason))
            return None
        restart = prepared.options.restart
        if not restart and is_finished(self._context.store, source, target, since=self._since):
            self._told.already_done(line.number)
            return None
        part_size = prepared.options.part_size or first.part_size
        settings = prepared.options.settings_with(replace(prepared.options.transfer, part_size=part_size))
        return BatchFile(
            number=line.number,
            source=source,
            target=target,
            settings=self._together(line, settings),
            region=backend.region,
            profile=backend.profile,
        )

    def _is_done(self, line: Line, backend: "S3Backend", settings: UploadSettings) -> bool:
        """True when an interrupted run completed this line; a list of files is read again in any case."""
        if line.upload.many.files_from is not None or line.upload.options.restart:
            return False
        spec = line.upload.spec(backend.endpoint, settings, None)
        return any(
            _is_same(JobSpec.from_json(record.spec), spec)
            for record in self._context.store.jobs.all()
            if record.status is JobStatus.COMPLETED and record.created_at >= self._since and not record.failed
        )


def _is_same(one: JobSpec, other: JobSpec) -> bool:
    """True for equal jobs, whatever key encrypts their objects."""
    one, other = (replace(each, options=replace(each.options, customer_key=None)) for each in (one, other))
    return one == other
