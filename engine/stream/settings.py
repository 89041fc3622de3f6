"""Settings of a stream, and the plan that follows from them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from partway.state.uploads import PartRecord, UploadRecord

from ..limits import limits_at, wants_equal_parts
from ..run.settings import UploadSettings
from ..workers.channel import WorkerContext
from .plan import StreamPlan, plan_stream, replan_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """Settings for streams, in addition to UploadSettings.

    expected_size: in bytes; None means unknown.
    equal_parts: True keeps all parts equal, which some services require; for those that are known it is automatic.
    allow_empty: True uploads an empty stream as an empty object instead of rejecting it.
    directory: the directory for the parts in flight; None means the system's directory for temporary files.
    confirm: called on a worker at the end of the stream, before the object is created; if it raises (because the
        producer failed), the upload stays unfinished.  None accepts every end of the stream.
    command: stored with the upload for messages: the command line that starts it again, in a form that the caller can
        parse; None keeps what is stored.
    """

    expected_size: int | None = None
    equal_parts: bool = False
    allow_empty: bool = False
    directory: Path | None = None
    confirm: Callable[[WorkerContext], None] | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlanner:
    """Splits a stream into parts.

    endpoint: as in Target; some services require equal parts.
    parts: returns the stored parts of the upload with an ID.
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
            limits=limits_at(self.endpoint, settings.limits),
        )

    def replan(self, record: UploadRecord, settings: UploadSettings) -> StreamPlan:
        """The plan of a stream that earlier runs sent parts of."""
        sent = [(part.number, part.size) for part in self.parts(record.id)]
        return replan_stream(
            record.part_size, sent, equal=self._equal, limits=limits_at(self.endpoint, settings.limits)
        )

    @property
    def _equal(self) -> bool:
        expected = self.stream.expected_size is not None
        return self.stream.equal_parts or expected or wants_equal_parts(self.endpoint)
