"""What every entry point of the engine needs, whatever it uploads."""

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
    """Where an upload is sent and remembered, how, who is told of it, and how it is cancelled.

    One context may serve several uploads, one after the other; each of several at a time needs its own.

    backend: makes the S3 calls; the workers share it.
    store: remembers uploads and parts; used from the caller's thread only.
    sink: receives every event, in the caller's thread.
    cancel: set it from any thread or signal handler; the upload then raises UploadCancelled within a second.
    runtime: the machine's clock, threads and files, unless a simulation brings its own.
    """

    backend: MultipartBackend
    store: StateStore
    settings: UploadSettings = field(default_factory=UploadSettings)
    sink: EventSink = ignore
    cancel: CancelToken = field(default_factory=CancelToken)
    runtime: Runtime = SYSTEM

    @property
    def clock(self) -> Clock:
        """The clock of the runtime."""
        return self.runtime.clock
