"""The events of a dry run, with the fields of ``--json``."""

from dataclasses import dataclass

from .request_counts import Requests


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlanned(Requests):
    """What an upload would do and the requests it would make.  Nothing was sent.

    total_bytes, part_count: None for a stream, whose length is unknown; part_size is then that of the first part.
    kept_*: parts that earlier runs sent according to the store; they are kept if S3 still has them.
    source_changed: True when the source has changed since those parts were read: an upload compares them with it and
        keeps those that match.
    most_bytes: the largest stream that the plan can hold; None for files.
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
    """What a job would do and the requests that all its files would need.  Nothing was sent.

    job: "" when the job is new.
    files, bytes: to be sent; skipped, failed: files that would not be sent; resumed: files that earlier runs uploaded.
    kept_bytes: the share of ``bytes`` that earlier runs sent.
    """

    job: str
    target: str
    files: int
    bytes: int
    kept_bytes: int
    skipped: int
    failed: int
    resumed: int
