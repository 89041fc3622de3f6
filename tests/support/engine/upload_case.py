"""One upload of a small file in small parts, for tests of the coordinator."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.events import Event
from partway.engine.events.upload import UploadDone, UploadSkipped
from partway.engine.limits import S3Limits
from partway.engine.retry.policy import RetryPolicy
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.upload.file import upload_file
from partway.engine.workers.channel import CancelToken
from partway.engine.workers.runtime import SYSTEM, Runtime
from partway.state.memory.store import MemoryStore
from partway.state.store import StateStore

PART = 64 * 1024
LIMITS = S3Limits(min_part_size=PART)
QUICK = RetryPolicy(attempts=4, first_wait=0.001, max_wait=0.01, budget=60.0, first_contact=60.0)


@dataclass(kw_only=True)
class Uploading:
    """The inputs of an upload; ``events`` collects the events of all runs."""

    path: Path
    backend: MultipartBackend
    endpoint: str
    store: StateStore = field(default_factory=MemoryStore)
    settings: UploadSettings = field(
        default_factory=lambda: UploadSettings(part_size=PART, limits=LIMITS, concurrency=2, policy=QUICK)
    )
    options: ObjectOptions = field(default_factory=lambda: ObjectOptions(content_type="text/plain"))
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)
    on_event: Callable[[Event], None] = lambda event: None
    runtime: Runtime = SYSTEM
    bucket: str = "bucket"
    key: str = "key"

    @property
    def target(self) -> Target:
        """The object in the bucket."""
        return Target(bucket=self.bucket, key=self.key, endpoint=self.endpoint, options=self.options)

    def run(self, **changes: Any) -> UploadDone:
        """Upload or resume; ``changes`` are settings for this run only."""
        done = self.end(**changes)
        assert isinstance(done, UploadDone)
        return done

    def end(self, **changes: Any) -> UploadDone | UploadSkipped:
        """The same, where the key may be taken."""

        def see(event: Event) -> None:
            self.events.append(event)
            self.on_event(event)

        context = replace(self.context, sink=see)
        return upload_file(self.path, self.target, replace(context, settings=replace(self.settings, **changes)))

    @property
    def context(self) -> EngineContext:
        """For calls beside ``run``: they do not add to ``events``."""
        return EngineContext(
            backend=self.backend,
            store=self.store,
            settings=self.settings,
            cancel=self.cancel,
            runtime=self.runtime,
        )

    def of(self, kind: type[Event]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
