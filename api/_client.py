"""The client: the settings, threads and connections that uploads share."""

import os
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, overload

from partway.engine.run.context import EngineContext
from partway.engine.workers.channel import CancelToken, WorkerContext

from ._arguments import values
from ._arguments.options import JobOptions, UploadOptions
from ._arguments.sources import Source, absolute
from ._history import History, StrPath
from ._requests import Defaults, JobRequest, ObjectRequest, make_job, make_pipe, make_request
from ._run import calls
from ._run.bars import Bars
from ._run.connection import Place, make_connection
from ._run.futures import UploadFuture
from ._run.pipe import Pipe
from ._run.progress import combine, log_event
from ._run.results import JobResult, UploadResult
from ._run.state import opened_store, read_store, state_directory
from ._run.threads import Threads
from ._writer import Writer
from .events import Event, JobPlanned, UploadPlanned

T = TypeVar("T")


class Client(History):
    """Uploads to one service, with one state directory.

    One client per process is enough, and it is thread-safe.  As a context manager it waits for submitted uploads; if
    the block is left by an exception, it cancels them, with finished parts kept.  After a fork the child's copy starts
    afresh and shares no connection with its parent.

    Args:
        session: A ``boto3.Session``, whose credentials, profile, region and event handlers are used.
        client: A boto3 client for S3, whose endpoint, region, credentials, timeouts, retries and event handlers are
            used.
        profile: None takes it from the session, or from the AWS configuration and environment; so do the next two.
        region: Of the bucket.
        endpoint_url: Address of a service other than AWS.
        sse_c_key: The 32 bytes of a customer-provided key (SSE-C), never stored.  A resume needs the same key.
        state_dir: Where unfinished uploads are recorded; None: PARTWAY_STATE_DIR, or the platform's state directory.
            The command line sees the same uploads.
        concurrency: Maximum number of parts in flight of all uploads together; None: as many as increase throughput, up
            to 32 for each upload.
        part_size: In bytes, or text such as "16MiB"; None: chosen for each file.
        bandwidth: Limit in bytes per second for all uploads together, such as "50MiB"; or a timetable such as
            "08:00,2M 19:00,20M 23:00,off", in local time; None: no limit.
        retry_for: How long to retry while the endpoint is unreachable, in seconds or as text such as "2h"; None: 15
            minutes, or 20 seconds if it never responded.
        max_parts: Maximum number of parts of an object, for services that accept fewer than 10,000.
        max_uploads: Submitted uploads that run at the same time.
        on_event: Called with each event of every upload, see ``partway.events``.  It is called in the upload's
            thread, so concurrent uploads may call it at the same time.  An exception from it stops the upload.

    Raises:
        OptionError: an argument is not valid.
    """

    def __init__(
        self,
        *,
        session: Any = None,
        client: Any = None,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        sse_c_key: bytes | None = None,
        state_dir: StrPath | None = None,
        concurrency: int | None = None,
        part_size: int | str | None = None,
        bandwidth: int | str | None = None,
        retry_for: float | str | None = None,
        max_parts: int | None = None,
        max_uploads: int = 4,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        self._state_dir = state_directory(state_dir)
        self._defaults = Defaults.checked(
            concurrency=concurrency,
            part_size=part_size,
            bandwidth=bandwidth,
            retry_for=retry_for,
            max_parts=max_parts,
        )
        self._on_event = None if on_event is None else values.function("on_event", on_event)
        uploads = values.concurrency("max_uploads", max_uploads)
        self._connection = make_connection(
            session=session,
            client=client,
            endpoint_url=endpoint_url,
            region=region,
            profile=profile,
            concurrency=concurrency,
            uploads=uploads,
            key=sse_c_key,
        )
        self._threads = Threads(uploads)
        self._bars = Bars()
        _clients.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(cancel=error is not None)

    def close(self, *, cancel: bool = False) -> None:
        """Wait for all submitted uploads; ``cancel=True`` stops them first, with finished parts kept."""
        try:
            self._threads.close(cancel=cancel)
        finally:
            self._connection.close()

    @overload
    def upload(
        self, source: Source, destination: str, *, recursive: Literal[False] = False, **options: Unpack[UploadOptions]
    ) -> UploadResult: ...

    @overload
    def upload(
        self,
        source: StrPath | Sequence[StrPath],
        destination: str,
        *,
        recursive: Literal[True],
        **options: Unpack[JobOptions],
    ) -> JobResult: ...

    def upload(self, source: Any, destination: str, *, recursive: bool = False, **options: Any) -> Any:
        """Upload a source, or resume its unfinished upload, and verify that the object equals it.

        After an error or an interruption, finished parts stay on S3 and are recorded: the same call resumes.

        Args:
            source: A path; bytes; or a binary file object, which is read from its position to its end.  Anything but
                a regular file is a stream, which resumes when the same bytes are uploaded again.
                With ``recursive=True``, a directory or a list of paths.
            destination: ``s3://bucket/key``; if it ends in a slash, the source's name is appended.
            options: See UploadOptions; with ``recursive=True``, JobOptions.

        Returns:
            UploadResult; with ``recursive=True`` JobResult.

        Raises:
            OptionError: an argument is not valid; nothing was sent.
            SourceError: the source cannot be read; SourceChanged: it changed while it was sent.
            ObjectExists: the object exists, and ``no_overwrite`` is set.
            AlreadyRunning: the same upload is already running, in this or another process.
            UploadFailed: parts could not be sent; FilesFailed: some files of a directory could not be sent.
            RemoteError: the service refused, or could not be reached.
            ProofFailed: the object exists but does not equal the source.
            KeyboardInterrupt: after the upload was cancelled.
            PartwayError: see ``partway.errors``.
        """
        return self._threads.run(self._work(source, destination, recursive, options))

    @overload
    def submit(
        self, source: Source, destination: str, *, recursive: Literal[False] = False, **options: Unpack[UploadOptions]
    ) -> UploadFuture[UploadResult]: ...

    @overload
    def submit(
        self,
        source: StrPath | Sequence[StrPath],
        destination: str,
        *,
        recursive: Literal[True],
        **options: Unpack[JobOptions],
    ) -> UploadFuture[JobResult]: ...

    def submit(self, source: Any, destination: str, *, recursive: bool = False, **options: Any) -> Any:
        """As ``upload``, in a thread: returns a ``concurrent.futures.Future`` at once.

        Its ``cancel()`` also stops a running upload, within a second and with finished parts kept.

        Raises:
            OptionError: an argument is not valid.
        """
        return self._threads.submit(self._work(source, destination, recursive, options))

    def open_writer(self, destination: str, **options: Unpack[UploadOptions]) -> Writer:
        """A binary file object that uploads bytes as they are written; ``close()`` creates the object.

        As a context manager left by an exception it creates no object; the parts are kept, and writing the same bytes
        to the same destination resumes.

        Raises:
            OptionError: an argument is not valid.
        """
        request = make_pipe(destination, options, self._defaults)

        def start(pipe: Pipe, check_end: Callable[[WorkerContext], None]) -> UploadFuture[UploadResult]:
            def send(context: EngineContext, place: Place) -> UploadResult:
                return calls.send_pipe(
                    pipe,
                    check_end,
                    request.target(place.endpoint),
                    context,
                    request.options,
                    self._state_dir,
                    region=place.region,
                    profile=place.profile,
                )

            return self._threads.start(self._with_store(request, send))

        return Writer(destination, start)

    @overload
    def plan(
        self, path: StrPath, destination: str, *, recursive: Literal[False] = False, **options: Unpack[UploadOptions]
    ) -> UploadPlanned: ...

    @overload
    def plan(
        self,
        path: StrPath | Sequence[StrPath],
        destination: str,
        *,
        recursive: Literal[True],
        **options: Unpack[JobOptions],
    ) -> JobPlanned: ...

    def plan(self, path: Any, destination: str, *, recursive: bool = False, **options: Any) -> Any:
        """What ``upload`` would do, and the requests it would make; nothing is sent or stored.

        With ``recursive=True``, ``on_event`` gets an event for each file.

        Raises:
            PartwayError: as ``upload`` would.
        """
        request = self._request(path if recursive else absolute(path), destination, recursive, options)

        def work(token: CancelToken) -> UploadPlanned | JobPlanned:
            place = self._connection.place()
            with read_store(self._state_dir) as store:
                context = EngineContext(
                    backend=place.backend,
                    store=store,
                    settings=request.settings,
                    sink=combine(request.options.get("on_event"), self._on_event),
                    cancel=token,
                )
                return request.plan(context, place.endpoint)

        return self._threads.run(work)

    def _request(
        self, source: Any, destination: str, recursive: bool, options: dict[str, Any]
    ) -> ObjectRequest | JobRequest:
        make = make_job if recursive else make_request
        return make(source, destination, options, self._defaults)

    def _work(
        self, source: Any, destination: str, recursive: bool, options: dict[str, Any]
    ) -> Callable[[CancelToken], UploadResult | JobResult]:
        request = self._request(source, destination, recursive, options)
        return self._with_store(request, lambda context, place: request.send(context, place, self._state_dir))

    def _with_store(
        self, request: ObjectRequest | JobRequest, send: Callable[[EngineContext, Place], T]
    ) -> Callable[[CancelToken], T]:
        """The function that runs in the upload's thread: it opens a store, and sends."""

        def work(token: CancelToken) -> T:
            place = self._connection.place()
            shown = self._bars.bar() if request.options.get("progress") else nullcontext()
            with opened_store(self._state_dir) as store, shown as bar:
                context = EngineContext(
                    backend=place.backend,
                    store=store,
                    settings=request.settings,
                    sink=combine(log_event, bar, *request.sinks, self._on_event),
                    cancel=token,
                )
                return send(context, place)

        return work

    def _forget(self) -> None:
        self._threads.forget()
        self._bars = Bars()
        self._connection.forget()


_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._forget()


os.register_at_fork(after_in_child=_after_fork)
