"""What uploads return."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from partway.engine.errors import UploadFailed
from partway.engine.events.upload import FileFailed, JobDone
from partway.state.uploads import UploadRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadResult:
    """An object that was verified to equal its source.

    id: the upload's ID, as shown by ``partway list``.
    url: the object, as ``s3://bucket/key``.
    etag: without quotes.
    version_id: the object's version; None if the bucket is not versioned or the service did not report one.
    proof: how the object was verified: "crc64nvme" or another checksum of the whole object; "etag", "md5" (of each
        part) or "size" if the service offers nothing better.
    total_bytes: the object's size.
    sent_bytes: bytes sent in this run, including those sent again.
    reused_bytes: bytes that earlier runs had sent.
    parts: 1 for an object sent as one PutObject.
    seconds: the duration of this run.
    retries: how many times calls were retried in this run.
    """

    id: str
    url: str
    bucket: str
    key: str
    etag: str
    version_id: str | None
    proof: str
    total_bytes: int
    sent_bytes: int
    reused_bytes: int
    parts: int
    seconds: float
    retries: int

    @property
    def size(self) -> int:
        """``total_bytes``."""
        return self.total_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """The result of uploading many files, each verified to equal its source.

    id: the job's ID, as shown by ``partway list``.
    url: the prefix, as ``s3://bucket/prefix``.
    done, skipped, failed: files of this run; resumed: files that earlier runs uploaded.
    missing: files of earlier runs that no longer exist.
    total_bytes: the size of the files uploaded in this run.
    seconds: the duration of this run.
    failures: the first few files that failed.
    """

    id: str
    url: str
    done: int
    skipped: int
    failed: int
    resumed: int
    missing: int
    total_bytes: int
    seconds: float
    failures: tuple[FileFailed, ...] = ()


class FilesFailed(UploadFailed):
    """Some files of a directory were not uploaded; the others were.  Uploading again sends what is missing.

    result: the counts, and the first few failures.
    """

    def __init__(self, message: str, result: JobResult, *, resumable: bool) -> None:
        super().__init__(message, resumable=resumable)
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadInfo:
    """An upload recorded in the state directory.

    id: for ``Client.resume`` and ``Client.cancel``.
    source: the absolute path; None for a stream.
    status: "open", "completing", "completed" or "cancelled"; the first two are unfinished.
    total_bytes: the size of the source; None for a stream that has not ended.
    stored_parts, stored_bytes: what S3 has of an unfinished upload.
    job: the ID of the directory upload that this file belongs to, or None.
    created_at, updated_at: in UTC.
    """

    id: str
    source: str | None
    url: str
    bucket: str
    key: str
    status: str
    total_bytes: int | None
    part_size: int
    stored_parts: int
    stored_bytes: int
    etag: str | None
    proof: str | None
    job: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def unfinished(self) -> bool:
        """True when the upload can be resumed or cancelled."""
        return self.status in ("open", "completing")


def info_of(record: UploadRecord, totals: Mapping[str, tuple[int, int]]) -> UploadInfo:
    """The record as callers see it.  totals: parts and bytes by upload ID."""
    parts, size = totals.get(record.id, (0, 0))
    return UploadInfo(
        id=record.id,
        source=None if record.is_stream else record.source,
        url=f"s3://{record.bucket}/{record.key}",
        bucket=record.bucket,
        key=record.key,
        status=record.status.label,
        total_bytes=None if record.is_stream and not record.size else record.size,
        part_size=record.part_size,
        stored_parts=parts,
        stored_bytes=size,
        etag=record.etag,
        proof=record.proof,
        job=record.job,
        created_at=datetime.fromtimestamp(record.created_at, UTC),
        updated_at=datetime.fromtimestamp(record.updated_at, UTC),
    )


def job_result(done: JobDone, failures: list[FileFailed]) -> JobResult:
    """The result of a job.

    Raises:
        FilesFailed: files failed or are missing.
    """
    facts: dict[str, Any] = {
        name: getattr(done, name) for name in ("done", "skipped", "failed", "resumed", "missing", "seconds")
    }
    result = JobResult(id=done.job, url=done.target, total_bytes=done.bytes, failures=tuple(failures), **facts)
    if not done.failed and not done.missing:
        return result
    reasons = "; ".join(f"{each.source}: {each.error}" for each in failures[:3])
    counts = [f"{done.failed:,} failed"] * bool(done.failed) + [f"{done.missing:,} are missing"] * bool(done.missing)
    advice = "upload again to send what is missing" if done.resumable else "retrying will not help"
    message = f"not all files were uploaded: {', '.join(counts)}" + (f" ({reasons})" if reasons else "")
    raise FilesFailed(f"{message}; {advice}", result, resumable=done.resumable)
