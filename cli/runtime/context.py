"""The context of a command that uploads."""

from dataclasses import dataclass, field
from pathlib import Path

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.events import EventSink, ignore
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.workers.channel import CancelToken
from partway.state.store import StateStore

from ..output import select
from .deadline import Deadline
from .run import Work, run_upload


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """The open store, the settings of the uploads, and the output options.

    state_dir: the value of the command's option, or None.
    deadline: when the command is to stop.
    """

    store: StateStore
    settings: UploadSettings
    output: select.Output
    state_dir: Path | None
    deadline: Deadline = field(default_factory=Deadline)

    def run(self, work: Work, *, passes_over: bool = False) -> int:
        """``run_upload`` with this store and output; returns the exit code."""
        return run_upload(
            work,
            self.store,
            self.output,
            self.state_dir,
            self.settings.nudge,
            deadline=self.deadline,
            passes_over=passes_over,
        )

    def engine(self, backend: MultipartBackend, cancel: CancelToken, sink: EventSink = ignore) -> EngineContext:
        """The context of one upload or job."""
        return EngineContext(backend=backend, store=self.store, settings=self.settings, sink=sink, cancel=cancel)
