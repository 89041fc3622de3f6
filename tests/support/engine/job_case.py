"""One job of files in a folder, for tests of the coordinator."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.dry_run.job import plan_job
from partway.engine.events import Event, EventSink
from partway.engine.events.dry_run import JobPlanned
from partway.engine.events.upload import JobDone
from partway.engine.job.context import JobSettings
from partway.engine.job.run import run_job
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken
from partway.state.memory.store import MemoryStore
from partway.state.store import StateStore
from tests.support.s3_server.server import StrictS3

from .upload_case import LIMITS, QUICK


@dataclass(kw_only=True)
class Job:
    """A job on the strict server; ``events`` has what it said, of every run."""

    spec: JobSpec
    backend: MultipartBackend
    store: StateStore = field(default_factory=MemoryStore)
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)
    on_event: Callable[[Event], None] = lambda event: None

    def sources(self) -> Iterable[tuple[str, str | None]]:
        return [(path, None) for path in self.spec.sources]

    def run(self, **how: Any) -> JobDone:
        own = {name: how.pop(name) for name in ("fail_fast", "resume", "prune", "fail_if_empty") if name in how}

        def see(event: Event) -> None:
            self.events.append(event)
            self.on_event(event)

        resume = own.pop("resume", None)
        return run_job(self.spec, self.sources, self.context(see, **how), job=JobSettings(**own), resume=resume)

    def plan(self, **how: Any) -> JobPlanned:
        """What ``run`` would do."""
        return plan_job(self.spec, self.sources, self.context(self.events.append, **how))

    def context(self, sink: EventSink, **how: Any) -> EngineContext:
        settings = UploadSettings(limits=LIMITS, policy=QUICK, concurrency=2)
        return EngineContext(
            backend=self.backend, store=self.store, settings=replace(settings, **how), sink=sink, cancel=self.cancel
        )

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def objects(strict: StrictS3) -> dict[str, bytes]:
    return {key: stored.body for (_, key), stored in strict.model.objects.items()}


def files(folder: Path) -> dict[str, bytes]:
    return {f"p/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
