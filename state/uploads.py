"""The rows of the store, as plain values."""

from dataclasses import dataclass
from enum import StrEnum


class UploadStatus(StrEnum):
    """How far an upload is.

    COMPLETING: Complete was sent and its answer may have been lost, so the object may already be there.
    """

    OPEN = "open"
    COMPLETING = "completing"
    COMPLETED = "completed"
    ABORTED = "aborted"

    @property
    def label(self) -> str:
        """The word that users read."""
        return "cancelled" if self is UploadStatus.ABORTED else self.value


STREAM = "-"  # the source of an upload that is read from a pipe
UNFINISHED = frozenset({UploadStatus.OPEN, UploadStatus.COMPLETING})


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """One upload: its source as last identified, its target, its plan, and what S3 said.

    id: ours, eight hex digits; ``upload_id`` is S3's and None until CreateMultipartUpload was answered.
    source: absolute path; bytes that are no UTF-8 are kept as surrogate escapes.  ``STREAM`` for a stream.
    size, part_size: bytes.  Of a stream the size is 0 until its end was reached, and ``part_size`` is that of the
        first part.
    mtime_ns, inode, device: as ``os.stat`` gave them; 0 for a stream.
    ctime_ns: as ``os.stat`` gave it; None when it is unknown (rows written by earlier versions, streams).
    endpoint: the service's address; "" means AWS.
    region, profile: None means the default of the user's AWS configuration.
    options: the object options as JSON text; opaque to the store.
    checksum_algorithm: the algorithm of every part's checksum in this upload.
    run: counts the runs, from 1; a part remembers the run that sent it.
    created_at, updated_at, abort_date: seconds since the epoch; abort_date None means no expiry is known.
    holder: who claimed the upload last, for messages; not proof that it is held now.
    etag, proof: None until the object was completed and compared.
    job: the job that the upload belongs to; None when it was a command of its own.
    wanted_algorithm: the checksum algorithm that the user asked for; None for the default.
    remote_created_at: the service's clock when it created the multipart upload, in seconds since the epoch; None when
        the service did not say.
    command: how users start the upload of a stream again; opaque to the store, None when that is not known.
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
        """True when only the program that wrote the bytes can give them again."""
        return self.source == STREAM

    @property
    def finished(self) -> bool:
        """True when nothing is left to do: completed or aborted."""
        return self.status not in UNFINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """The receipt of one finished part.

    number: 1-based, as S3 counts parts.
    size: bytes.
    etag: without quotes.
    checksum: base64, in the upload's checksum algorithm.
    run: the run (``UploadRecord.run``) in which the part was sent.
    """

    number: int
    size: int
    etag: str
    checksum: str
    run: int
