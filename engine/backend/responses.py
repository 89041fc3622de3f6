"""The results of calls, as plain values."""

from dataclasses import dataclass, field

from ..checksums import ChecksumAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReceipt:
    """What S3 reports about a part.

    number: 1-based.
    size: bytes; UNKNOWN_SIZE when not reported.
    etag: without quotes.
    checksum: base64; None when not reported.
    """

    number: int
    size: int
    etag: str
    checksum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedUpload:
    """The response to CreateMultipartUpload.

    algorithm: the checksum algorithm that the service agreed to; None when not reported.
    abort_date: when the bucket's lifecycle removes the upload, in seconds since the epoch; None when unknown.
    keyed: True when the service confirms that it encrypts with the customer's key.
    created_at: when the upload was created, or slightly earlier, by the service's clock in seconds since the epoch;
        None when not reported.
    """

    upload_id: str
    algorithm: ChecksumAlgorithm | None
    abort_date: float | None = None
    keyed: bool = False
    created_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundUpload:
    """An unfinished multipart upload, as ListMultipartUploads shows it.

    initiated: seconds since the epoch.
    algorithm: the algorithm of its parts' checksums; None when none was declared.
    """

    upload_id: str
    initiated: float
    algorithm: ChecksumAlgorithm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What S3 reports about an object.

    etag: without quotes; "" when not reported.
    checksum: in the requested algorithm; None when not reported.
    version: the ID of this version in a versioned bucket; None when not reported.
    modified: when the object was created, by the service's clock, in whole seconds since the epoch; None when not
        reported.  For a multipart object that may be the time when its upload was created.
    told_at: the time of the response, by the same clock.
    """

    size: int
    etag: str
    checksum: str | None = None
    version: str | None = None
    modified: float | None = None
    told_at: float | None = field(default=None, compare=False)

    @property
    def age(self) -> float | None:
        """Seconds since the object was created, by the service's clock; None when not reported."""
        return None if self.modified is None or self.told_at is None else self.told_at - self.modified


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDetails:
    """Everything that the service reports about an object and its checksums.

    size: bytes.
    etag: without quotes.
    checksums: ``(algorithm, base64 value)`` pairs; a composite value usually ends in ``-`` and the number of parts.
    checksum_type: S3's FULL_OBJECT or COMPOSITE; None when not reported.
    md5_etag: False when the ETag is known not to be an MD5: with KMS or SSE-C encryption, or in a directory bucket.
    """

    size: int
    etag: str
    checksums: tuple[tuple[ChecksumAlgorithm, str], ...]
    checksum_type: str | None = None
    md5_etag: bool = True
