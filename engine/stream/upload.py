"""The way in for a stream: upload what a program writes into a pipe, and go on when the same program runs again.

A stream passes once.  So its parts are compared with what earlier runs sent as they pass, a part that has to be sent
again waits in its spool, and what would need bytes that passed ends the run: the producer then has to run again.
(docs/decisions/0014-streams.md)
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from partway.state.uploads import STREAM, UploadRecord, UploadStatus

from ..backend.target import Target
from ..errors import ObjectExists, PlanError, SourceError, UploadFailed
from ..events.upload import TAKEN, OverwriteNotExcluded, UploadDone, UploadSkipped
from ..limits import wants_equal_parts
from ..progress.upload_publisher import UploadPublisher
from ..resume.lock import claimed
from ..resume.renewal import start_over
from ..run.announce import failures_emitted
from ..run.context import EngineContext
from ..run.record import default_algorithm, holder, new_record
from ..run.run import UploadRun
from ..run.settings import UploadSettings, check_settings
from ..run.stored_options import (
    check_algorithm,
    check_key,
    check_record,
    options_at_create,
    with_content_type,
    with_customer_key,
)
from ..source.identity import SourceIdentity, identify
from ..source.plan import UploadPlan
from ..upload.abort import give_up
from ..upload.file import with_stored_wish
from ..upload.overwrite import needs_look
from ..upload.put_object import put_whole
from ..upload.skip import check_key_free, skip_upload
from ..workers.channel import WorkerContext
from .finish import made_earlier
from .plan import StreamPlan, plan_stream, replan_stream
from .reader import SPACE, StreamChunker
from .repeat import is_repeated
from .send import RUN_AGAIN, complete_stream, recall, send_stream
from .spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What a caller may choose of a stream.

    expected_size: bytes that it will have, about; None: nobody knows.
    equal_parts: True keeps all parts equal; some services need it, and those that are known get it anyway.
    allow_empty: True uploads a stream of no bytes as an empty object instead of refusing it.
    folder: for the parts in flight; None: the system's folder for temporary files.
    confirm: called on a worker when the stream has ended, before anything is made of it; what it raises (the producer
        failed) leaves the upload unfinished.  None: an end is an end.
    command: stored with the upload, for messages: how users start it again, in a form that the caller can read; None
        keeps what is stored.
    """

    expected_size: int | None = None
    equal_parts: bool = False
    allow_empty: bool = False
    folder: Path | None = None
    confirm: Callable[[WorkerContext], None] | None = None
    command: str | None = None


def upload_stream(
    descriptor: int,
    target: Target,
    context: EngineContext,
    *,
    stream: StreamSettings = StreamSettings(),
    region: str | None = None,
    profile: str | None = None,
) -> UploadDone | UploadSkipped:
    """Upload what can be read from the file descriptor to its end, and prove that the object equals it.

    After an error, finished parts stay on S3 and in the store.  Calling again with the same bytes sends what is
    missing; parts whose bytes are others by then are sent again.

    Args:
        descriptor: Of a pipe, a socket or a file, read in order to its end; not closed.  Only where there is
            ``/dev/fd``: not on Windows.
        target, context, region, profile: As for ``upload_file``.

    Raises:
        SourceError: the stream cannot be read.
        PlanError: the settings are not possible, or the stream is longer than its parts can hold.
        UploadFailed: parts could not be sent; or the stream was empty, or ended before what was sent of it earlier.
        StateLocked, RemoteError, ProofFailed, UploadCancelled, StateError.
    """
    store, settings = context.store, context.settings
    with failures_emitted(context.sink, store, "") as known:
        check_settings(settings)
        _check_stream(descriptor, settings)
        check_key(target, settings.limits)
        target = with_customer_key(target, context.backend)
        source = SourceIdentity(path=STREAM, size=0, mtime_ns=0, ctime_ns=None, inode=0, device=0)
        with claimed(store, STREAM, target), UploadPublisher(store.live, context.sink) as told:
            record = store.unfinished(STREAM, target.endpoint, target.bucket, target.key)
            fresh, before = record is None or settings.restart, record
            equal = stream.equal_parts or stream.expected_size is not None or wants_equal_parts(target.endpoint)
            if record is None or settings.restart:
                if settings.guess_content_type:
                    target = replace(target, options=with_content_type(target.options, target.key))
                plan = plan_stream(
                    part_size=settings.part_size,
                    expected_size=stream.expected_size,
                    equal=equal,
                    limits=settings.limits,
                )
                algorithm = settings.algorithm or default_algorithm(store, target.endpoint, context.clock.time())
                now = context.clock.time()
                record = new_record(source, target, plan.part_size, algorithm, region, profile, now)
                record = replace(record, wanted_algorithm=settings.algorithm, command=stream.command)
            else:
                check_record(record, settings.limits)
                settings = with_stored_wish(settings, record)
                check_algorithm(record, settings.algorithm)
                target = replace(target, options=options_at_create(record, target.options))
                record = replace(
                    record,
                    run=record.run + 1,
                    holder=holder(),
                    wanted_algorithm=settings.algorithm,
                    command=stream.command or record.command,
                )
                sizes = [(part.number, part.size) for part in store.parts(record.id)]
                plan = replan_stream(record.part_size, sizes, equal=equal, limits=settings.limits)
            fixed = settings.concurrency
            if fixed is not None:
                # One worker reads ahead while the others send.
                settings = replace(settings, concurrency=fixed + 1)
            run = UploadRun(
                source=source,
                target=target,
                plan=plan,
                record=record,
                context=replace(context, settings=settings, sink=told),
                on_idle=told.on_idle,
            )

            def begun(record: UploadRecord) -> None:
                known(record)
                told.begin(record.id)

            if not fresh:
                begun(record)
            with run.pool:
                try:
                    if before is not None:
                        known(before)
                    check_key_free(run, before if fresh else None)
                    if fresh and before is not None:
                        give_up(before, run.context)
                        known(replace(before, id=""))
                    earlier = made_earlier(run) if run.record.status is UploadStatus.COMPLETING else None
                    if earlier is not None and target.options.no_overwrite:
                        run.finish(*earlier)
                        return _skipped(run)
                    space = SPACE if fixed is None else None
                    cutter = StreamChunker(descriptor, plan, folder=stream.folder, space=space, senders=fixed)
                    first = run.pool.run(lambda line: cutter.next(run.algorithm, line, md5=True))
                    assert first is not None  # nobody stopped the reading
                    # Ctrl-C ends the producer too: what looks like the stream's end may be that.
                    context.cancel.raise_if_cancelled()
                    if earlier is not None:
                        # That object is what the stream was then; what it is now may be the same.
                        # Not recorded before that is known: a run that is stopped meanwhile compares again.
                        try:
                            same = is_repeated(run, cutter, first, store.parts(run.record.id))
                        except UploadFailed:
                            run.finish(*earlier)
                            known(replace(run.record, id=""))
                            raise
                        if same:
                            _confirm(run, stream)
                            return run.finish(*earlier)
                        run.finish(*earlier)
                        known(replace(run.record, id=""))
                        start_over(run)
                        run.record = replace(run.record, size=0)
                    run.plan = plan
                    if needs_look(target):
                        run.emit(OverwriteNotExcluded(upload=run.record.id))
                    return _send(run, plan, cutter, first, stream, begun)
                except ObjectExists as error:
                    return skip_upload(run, error)


def _send(
    run: UploadRun,
    plan: StreamPlan,
    cutter: StreamChunker,
    first: Spool,
    stream: StreamSettings,
    begun: Callable[[UploadRecord], None],
) -> UploadDone:
    if cutter.ended:
        # Before anything else is said of its end: the producer knows why it is empty or short.
        _confirm(run, stream)
    if cutter.ended and first.size == 0 and not stream.allow_empty:
        again = run.record.upload_id is not None
        raise UploadFailed(
            "the stream was empty, as after a producer that failed at once; nothing was uploaded"
            + (f": {RUN_AGAIN}" if again else ". If an empty object is meant, add --allow-empty"),
            resumable=again,
        )
    if cutter.ended and run.record.upload_id is None:
        run.save(size=first.size)
        begun(run.record)
        # The whole stream is one short part, and its spool is a file.
        run.source = identify(first.path)
        run.plan = UploadPlan(file_size=first.size, part_size=run.record.part_size)
        return put_whole(run)
    run.save()
    begun(run.record)
    before = recall(run)
    begun(run.record)
    send_stream(run, plan, cutter, first, before, expected=stream.expected_size)
    _confirm(run, stream)
    if (end := before.end(plan)) > cutter.total:
        raise UploadFailed(
            f"the stream ended at {cutter.total:,} bytes, before the {end:,} that were sent of it earlier, so its "
            f"producer may have failed; nothing was completed: {RUN_AGAIN}, or take the shorter stream with --restart",
            resumable=True,
        )
    run.plan = replace(plan, file_size=cutter.total)
    run.save(status=UploadStatus.OPEN, size=cutter.total)
    return complete_stream(run)


def _confirm(run: UploadRun, stream: StreamSettings) -> None:
    if stream.confirm is not None:
        run.pool.run(stream.confirm)


def _skipped(run: UploadRun) -> UploadSkipped:
    skipped = UploadSkipped(source=STREAM, target=run.target.url, reason=TAKEN)
    run.emit(skipped)
    return skipped


def _check_stream(descriptor: int, settings: UploadSettings) -> None:
    if settings.executor is not None:
        raise PlanError("a stream needs workers in this process: leave executor away")
    if settings.adopt:
        raise PlanError("--adopt is for files: run the producer again, and what S3 has of its stream is found")
    try:
        found = os.fstat(descriptor)
    except OSError as error:
        raise SourceError(f"there is no stream to read: standard input is closed ({error.strerror})") from error
    if stat.S_ISDIR(found.st_mode):
        raise SourceError("the stream is a folder; pipe a program's output into the upload, or name a file")
