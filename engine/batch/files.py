"""Uploads side by side in one thread, which share threads, slots for parts in flight, bandwidth and circuit breaker."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self

from ..backend.target import Target
from ..errors import PartwayError, StateError, StateLocked
from ..events import Event
from ..events.upload import UploadDone, UploadSkipped, UploadStarted
from ..run.context import EngineContext
from ..run.settings import UploadSettings, check_settings, make_workers
from ..source.plan import plan_upload
from ..upload.file import upload_file
from ..workers.channel import SharedWorkers
from ..workers.coroutines import CoroutineScheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """One file to upload.

    number: names it in events and results.
    settings: of this file; how much is sent at once is a setting of the batch.
    region, profile: stored with the upload; None means the default of the user's AWS configuration.
    """

    number: int
    source: str
    target: Target
    settings: UploadSettings
    region: str | None = None
    profile: str | None = None


Result = UploadDone | UploadSkipped | PartwayError


class FileBatch:
    """Sends files with ``upload_file``, several at a time.  In the caller's thread.

    Args:
        context: The settings have the concurrency and the bandwidth of all files together.
        on_event: Gets the number of the file with each event.
        on_result: Gets the number of the file and what became of it, as soon as it ended; also a cancelled one.
        on_idle: Called about twenty times a second.
    """

    def __init__(
        self,
        context: EngineContext,
        *,
        on_event: Callable[[int, Event], None],
        on_result: Callable[[int, Result], None],
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        check_settings(context.settings)
        self._context = context
        self._on_event = on_event
        self._on_result = on_result
        self._waiting: set[int] = set()  # files that have not asked for their first slot
        part_size = plan_upload(0, part_size=None, limits=context.settings.limits).part_size
        self._workers = make_workers(context.settings, part_size, context.runtime)
        self._scheduler = CoroutineScheduler(self._workers, on_idle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.__exit__(kind, error, trace)
        self._workers.close()

    def start(self, file: BatchFile) -> None:
        """Start to send a file once there is room for it.

        Raises:
            UploadCancelled: no other file is to be started; ``finish`` waits for those that were.
            StateError
        """
        concurrency = self._workers.concurrency
        while len(self._scheduler) >= 2 * concurrency.limit or not concurrency.has_room(reserved=len(self._waiting)):
            self._context.cancel.raise_if_cancelled()
            self._scheduler.run_once()
        self._context.cancel.raise_if_cancelled()
        self._waiting.add(file.number)
        self._scheduler.spawn(partial(self._send, file))

    def finish(self) -> None:
        """Wait for all files; after a cancel they end within a second.

        Raises:
            StateError
        """
        while self._scheduler:
            self._scheduler.run_once()

    def _send(self, file: BatchFile, workers: SharedWorkers) -> None:
        context = replace(self._context, settings=file.settings, sink=partial(self._hear, file.number))
        try:
            result: Result = upload_file(
                file.source, file.target, context, region=file.region, profile=file.profile, workers=workers
            )
        except PartwayError as error:
            if isinstance(error, StateError) and not isinstance(error, StateLocked):
                raise
            result = error
        finally:
            self._waiting.discard(file.number)
        self._on_result(file.number, result)

    def _hear(self, number: int, event: Event) -> None:
        if isinstance(event, UploadStarted):
            self._waiting.discard(number)
        self._on_event(number, event)
