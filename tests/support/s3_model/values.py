"""What the model of S3 takes and gives: frozen values, sizes in bytes, times in seconds since 1970."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .checksums import Algorithm, Checksum, ChecksumType


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectOptions:
    """What a client asked for besides the bytes.

    metadata: user metadata, names without ``x-amz-meta-``.
    headers: every other stored header by its lower-case name (``content-type``, ``x-amz-acl``,
        ``x-amz-storage-class``, ``x-amz-server-side-encryption``, ...).
    """

    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        """S3's default where none was sent."""
        return self.headers.get("content-type", "binary/octet-stream")

    @property
    def storage_class(self) -> str:
        """S3's default where none was sent."""
        return self.headers.get("x-amz-storage-class", "STANDARD")

    @property
    def acl(self) -> str | None:
        """The canned ACL; None where none was sent."""
        return self.headers.get("x-amz-acl")

    @property
    def customer_key_md5(self) -> str | None:
        """MD5 of the SSE-C key, base64; None without SSE-C."""
        return self.headers.get("x-amz-server-side-encryption-customer-key-md5")

    @property
    def has_md5_etag(self) -> bool:
        """False with SSE-KMS and SSE-C, whose ETags are no MD5."""
        return self.customer_key_md5 is None and "kms" not in self.headers.get("x-amz-server-side-encryption", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """A part as the server keeps it.

    number: 1-based.
    etag: with its quotes.
    checksum: what the server tells about it; None when it tells nothing.
    raw_checksum: the raw digest that goes into the object's; a CRC64NVME when none was declared.
    """

    number: int
    data: bytes = field(repr=False)
    etag: str
    md5: bytes = field(repr=False)
    checksum: Checksum | None
    raw_checksum: bytes = field(repr=False)
    modified: float

    @property
    def size(self) -> int:
        """Bytes in the part."""
        return len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPart:
    """A part as a client names it on Complete; ``checksum`` None when not named."""

    number: int
    etag: str
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadInfo:
    """An upload that exists.

    algorithm, checksum_type: as declared; None when nothing was declared.
    abort_time: when a lifecycle rule ends it; None without a rule.
    """

    bucket: str
    key: str
    upload_id: str
    options: ObjectOptions
    algorithm: Algorithm | None
    checksum_type: ChecksumType | None
    initiated: float
    abort_time: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One row of ListParts."""

    number: int
    size: int
    etag: str
    checksum: Checksum | None
    modified: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsPage:
    """One page of ListParts.

    next_marker: number of the last row, 0 when there is none.
    """

    upload: UploadInfo
    rows: tuple[PartRow, ...]
    marker: int
    next_marker: int
    max_parts: int
    is_truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadsPage:
    """One page of ListMultipartUploads; the next markers are empty on the last page."""

    uploads: tuple[UploadInfo, ...]
    next_key_marker: str
    next_upload_id_marker: str
    is_truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object.

    chunks: its bytes, one piece for each part.
    etag: with its quotes.
    checksum: what the server tells about it; None when it tells nothing.
    parts: how many parts it was made of; 0 for a PutObject.
    version: its id where the bucket keeps versions; None where it does not.
    """

    bucket: str
    key: str
    chunks: tuple[bytes, ...] = field(repr=False)
    etag: str
    checksum: Checksum | None
    checksum_type: ChecksumType | None
    options: ObjectOptions
    modified: float
    parts: int = 0
    version: str | None = None

    @property
    def body(self) -> bytes:
        """All bytes."""
        return b"".join(self.chunks)

    @property
    def size(self) -> int:
        """Bytes in the object."""
        return sum(map(len, self.chunks))
