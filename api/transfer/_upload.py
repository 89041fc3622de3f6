"""Send one source through the engine: the settings, the store, and what remains after a failure."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.validate import validate_parameters
from s3transfer.utils import ChunksizeAdjuster

from partway.engine.backend.target import Target
from partway.engine.errors import RemoteError, StateError, StateLocked
from partway.engine.events import EventSink
from partway.engine.flow.bandwidth import MIN_BANDWIDTH, TokenBucket
from partway.engine.limits import AWS, MIB
from partway.engine.retry.policy import RetryPolicy
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.s3.client import endpoint_of
from partway.engine.stream.settings import StreamSettings
from partway.engine.stream.upload import upload_stream
from partway.engine.upload.file import upload_file
from partway.engine.workers.channel import CancelToken
from partway.engine.workers.runtime import SYSTEM, Runtime
from partway.state.memory.store import MemoryStore
from partway.state.store import StateStore
from partway.state.uploads import STREAM, UNFINISHED, UploadStatus

from .._run.feed import Feed
from .._run.progress import combine, log_event
from .._run.state import opened_store, state_directory
from ._backend import ClientBackend
from ._extra_args import ExtraArgs
from ._source import Source

logger = logging.getLogger("partway")

# Bytes of a source that is sent so soon that threads would take longer.
_AT_ONCE = 1 * MIB

_PATIENCE = 1.0  # seconds
_LONGEST_CALL = 60.0  # seconds

# Calls about what an earlier upload left.
_OF_EARLIER_UPLOADS = frozenset({"AbortMultipartUpload", "ListParts"})

# The client retries.
_ONCE = RetryPolicy(attempts=1, budget=-1.0, first_contact=-1.0)


class Uploads:
    """The uploads of one manager.  Any thread may use it.

    Args:
        is_threaded: False sends everything in the thread that calls ``send``.
    """

    def __init__(self, client: Any, config: Any, *, is_threaded: bool) -> None:
        self._client = client
        self._config = config
        self._concurrency: int = config.max_request_concurrency if is_threaded else 1
        self._runtime = SYSTEM if is_threaded else _INLINE
        self._slots = threading.BoundedSemaphore(self._concurrency)
        rate = config.max_bandwidth
        self._bandwidth = None if rate is None else max(rate, MIN_BANDWIDTH)
        self._bucket = None if rate is None else TokenBucket(rate, time.monotonic)

    def send(self, source: Source, call: Any, token: CancelToken, count: EventSink) -> None:
        """Upload the source as the arguments of the call say.

        Raises:
            PartwayError: see ``_errors``.
            BotoCoreError: an argument is not valid.
        """
        shape = self._client.meta.service_model.operation_model("PutObject").input_shape
        validate_parameters({"Bucket": call.bucket, "Key": call.key}, shape)
        threshold = min(self._config.multipart_threshold, AWS.max_put_size + 1)
        source = source.with_known_size(threshold)
        multipart = source.size is None or source.size >= threshold
        extra = ExtraArgs.of(call.extra_args, call.bucket, multipart=multipart)
        target = Target(bucket=call.bucket, key=call.key, endpoint=endpoint_of(self._client), options=extra.options)
        backend = ClientBackend(self._client, extra, self._slots)
        context = EngineContext(
            backend=backend,
            store=MemoryStore(),
            settings=self._settings(source, extra, multipart=multipart),
            sink=combine(log_event, count),
            cancel=token,
            runtime=_INLINE if source.size is not None and source.size <= _AT_ONCE else self._runtime,
        )
        # A single PutObject leaves nothing to resume, and a stream that cannot be read again may never come again.
        keeps = multipart and source.size is not None and source.is_repeatable and not extra.is_own
        if not (keeps and getattr(self._config, "resume", True) and self._resumed(source, target, context)):
            self._once(source, target, context, backend)
        if multipart:
            source.read_through()
        else:
            source.close()

    def _resumed(self, source: Source, target: Target, context: EngineContext) -> bool:
        """Upload it with what earlier calls have sent.  False when that is not possible: the state directory cannot be
        used, another thread or process is sending the same, or S3 refuses a call that boto3 would not have made."""
        try:
            directory = state_directory(getattr(self._config, "state_dir", None))
            with opened_store(directory) as store:
                self._send(source, target, replace(context, store=store), directory)
        except (StateError, RemoteError) as error:
            if isinstance(error, RemoteError) and error.operation not in _OF_EARLIER_UPLOADS:
                raise
            level = logging.INFO if isinstance(error, StateLocked) else logging.WARNING
            logger.log(level, "%s is uploaded without a record to resume it by: %s", source.name, error)
            if source.rewind is not None:
                source.rewind()
            return False
        return True

    def _once(self, source: Source, target: Target, context: EngineContext, backend: ClientBackend) -> None:
        """Upload it, and leave nothing on S3 after a failure."""
        try:
            self._send(source, target, context, None)
        except BaseException:
            for record in context.store.uploads(statuses=UNFINISHED):
                if record.upload_id is not None:
                    # A part that arrives after the abort would stay on S3.
                    backend.wait(_LONGEST_CALL)
                    with suppress(Exception):
                        backend.abort_upload(target, record.upload_id)
            raise

    def _send(self, source: Source, target: Target, context: EngineContext, folder: Path | None) -> None:
        region = self._client.meta.region_name
        if source.path is not None:
            upload_file(source.path, target, context, region=region)
            return
        if source.size is not None and _is_other_stream(context.store, target, source.size):
            context = replace(context, settings=replace(context.settings, restart=True))
        feed = Feed(source.read)
        stream = StreamSettings(
            expected_size=source.size or None, allow_empty=True, directory=folder, confirm=feed.check_end
        )
        is_read = False
        try:
            upload_stream(feed.descriptor, target, context, stream=stream, region=region)
            is_read = True
        finally:
            feed.close(is_read=is_read)
            # The caller may read it next, or it is rewound.  A pipe may have nothing for ever.
            feed.wait(None if source.rewind is not None else _PATIENCE)

    def _settings(self, source: Source, extra: ExtraArgs, *, multipart: bool) -> UploadSettings:
        verify = getattr(self._config, "verify", False)
        size = source.size
        part_size = max(size or 0, AWS.min_part_size)
        if multipart:
            part_size = ChunksizeAdjuster().adjust_chunksize(self._config.multipart_chunksize, size)
        return UploadSettings(
            part_size=part_size,
            concurrency=self._concurrency,
            bandwidth=self._bandwidth,
            bucket=self._bucket,
            policy=_ONCE,
            algorithm=extra.algorithm,
            guess_content_type=False,
            check_updated=verify,
            verify_object=verify,
            require_checksum=False,
            multipart=multipart,
            same_options=True,
        )


def _is_other_stream(store: StateStore, target: Target, size: int) -> bool:
    """True when the unfinished upload cannot be of a stream of so many bytes, or may have been completed."""
    record = store.unfinished(STREAM, target.endpoint, target.bucket, target.key)
    if record is None:
        return False
    return record.status is UploadStatus.COMPLETING or store.part_totals(record.id)[1] > size


class _Inline(Executor):
    """Makes every call at once, in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


_INLINE = Runtime(make_executor=lambda _: _Inline())
