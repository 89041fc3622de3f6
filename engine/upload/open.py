"""Open a run of an upload: lock it, then resume the unfinished upload or start a new one.

Files and streams share this; they differ only in how they are split into parts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from partway.state.uploads import STREAM, UploadRecord

from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..progress.upload_publisher import UploadPublisher
from ..resume.lock import check_unfinished, locked
from ..run.announce import FailedUpload
from ..run.context import EngineContext
from ..run.preserve import with_file_attributes
from ..run.record import ResumeInfo, default_algorithm, new_record, process_name
from ..run.run import UploadRun
from ..run.settings import UploadSettings
from ..run.stored_options import check_algorithm, check_record, options_at_create, stored_options, with_content_type
from ..source.identity import SourceIdentity
from ..source.plan import UploadPlan
from ..workers.channel import SharedWorkers
from .abort import abort
from .skip import check_key_free

P = TypeVar("P", bound=UploadPlan)
P_co = TypeVar("P_co", bound=UploadPlan, covariant=True)


class Planner(Protocol[P_co]):
    """Splits one source into parts.  Both methods raise PlanError when no plan fits the service's limits."""

    def plan(self, settings: UploadSettings) -> P_co:
        """The plan of a new upload."""
        ...

    def replan(self, record: UploadRecord, settings: UploadSettings) -> P_co:
        """The plan of a stored upload, which keeps its part size."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRun(Generic[P]):
    """A run whose upload is locked.

    plan: as returned by the planner; ``run.plan`` may change later.
    is_new: True when this run starts the upload; nothing of it is stored yet.
    replaced: the unfinished upload that this one replaces, or None.
    """

    run: UploadRun
    plan: P
    is_new: bool
    replaced: UploadRecord | None
    _about: FailedUpload
    _publisher: UploadPublisher

    def identify(self) -> None:
        """Name the upload in failures and in ``partway watch``.  Call it again after the ID has changed."""
        self._about.id = self.run.record.id
        self._publisher.begin(self.run.record.id)
        self.run.pool.follow_pace(self.run.store.live, self.run.record.id)

    def forget_id(self) -> None:
        """Stop attributing failures to the upload that was named last."""
        self._about.id = ""

    def check_key_free(self) -> None:
        """With --no-overwrite, reject a key that is taken; see ``upload.skip.check_key_free``."""
        check_key_free(self.run, self.replaced)

    def abort_replaced(self) -> None:
        """Abort the upload that this one replaces.

        Call it as late as possible: an upload that cannot be planned, read or stored must not cost the existing parts.

        Raises:
            RemoteError, UploadFailed, UploadCancelled, StateError.
        """
        if self.replaced is not None:
            abort(self.replaced, self.run.context, self.run.shared_workers)
            self.forget_id()


@contextmanager
def open_run(
    source: SourceIdentity,
    target: Target,
    context: EngineContext,
    planner: Planner[P],
    *,
    info: ResumeInfo,
    about: FailedUpload,
    workers: SharedWorkers | None = None,
) -> Iterator[OpenedRun[P]]:
    """Lock the upload of the source to the destination and open a run of it.  The workers end with the block.

    Nothing is stored, sent or aborted yet.

    Args:
        about: Names the upload in failures.  If it already names one, that upload must still be unfinished.
        workers: Given when several uploads share their workers; None for a standalone upload.

    Raises:
        AlreadyRunning: another process is sending it.
        AlreadyEnded: the named upload is no longer unfinished.
        PlanError: the part size, the settings or the options are invalid.
        StateError.
    """
    store = context.store
    with locked(store, source.path, target), UploadPublisher(store.live, context.sink, context.clock) as publisher:
        if about.id:
            check_unfinished(store, about.id)
        found = store.unfinished(source.path, target.endpoint, target.bucket, target.key)
        if found is None or context.settings.restart or _has_other_options(found, target, context.settings):
            is_new = True
            opening = _start(source, target, context, planner, info)
        else:
            is_new = False
            opening = _resume(found, target, context.settings, planner, info)
        run = UploadRun(
            source=source,
            target=opening.target,
            plan=opening.plan,
            record=opening.record,
            context=replace(context, settings=opening.settings, sink=publisher),
            on_idle=publisher.on_idle,
            workers=workers,
        )
        opened = OpenedRun(
            run=run,
            plan=opening.plan,
            is_new=is_new,
            replaced=found if is_new else None,
            _about=about,
            _publisher=publisher,
        )
        if found is not None:
            about.id = found.id
        if not is_new:
            opened.identify()
        with run.pool:
            yield opened


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening(Generic[P]):
    """What a run starts with."""

    record: UploadRecord
    target: Target
    plan: P
    settings: UploadSettings


def _start(
    source: SourceIdentity, target: Target, context: EngineContext, planner: Planner[P], info: ResumeInfo
) -> _Opening[P]:
    settings, now = context.settings, context.clock.time()
    if settings.guess_content_type:
        name = target.key if source.path == STREAM else source.path
        target = replace(target, options=with_content_type(target.options, name))
    if source.path != STREAM:
        target = replace(target, options=with_file_attributes(target.options, source.path, source.mtime_ns))
    plan = planner.plan(settings)
    algorithm = settings.algorithm or default_algorithm(context.store, target.endpoint, now)
    record = new_record(source, target, part_size=plan.part_size, algorithm=algorithm, info=info, now=now)
    record = replace(record, wanted_algorithm=settings.algorithm)
    return _Opening(record=record, target=target, plan=plan, settings=settings)


def _resume(
    record: UploadRecord, target: Target, settings: UploadSettings, planner: Planner[P], info: ResumeInfo
) -> _Opening[P]:
    check_record(record, settings.limits)
    plan = planner.replan(record, settings)
    settings = _with_stored_algorithm(settings, record)
    check_algorithm(record, settings.algorithm)
    target = replace(target, options=options_at_create(record, target.options))
    record = replace(
        record,
        run=record.run + 1,
        holder=process_name(),
        wanted_algorithm=settings.algorithm,
        command=info.command or record.command,
    )
    return _Opening(record=record, target=target, plan=plan, settings=settings)


def _has_other_options(record: UploadRecord, target: Target, settings: UploadSettings) -> bool:
    """True when the caller wants exactly its own options, and the upload was started with others."""
    if not settings.same_options:
        return False
    return stored_options(record) != target.options or settings.algorithm not in (None, record.checksum_algorithm)


def _with_stored_algorithm(settings: UploadSettings, record: UploadRecord) -> UploadSettings:
    """The settings with the checksum algorithm that the user asked for when the upload was started, unless they set one
    now.  An algorithm that the user asked for is never silently replaced when the service does not support it."""
    if settings.algorithm is not None or record.wanted_algorithm is None:
        return settings
    return replace(settings, algorithm=ChecksumAlgorithm(record.wanted_algorithm))
