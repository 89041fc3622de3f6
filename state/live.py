"""What runs say of themselves while they are at work, for whoever watches: the protocol, and the one for memory.

Nothing of it is durable, and no upload rests on it.  (docs/decisions/0015-live-files.md)
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class LivePhase(StrEnum):
    """What a run is at.  STARTING: it asks S3 what is there; CHECKING: it compares local bytes with parts on S3."""

    STARTING = "starting"
    CHECKING = "checking"
    SENDING = "sending"
    COMPLETING = "completing"


class RunOutcome(StrEnum):
    """How a run ended that could say so.  One that was killed says nothing."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressSnapshot:
    """What a run of an upload or of a job said last.  Sizes are bytes, times seconds since the epoch.

    id: of the upload or the job; what does not change is in its own record.
    pid, host: the process that runs it.
    updated_at: when this was said, which is when something happened.
    rate: bytes a second over the last ten seconds; None while there is nothing to tell.
    resumed_*: what earlier runs had sent and is kept; done_*: what this run finished, in parts or (a job) in files.
    parts: number and bytes on their way of each part in flight.
    files: path and bytes on their way of some files in flight; of a job, whose large files are uploads of their own.
    expected_bytes: what the user said of a stream; None: nothing.
    checked_bytes, check_bytes: of the local parts to compare.
    retries, reason: calls that were tried again in this run, and why the last one was.
    away_since: since when the endpoint cannot be reached; None: it can.
    ended, error: how the run ended and why; None and "": it did not, or could not say so.
    """

    id: str
    pid: int
    host: str
    began_at: float
    updated_at: float
    phase: LivePhase = LivePhase.STARTING
    rate: float | None = None
    resumed_bytes: int = 0
    resumed_parts: int = 0
    done_bytes: int = 0
    done_parts: int = 0
    parts: tuple[tuple[int, int], ...] = ()
    expected_bytes: int | None = None
    checked_bytes: int = 0
    check_bytes: int = 0
    retries: int = 0
    reason: str = ""
    away_since: float | None = None
    resumed_files: int = 0
    done_files: int = 0
    skipped_files: int = 0
    failed_files: int = 0
    files: tuple[tuple[str, int], ...] = ()
    ended: RunOutcome | None = None
    error: str = ""

    @property
    def in_flight_bytes(self) -> int:
        """Bytes on their way, of parts or files that are not finished."""
        return sum(sent for _, sent in self.parts) + sum(sent for _, sent in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSnapshot:
    """A record, and whether its process is at work on it now.

    alive False and no ``record.ended``: the process died without a word.
    """

    record: ProgressSnapshot
    alive: bool


class LiveStore(Protocol):
    """Where runs say how far they are.  Called from one thread; a crash may lose all of it.

    Every method raises StateError when that cannot be read or written.
    """

    def publish(self, record: ProgressSnapshot) -> None:
        """Replace what was said of this id.  It counts as alive until the process dies, or says that it ended."""
        ...

    def remove(self, id: str) -> None:
        """Forget what was said of this id; nothing happens when that was nothing.  For who holds the claim."""
        ...

    def get(self, id: str) -> LiveSnapshot | None:
        """What was last said of this id; None: nothing."""
        ...

    def all(self) -> list[LiveSnapshot]:
        """What was last said of each id, by id.  Those that are not alive are old."""
        ...

    def running(self) -> list[LiveSnapshot]:
        """Those of them that are alive."""
        ...
