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
    """An object that is on S3 and was proven to equal its source.

    id: of the upload, as ``partway list`` shows it.
    url: as ``s3://bucket/key``.
    etag: without quotes.
    version_id: of the object; None in a bucket without versions, and where the service did not say.
    proof: what the comparison rests on: "crc64nvme" or another checksum of the whole object; "etag", "md5" (of each
        part) or "size" where the service has nothing better.
    total_bytes: of the object.  sent_bytes: of this run, repeated ones too.  reused_bytes: that earlier runs had sent.
    parts: 1 for an object that went as one PutObject.
    seconds: of this run.
    retries: calls that were made again in this run.
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
    """Many files that are on S3, each proven to equal its source.

    id: of the job, as ``partway list`` shows it.
    url: the prefix, as ``s3://bucket/prefix``.
    done, skipped, failed: files of this run; resumed: those that earlier runs had done.
    missing: files of earlier runs that were not found any more.
    total_bytes: of the files that were done in this run.
    seconds: of this run.
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

    result: what became of all of them, and the first few that failed.
    """

    def __init__(self, message: str, result: JobResult, *, resumable: bool) -> None:
        super().__init__(message, resumable=resumable)
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadInfo:
    """An upload that the state directory remembers.

    id: for ``Client.resume`` and ``Client.cancel``.
    source: the absolute path; None for a stream.
    status: "open", "completing", "completed" or "aborted"; the first two are unfinished.
    total_bytes: of the source; None for a stream that has not ended.
    stored_parts, stored_bytes: that S3 has of an unfinished upload.
    job: id of the upload of a directory that this file belongs to; None for a file of its own.
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
    """The record as callers see it.  totals: parts and bytes by id."""
    parts, size = totals.get(record.id, (0, 0))
    return UploadInfo(
        id=record.id,
        source=None if record.is_stream else record.source,
        url=f"s3://{record.bucket}/{record.key}",
        bucket=record.bucket,
        key=record.key,
        status=record.status.value,
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
    advice = "upload again to send what is missing" if done.resumable else "the same again will not help"
    message = f"not all files were uploaded: {', '.join(counts)}" + (f" ({reasons})" if reasons else "")
    raise FilesFailed(f"{message}; {advice}", result, resumable=done.resumable)
