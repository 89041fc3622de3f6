"""What a caller may choose for a stream, and how it is cut by that."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from partway.state.uploads import PartRecord, UploadRecord

from ..limits import wants_equal_parts
from ..run.settings import UploadSettings
from ..workers.channel import WorkerContext
from .plan import StreamPlan, plan_stream, replan_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What a caller may choose for a stream beside the settings of any upload.

    expected_size: bytes that it is expected to have; None means unknown.
    equal_parts: True keeps all parts equal; some services need it, and those that are known get it anyway.
    allow_empty: True uploads a stream of no bytes as an empty object instead of refusing it.
    folder: the directory for the parts in flight; None means the system's directory for temporary files.
    confirm: called on a worker when the stream has ended, before an object is made of it; what it raises (the producer
        failed) leaves the upload unfinished.  None takes every end as the stream's.
    command: stored with the upload, for messages: how users start it again, in a form that the caller can read; None
        keeps what is stored.
    """

    expected_size: int | None = None
    equal_parts: bool = False
    allow_empty: bool = False
    folder: Path | None = None
    confirm: Callable[[WorkerContext], None] | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlanner:
    """Cuts a stream.

    endpoint: as in Target; some services need equal parts.
    parts: gives the stored parts of an upload, by its id.
    """

    stream: StreamSettings
    endpoint: str
    parts: Callable[[str], Iterable[PartRecord]]

    def plan(self, settings: UploadSettings) -> StreamPlan:
        """The plan of a new stream."""
        return plan_stream(
            part_size=settings.part_size,
            expected_size=self.stream.expected_size,
            equal=self._equal,
            limits=settings.limits,
        )

    def replan(self, record: UploadRecord, settings: UploadSettings) -> StreamPlan:
        """The plan of a stream that earlier runs sent parts of."""
        sent = [(part.number, part.size) for part in self.parts(record.id)]
        return replan_stream(record.part_size, sent, equal=self._equal, limits=settings.limits)

    @property
    def _equal(self) -> bool:
        expected = self.stream.expected_size is not None
        return self.stream.equal_parts or expected or wants_equal_parts(self.endpoint)
