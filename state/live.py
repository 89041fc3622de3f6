"""Progress snapshots that running uploads and jobs publish for ``partway watch``, ``list`` and ``show``.

They are not durable, and no upload depends on them.  (docs/decisions/0015-live-files.md)
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class LivePhase(StrEnum):
    """What a run is doing.  STARTING: it asks S3 what is there.  CHECKING: it compares local bytes with parts on S3."""

    STARTING = "starting"
    CHECKING = "checking"
    SENDING = "sending"
    COMPLETING = "completing"


class RunOutcome(StrEnum):
    """How a run ended without an object.  A process that was killed publishes no outcome."""

    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressSnapshot:
    """The progress of one run of an upload or a job.  Sizes are bytes, times seconds since the epoch.

    id: the upload or the job, whose own record has what does not change.
    pid, host: the process that runs it.
    updated_at: the time of the last event in this snapshot.
    rate: bytes per second over the last ten seconds; None when it is not known yet.
    resumed_*: kept from earlier runs.  done_*: finished by this run.  Of a job, parts are files.
    parts: number and bytes sent of each part in flight.
    total_files, total_bytes: of a job: the files of its sources, and their bytes; None until some are counted.
    counting: True while they are counted, so that the totals will rise.
    settled_bytes: of a job's files that earlier runs finished, or that need not be sent.
    failed_bytes: of its files that failed.
    files: path and bytes sent of some of a job's files in flight; its large files are uploads with their own snapshots.
    expected_bytes: the size of a stream as the user announced it, or None.
    checked_bytes, check_bytes: how much of the local parts has been compared, and how much there is to compare.
    retries, reason: the number of calls that this run retried, and why it retried the last one.
    away_since: when the endpoint became unreachable; None while it is reachable.
    ended, error: how the run ended and why; None and "" while it runs, or when it was killed.
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
    total_files: int | None = None
    total_bytes: int | None = None
    counting: bool = True
    settled_bytes: int = 0
    failed_bytes: int = 0
    files: tuple[tuple[str, int], ...] = ()
    ended: RunOutcome | None = None
    error: str = ""

    @property
    def in_flight_bytes(self) -> int:
        """Bytes sent of parts and files that are not finished."""
        return sum(sent for _, sent in self.parts) + sum(sent for _, sent in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSnapshot:
    """The last snapshot of a run, and whether its process is still running.

    alive: False without ``record.ended`` means that the process was killed or crashed.
    """

    record: ProgressSnapshot
    alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceRequest:
    """How fast a run shall be from now on; None means as it was started.

    bandwidth: as ``--bwlimit`` takes it, such as "5M" or "off".
    concurrency: the maximum number of parts in flight.
    """

    bandwidth: str | None = None
    concurrency: int | None = None


class LiveStore(Protocol):
    """Stores the last snapshot of each run.  Called from one thread; a crash may lose all snapshots.

    Every method raises StateError when they cannot be read or written.
    """

    def publish(self, record: ProgressSnapshot) -> None:
        """Replace the snapshot of ``record.id``.  The run is alive until its process dies or publishes ``ended``."""
        ...

    def remove(self, id: str) -> None:
        """Remove the snapshot and the requested pace; an unknown id is ignored.

        Only the holder of the upload's lock may call this.
        """
        ...

    def get(self, id: str) -> LiveSnapshot | None:
        """The last snapshot of this id, or None."""
        ...

    def all(self) -> list[LiveSnapshot]:
        """The last snapshot of every id, sorted by id, including runs that have ended."""
        ...

    def running(self) -> list[LiveSnapshot]:
        """The snapshots of runs that are alive, sorted by id."""
        ...

    def request_pace(self, id: str, request: PaceRequest | None) -> None:
        """Ask the run to change its pace; None withdraws the request.  From any process."""
        ...

    def requested_pace(self, id: str) -> PaceRequest | None:
        """What was asked for last; empty when nothing was, and None for a run that does not follow requests."""
        ...
