"""The records of uploads and parts."""

from dataclasses import dataclass
from enum import StrEnum


class UploadStatus(StrEnum):
    """The state of an upload.

    COMPLETING: CompleteMultipartUpload was sent and its response may have been lost, so the object may exist.
    """

    OPEN = "open"
    COMPLETING = "completing"
    COMPLETED = "completed"
    ABORTED = "aborted"

    @property
    def label(self) -> str:
        """The word that users read."""
        return "cancelled" if self is UploadStatus.ABORTED else self.value


STREAM = "-"  # the source of an upload from standard input or a command
UNFINISHED = frozenset({UploadStatus.OPEN, UploadStatus.COMPLETING})


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """One upload: its source as last identified, its destination, its plan, and S3's responses.

    id: partway's id, eight hex digits.
    upload_id: S3's id; None until CreateMultipartUpload has returned.
    source: absolute path, with bytes that are not UTF-8 as surrogate escapes; ``STREAM`` for a stream.
    size, part_size: bytes.  A stream's size is 0 until its end is reached; its part_size is that of the first part.
    mtime_ns, inode, device: from ``os.stat``; 0 for a stream.
    ctime_ns: from ``os.stat``; None when it is unknown (rows of earlier versions, streams).
    endpoint: the service's URL; "" means AWS.
    region, profile: None means the default of the user's AWS configuration.
    options: the object options as JSON text; opaque to the store.
    checksum_algorithm: the algorithm of every part's checksum in this upload.
    run: the number of the current run, 1-based.
    created_at, updated_at, abort_date: seconds since the epoch; abort_date None means that no expiry is known.
    holder: the process that locked the upload last, for messages; it may have ended.
    etag, proof: None until the object is completed and verified.
    job: the id of the job that owns this upload, or None.
    wanted_algorithm: the checksum algorithm that the user asked for; None for the default.
    remote_created_at: the service's clock when it created the multipart upload, in seconds since the epoch, or None.
    command: how to start the upload of a stream again, opaque to the store; None when it is not known.
    """

    id: str
    status: UploadStatus
    source: str
    size: int
    mtime_ns: int
    inode: int
    device: int
    bucket: str
    key: str
    endpoint: str
    region: str | None
    profile: str | None
    options: str
    part_size: int
    checksum_algorithm: str
    upload_id: str | None
    run: int
    created_at: float
    updated_at: float
    abort_date: float | None = None
    holder: str | None = None
    etag: str | None = None
    proof: str | None = None
    job: str | None = None
    ctime_ns: int | None = None
    wanted_algorithm: str | None = None
    remote_created_at: float | None = None
    command: str | None = None

    @property
    def is_stream(self) -> bool:
        """True when the bytes can only come from the program that produced them."""
        return self.source == STREAM

    @property
    def finished(self) -> bool:
        """True when the upload is completed or aborted."""
        return self.status not in UNFINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """The receipt of one finished part.

    number: 1-based, as S3 counts parts.
    size: bytes.
    etag: without quotes.
    checksum: base64, in the upload's checksum algorithm.
    run: the run (``UploadRecord.run``) that sent the part.
    """

    number: int
    size: int
    etag: str
    checksum: str
    run: int
