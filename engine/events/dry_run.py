"""What would happen: the events of a dry run, with the fields of ``--json``."""

from dataclasses import dataclass

from .request_counts import Requests


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlanned(Requests):
    """What an upload would do, with the requests that it needs; nothing was done.

    total_bytes, part_count: None for a stream, of which nobody knows them; part_size is then that of the first part.
    kept_*: what earlier runs sent and the state knows, if S3 still has it.
    source_changed: the source is not what those parts were read from: they are compared with it, and equal ones kept.
    most_bytes: the longest stream that has part numbers; None for files.
    """

    source: str
    target: str
    total_bytes: int | None
    part_size: int
    part_count: int | None
    kept_bytes: int
    kept_parts: int
    source_changed: bool = False
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlanned(Requests):
    """What a job would do, with the requests that all its files need; nothing was done.

    job: "" when it has not begun.
    files, bytes: that would be sent; skipped, failed: files that would not; resumed: files that earlier runs did.
    kept_bytes: of those, what earlier runs sent.
    """

    job: str
    target: str
    files: int
    bytes: int
    kept_bytes: int
    skipped: int
    failed: int
    resumed: int
