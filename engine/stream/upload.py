"""The entry point for streams: upload what a program writes to a pipe, and resume when the same program runs again.

A stream can be read only once.  So its parts are compared with those of earlier runs as they are read, each part is
kept in a spool until S3 has it, and an error that requires earlier bytes ends the run: the producer must run again.
(docs/decisions/0014-streams.md)
"""

import os
import stat
from dataclasses import replace

from partway.state.uploads import STREAM, UploadStatus

from ..backend.target import Target
from ..errors import ObjectExists, PlanError, SourceError, UploadFailed
from ..events.upload import TAKEN, OverwriteNotExcluded, UploadDone, UploadSkipped
from ..proof.proof import Proof
from ..resume.renewal import start_over
from ..run.announce import failures_emitted
from ..run.context import EngineContext
from ..run.record import ResumeInfo
from ..run.run import UploadRun
from ..run.settings import UploadSettings, check_settings
from ..run.stored_options import check_key, with_sse_c_fingerprint
from ..source.identity import identify
from ..source.plan import UploadPlan
from ..upload.open import OpenedRun, open_run
from ..upload.overwrite import needs_head
from ..upload.put_object import put_whole
from ..upload.skip import skip_upload
from .finish import STREAM_IDENTITY, completed_by_earlier_run
from .plan import StreamPlan
from .reader import SPOOL_LIMIT, StreamChunker
from .repeat import is_repeated
from .send import RUN_AGAIN, complete_stream, load_earlier_parts, send_stream
from .settings import StreamPlanner, StreamSettings
from .spool import Spool


def upload_stream(
    descriptor: int,
    target: Target,
    context: EngineContext,
    *,
    stream: StreamSettings = StreamSettings(),  # noqa: B008 - frozen
    region: str | None = None,
    profile: str | None = None,
) -> UploadDone | UploadSkipped:
    """Read the file descriptor to its end, upload the bytes, and verify that the object equals them.

    After an error, finished parts stay on S3 and in the store.  The next call with the same bytes sends what is
    missing; parts whose bytes have changed are sent again.

    Args:
        descriptor: A pipe, socket or file, which is read in order to its end and not closed.  Requires ``/dev/fd``, so
            this does not work on Windows.
        target, context, region, profile: As for ``upload_file``.

    Raises:
        SourceError: the stream cannot be read.
        PlanError: the settings are invalid, or the stream is larger than its plan can hold.
        UploadFailed: parts could not be sent, the stream was empty, or it is shorter than what earlier runs sent.
        StateLocked, RemoteError, ProofFailed, UploadCancelled, StateError.
    """
    with failures_emitted(context.sink, context.store, "") as about:
        check_settings(context.settings)
        _check_stream(descriptor, context.settings)
        check_key(target, context.settings.limits)
        target = with_sse_c_fingerprint(target, context.backend)
        planner = StreamPlanner(stream=stream, endpoint=target.endpoint, parts=context.store.parts)
        info = ResumeInfo(region=region, profile=profile, command=stream.command)
        max_senders = context.settings.concurrency
        if max_senders is not None:
            # One worker reads ahead while the others send.
            context = replace(context, settings=replace(context.settings, concurrency=max_senders + 1))
        with open_run(STREAM_IDENTITY, target, context, planner, info=info, about=about) as opened:
            try:
                return _StreamUpload(opened, descriptor, stream, max_senders).run()
            except ObjectExists as error:
                return skip_upload(opened.run, error)


class _StreamUpload:
    """One run of a stream's upload, from the first byte to the object."""

    def __init__(
        self, opened: OpenedRun[StreamPlan], descriptor: int, stream: StreamSettings, max_senders: int | None
    ) -> None:
        self._opened = opened
        self._run = opened.run
        self._plan = opened.plan
        self._stream = stream
        spool_limit = SPOOL_LIMIT if max_senders is None else None
        self._chunker = StreamChunker(
            descriptor, opened.plan, directory=stream.directory, spool_limit=spool_limit, max_senders=max_senders
        )

    def run(self) -> UploadDone | UploadSkipped:
        run = self._run
        self._opened.check_key_free()
        self._opened.abort_replaced()
        earlier = completed_by_earlier_run(run) if run.record.status is UploadStatus.COMPLETING else None
        if earlier is not None and run.target.options.no_overwrite:
            run.finish(*earlier)
            return _skipped(run)
        first = run.pool.run(lambda worker: self._chunker.read_part(run.algorithm, worker, md5=True))
        assert first is not None  # reading was not stopped
        # Ctrl-C ends the producer, too, which looks like the end of the stream.
        run.context.cancel.raise_if_cancelled()
        if earlier is not None and self._is_repeated(first, earlier):
            self._confirm()
            return run.finish(*earlier)
        if earlier is not None:
            self._start_another(earlier)
        run.plan = self._plan
        if needs_head(run.target):
            run.emit(OverwriteNotExcluded(upload=run.record.id))
        return self._send(first)

    def _is_repeated(self, first: Spool, earlier: tuple[Proof, str]) -> bool:
        """True when the stream equals the object that an earlier run created.

        The earlier upload is recorded as completed only after the comparison: if this run is stopped before that, the
        next one compares again.
        """
        try:
            return is_repeated(self._run, self._chunker, first, self._run.store.parts(self._run.record.id))
        except UploadFailed:
            self._run.finish(*earlier)
            self._opened.forget_id()
            raise

    def _start_another(self, earlier: tuple[Proof, str]) -> None:
        """Record the earlier upload as completed, and send this stream as a new upload."""
        self._run.finish(*earlier)
        self._opened.forget_id()
        start_over(self._run)
        self._run.record = replace(self._run.record, size=0)

    def _send(self, first: Spool) -> UploadDone:
        run, chunker, stream = self._run, self._chunker, self._stream
        if chunker.ended:
            # First: the producer's own failure explains why the stream is empty or short.
            self._confirm()
        if chunker.ended and first.size == 0 and not stream.allow_empty:
            again = run.record.upload_id is not None
            raise UploadFailed(
                "the stream was empty, perhaps because its producer failed; nothing was uploaded"
                + (f": {RUN_AGAIN}" if again else ". If an empty object is intended, add --allow-empty"),
                resumable=again,
            )
        if chunker.ended and run.record.upload_id is None and not run.settings.multipart:
            run.save(size=first.size)
            self._opened.identify()
            # The whole stream is one short part, and its spool is a file.
            run.source = identify(first.path)
            run.plan = UploadPlan(file_size=first.size, part_size=run.record.part_size)
            return put_whole(run)
        run.save()
        self._opened.identify()
        before = load_earlier_parts(run)
        self._opened.identify()
        send_stream(run, self._plan, chunker, first, before, expected=stream.expected_size)
        self._confirm()
        if (end := before.end(self._plan)) > chunker.total:
            raise UploadFailed(
                f"the stream ended after {chunker.total:,} bytes, but an earlier run sent {end:,} bytes of it, so its "
                f"producer may have failed; nothing was completed: {RUN_AGAIN}, or accept the shorter stream with "
                "--restart",
                resumable=True,
            )
        run.plan = replace(self._plan, file_size=chunker.total)
        run.save(status=UploadStatus.OPEN, size=chunker.total)
        return complete_stream(run)

    def _confirm(self) -> None:
        if self._stream.confirm is not None:
            self._run.pool.run(self._stream.confirm)


def _skipped(run: UploadRun) -> UploadSkipped:
    skipped = UploadSkipped(source=STREAM, target=run.target.url, reason=TAKEN)
    run.emit(skipped)
    return skipped


def _check_stream(descriptor: int, settings: UploadSettings) -> None:
    if settings.executor is not None:
        raise PlanError("a stream needs workers in this process: do not set executor")
    if settings.adopt:
        raise PlanError("--adopt is for files: run the producer again, and its parts on S3 are found")
    try:
        found = os.fstat(descriptor)
    except OSError as error:
        raise SourceError(f"cannot read the stream: standard input is closed ({error.strerror})") from error
    if stat.S_ISDIR(found.st_mode):
        raise SourceError("the stream is a directory; pipe a program's output into the upload, or give a file")
