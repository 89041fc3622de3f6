"""What calls return, as plain values."""

from dataclasses import dataclass, field

from ..checksums import ChecksumAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReceipt:
    """What S3 says about a part.

    number: 1-based.
    size: bytes; UNKNOWN_SIZE when it did not say.
    etag: without quotes.
    checksum: base64; None when S3 did not name one.
    """

    number: int
    size: int
    etag: str
    checksum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedUpload:
    """The answer to CreateMultipartUpload.

    algorithm: the checksum algorithm the service agreed to; None when it named none.
    abort_date: seconds since the epoch at which the bucket's lifecycle removes the upload; None when unknown.
    keyed: True when the service says that it encrypts with the customer's key.
    created_at: the service's clock when it created the upload, or a little earlier; seconds since the epoch; None when
        it did not say.
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
    algorithm: of its parts' checksums; None when none was declared.
    """

    upload_id: str
    initiated: float
    algorithm: ChecksumAlgorithm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What S3 says about an object.

    etag: without quotes; "" when it named none.
    checksum: in the algorithm that was asked for; None when S3 named none.
    version: the id of this version, where the bucket keeps versions; None when S3 named none.
    modified: when the object was made, by the service's clock, in whole seconds since the epoch; None when it did not
        say.  Of a multipart object that may be when its upload was created.
    told_at: the same clock when it said all this.
    """

    size: int
    etag: str
    checksum: str | None = None
    version: str | None = None
    modified: float | None = None
    told_at: float | None = field(default=None, compare=False)

    @property
    def age(self) -> float | None:
        """Seconds since the object was made, both by the service's clock; None when it did not say."""
        return None if self.modified is None or self.told_at is None else self.told_at - self.modified


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDetails:
    """Everything that the service says about an object and its checksums.

    size: bytes.
    etag: without quotes.
    checksums: ``(algorithm, base64 value)``; a composite one usually ends in ``-`` and its number of parts.
    checksum_type: S3's FULL_OBJECT or COMPOSITE; None when the service does not name it.
    md5_etag: False when the ETag is known to be no MD5 (encrypted with KMS or the user's key, a directory bucket).
    """

    size: int
    etag: str
    checksums: tuple[tuple[ChecksumAlgorithm, str], ...]
    checksum_type: str | None = None
    md5_etag: bool = True
