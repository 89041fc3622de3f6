"""The methods of a client for existing uploads and objects: list, resume, cancel, verify."""

import os
from collections.abc import Callable
from pathlib import Path

from partway.engine.backend.target import Target
from partway.engine.job_records.cancel import cancel_job
from partway.engine.maintenance.verify import Comparison, compare
from partway.engine.run.context import EngineContext
from partway.engine.upload.abort import cancel_upload
from partway.engine.workers.channel import CancelToken
from partway.state.jobs import JobRecord
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadRecord

from ._arguments.destination import object_address
from ._arguments.sources import absolute
from ._requests import Defaults
from ._run import calls
from ._run.connection import Connection
from ._run.lookup import find_unfinished
from ._run.progress import combine, log_event
from ._run.results import JobResult, UploadInfo, UploadResult, info_of
from ._run.state import opened_store, read_store
from ._run.threads import Threads
from .events import Event

StrPath = str | os.PathLike[str]


class History:
    """The methods of ``Client`` for uploads recorded in the state directory, and ``verify``."""

    _state_dir: Path
    _connection: Connection
    _threads: Threads
    _defaults: Defaults
    _on_event: Callable[[Event], object] | None

    def verify(self, path: StrPath, url: str) -> Comparison:
        """Compare a file with an object, by size and checksum; nothing is downloaded.

        Returns:
            Its ``verdict`` is "equal", "different", "missing" or "unknown"; ``by`` says what was compared.

        Raises:
            SourceError: the file cannot be read.
            RemoteError: the service refused, or could not be reached.
        """
        text = absolute(path)
        bucket, key = object_address(url, os.path.basename(text))  # noqa: PTH119 - keeps undecodable names

        def work(token: CancelToken) -> Comparison:
            place = self._connection.place()
            target = Target(bucket=bucket, key=key, endpoint=place.endpoint)
            with read_store(self._state_dir) as store:
                sizes = [each.part_size for each in store.uploads_to(bucket, key) if each.endpoint == place.endpoint]
            return compare(
                text, target, place.backend, policy=self._defaults.policy, cancel=token, part_sizes=sizes[-1:]
            )

        return self._threads.run(work)

    def uploads(self, *, unfinished: bool = False) -> list[UploadInfo]:
        """The uploads recorded in the state directory, oldest first.

        unfinished: True omits completed and cancelled uploads.
        """

        def work(token: CancelToken) -> list[UploadInfo]:
            with read_store(self._state_dir) as store:
                statuses = UNFINISHED if unfinished else None
                totals = store.all_part_totals(statuses=UNFINISHED)
                return [info_of(record, totals) for record in store.uploads(statuses=statuses)]

        return self._threads.run(work)

    def resume(self, id: str) -> UploadResult | JobResult:
        """Finish an unfinished upload of a file or a directory.  Everything it needs is stored.

        Args:
            id: The ID from ``UploadInfo`` or an event, or the start of it.

        Raises:
            OptionError: there is no such upload, it is finished, or it is at another endpoint.
            UploadFailed: it is a stream; upload the same bytes again instead.
            PartwayError: as ``upload``.
        """

        def work(token: CancelToken) -> UploadResult | JobResult:
            with opened_store(self._state_dir) as store:
                record = find_unfinished(store, id)
                return calls.resume(record, self._context(record, store, token))

        return self._threads.run(work)

    def cancel(self, id: str) -> None:
        """Cancel an unfinished upload for good: its parts are removed from S3, and it cannot be resumed.

        To stop a running upload and keep its parts, call ``cancel()`` on its future.

        Raises:
            OptionError: there is no such upload, or it is finished.
            AlreadyRunning: it is running; stop it first.
            RemoteError: the service refused, or could not be reached; cancel again.
        """

        def work(token: CancelToken) -> None:
            with opened_store(self._state_dir) as store:
                record = find_unfinished(store, id)
                context = self._context(record, store, token)
                if isinstance(record, UploadRecord):
                    cancel_upload(record, context)
                    return
                cancel_job(
                    record,
                    backend_for=lambda each: context.backend,
                    store=store,
                    settings=context.settings,
                    cancel=token,
                )

        self._threads.run(work)

    def _context(self, record: UploadRecord | JobRecord, store: StateStore, token: CancelToken) -> EngineContext:
        place = self._connection.place_of(record.endpoint, record.region, record.profile)
        return EngineContext(
            backend=place.backend,
            store=store,
            settings=self._defaults.settings(),
            sink=combine(log_event, self._on_event),
            cancel=token,
        )
