"""The few S3 calls the engine makes, as a protocol, and the values that cross it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Protocol

from .checksum import ChecksumAlgorithm
from .source import PartReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectOptions:
    """What the object is given besides its bytes; None leaves it to the service.

    metadata: user metadata as ``(name, value)`` pairs.
    tagging: as S3 takes it, ``name=value&name=value``, URL-encoded.
    grants: ``(permission, grantees)`` pairs, such as ``("GrantRead", 'id="..."')``; not together with an ACL.
    expires, object_lock_retain_until_date: dates as ISO 8601 text.
    request_payer, expected_bucket_owner: go with every call about the object.
    customer_key: the fingerprint of the key that the object is encrypted with (SSE-C); the key itself is the backend's.
    no_overwrite: fail instead of replacing an object that is already there.
    """

    acl: str | None = None
    storage_class: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    cache_control: str | None = None
    expires: str | None = None
    website_redirect: str | None = None
    tagging: str | None = None
    grants: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    sse: str | None = None
    sse_kms_key_id: str | None = None
    sse_bucket_key: bool = False
    customer_key: str | None = None
    object_lock_mode: str | None = None
    object_lock_retain_until_date: str | None = None
    object_lock_legal_hold: str | None = None
    request_payer: str | None = None
    expected_bucket_owner: str | None = None
    no_overwrite: bool = False

    def to_json(self) -> str:
        """Text for the store; only what is set."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ObjectOptions":
        """What ``to_json`` wrote; a name that this version does not know is an error, never dropped silently."""
        values = json.loads(text)
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown object options {sorted(unknown)}")
        pairs = {
            field: tuple((name, value) for name, value in values.get(field, ())) for field in ("metadata", "grants")
        }
        return cls(**values | pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the object goes.  endpoint: the service's address; "" means AWS."""

    bucket: str
    key: str
    endpoint: str = ""
    options: ObjectOptions = ObjectOptions()

    @property
    def url(self) -> str:
        """The target as users write it."""
        return f"s3://{self.bucket}/{self.key}"


UNKNOWN_SIZE = -1


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPart:
    """One part of a finished object: its size in bytes, and how many parts the object has."""

    size: int
    count: int


class MultipartBackend(Protocol):
    """The S3 calls of an upload.  Thread-safe and picklable; of remote trouble it raises only Transient or Refused."""

    def renew_credentials(self) -> None:
        """Read the credentials anew; the next call uses what is found.  A backend without credentials does nothing."""
        return

    def customer_key(self, bucket: str) -> str | None:
        """The fingerprint, for this bucket, of the key that goes with calls about objects (SSE-C); None without."""
        return None

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        """Begin a multipart upload whose parts carry ``algorithm`` (for MD5: no checksum is declared).

        Raises:
            ChecksumUnsupported: the service does not know the algorithm.
        """
        ...

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        """Send one part from the body's current start, with its checksum.

        Raises:
            UploadVanished: S3 does not know the upload.
            ChecksumUnsupported: the service refuses the checksum.
        """
        ...

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        """Every row of every page, as the service gave them: possibly repeated, unsorted or incomplete.

        None when the service has no such call, or does not let these credentials use it.

        Raises:
            UploadVanished: S3 does not know the upload.
        """
        ...

    def list_uploads(self, target: Target) -> list[FoundUpload] | None:
        """Unfinished uploads of exactly this key that could be finished here.

        None when the service has no such call, or does not let these credentials use it.
        """
        return None

    def complete_upload(
        self,
        target: Target,
        upload_id: str,
        parts: Sequence[PartReceipt],
        *,
        algorithm: ChecksumAlgorithm,
        checksum: str,
        size: int,
    ) -> ObjectFacts:
        """Make the object of the named parts, which come in ascending order; what the answer said of it.

        checksum: of the whole object, as ``checksum.combine`` gives it.
        size: of the whole object in bytes.

        Raises:
            UploadVanished, PartsRefused, ObjectExists, Conflict, ChecksumUnsupported.
        """
        ...

    def abort_upload(self, target: Target, upload_id: str) -> None:
        """Remove the parts; a part that was in flight may survive, so list and repeat.

        Raises:
            UploadVanished: nothing is left to remove.
        """
        ...

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        """Send a whole small object with its checksum; what the answer said.

        Raises:
            ObjectExists, ChecksumUnsupported.
        """
        ...

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        """Look at the object; ``version``: at this version of it, None: at the current one.

        Raises:
            ObjectMissing: there is none.
        """
        ...

    def object_details(self, target: Target) -> ObjectDetails:
        """Look at the object, at all its checksums.

        Raises:
            ObjectMissing: there is none.
        """
        facts = self.head_object(target, ChecksumAlgorithm.CRC64NVME)
        named = () if facts.checksum is None else ((ChecksumAlgorithm.CRC64NVME, facts.checksum),)
        return ObjectDetails(size=facts.size, etag=facts.etag, checksums=named)

    def object_part(self, target: Target, number: int) -> ObjectPart | None:
        """The part with this 1-based number of a finished object; None when the service does not say."""
        return None

    def part_sizes(self, target: Target) -> tuple[int, ...] | None:
        """Bytes of each part of a finished object, in order; None when the service does not list them."""
        return None
