"""What every entry point of the engine needs, for files, streams and jobs."""

from dataclasses import dataclass, field

from partway.state.store import StateStore

from ..backend.protocol import MultipartBackend
from ..clock import Clock
from ..events import EventSink, ignore
from ..workers.channel import CancelToken
from ..workers.runtime import SYSTEM, Runtime
from .settings import UploadSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """The backend, store, settings, event sink and cancel token of an upload.

    A context may be reused for one upload after another; uploads that run at the same time need one each.

    backend: makes the S3 calls; shared by the workers.
    store: records uploads and parts; used in the caller's thread only.
    sink: receives every event, in the caller's thread.
    cancel: set it from any thread or signal handler; the upload then raises UploadCancelled within a second.
    runtime: the clock, threads and files of this machine; a simulation passes its own.
    """

    backend: MultipartBackend
    store: StateStore
    settings: UploadSettings = field(default_factory=UploadSettings)
    sink: EventSink = ignore
    cancel: CancelToken = field(default_factory=CancelToken)
    runtime: Runtime = SYSTEM

    @property
    def clock(self) -> Clock:
        """The runtime's clock."""
        return self.runtime.clock
