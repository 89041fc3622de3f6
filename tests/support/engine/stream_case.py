"""One upload of a stream in small parts, for tests of the coordinator."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.events import Event
from partway.engine.events.upload import UploadDone, UploadSkipped
from partway.engine.limits import S3Limits
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.stream.settings import StreamSettings
from partway.engine.stream.upload import upload_stream
from partway.engine.workers.channel import CancelToken
from partway.state.memory.store import MemoryStore
from partway.state.store import StateStore

from .upload_case import PART, QUICK

# Parts double after every fourth.
LIMITS = S3Limits(min_part_size=PART, max_parts=44)


@contextmanager
def pipe_of(data: bytes, *, ends: bool = True) -> Iterator[int]:
    """A pipe that a producer writes ``data`` into; it stays open until the block ends when not ``ends``."""
    reading, writing = os.pipe()
    over = threading.Event()

    def produce() -> None:
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(data)
            pipe.flush()
            if not ends:
                over.wait()

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        yield reading
    finally:
        over.set()
        os.close(reading)
        producer.join()


@dataclass(kw_only=True)
class Streaming:
    """The inputs of a stream upload; ``events`` collects the events of all runs."""

    backend: MultipartBackend
    endpoint: str
    folder: Path
    store: StateStore = field(default_factory=MemoryStore)
    settings: UploadSettings = field(
        default_factory=lambda: UploadSettings(part_size=PART, limits=LIMITS, concurrency=2, policy=QUICK)
    )
    stream: StreamSettings = field(default_factory=StreamSettings)
    options: ObjectOptions = field(default_factory=ObjectOptions)
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)
    on_event: Callable[[Event], None] = lambda event: None

    @property
    def target(self) -> Target:
        """The object ``key`` in ``bucket``."""
        return Target(bucket="bucket", key="key", endpoint=self.endpoint, options=self.options)

    def read(self, descriptor: int, stream: StreamSettings | None = None, **changes: Any) -> UploadDone | UploadSkipped:
        """Upload what can be read there; ``changes`` are settings for this run only."""

        def see(event: Event) -> None:
            self.events.append(event)
            self.on_event(event)

        return upload_stream(
            descriptor,
            self.target,
            replace(self.context, sink=see, settings=replace(self.settings, **changes)),
            stream=replace(stream or self.stream, directory=self.folder),
        )

    @property
    def context(self) -> EngineContext:
        """For calls beside ``read``: they do not add to ``events``."""
        return EngineContext(backend=self.backend, store=self.store, settings=self.settings, cancel=self.cancel)

    def run(self, data: bytes, stream: StreamSettings | None = None, **changes: Any) -> UploadDone:
        """Have a producer write ``data``, and upload or resume it."""
        with pipe_of(data) as descriptor:
            done = self.read(descriptor, stream, **changes)
        assert isinstance(done, UploadDone)
        return done

    def of(self, kind: type[Event]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
