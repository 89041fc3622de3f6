"""The protocol for the S3 calls that an upload makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..checksums import ChecksumAlgorithm
from ..source.part_reader import PartReader
from .responses import CreatedUpload, FoundUpload, ObjectDetails, ObjectFacts, PartReceipt
from .target import Target

UNKNOWN_SIZE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPart:
    """One part of a finished object: its size in bytes, and how many parts the object has."""

    size: int
    count: int


class MultipartBackend(Protocol):
    """The S3 calls of an upload.  Thread-safe and picklable.  Remote failures are raised as Transient or Refused."""

    def renew_credentials(self) -> None:
        """Reload the credentials for the next call.  A backend without credentials does nothing."""
        return

    def customer_key(self, bucket: str) -> str | None:
        """The fingerprint, for this bucket, of the SSE-C key that is sent with calls about objects, or None."""
        return None

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        """Create a multipart upload whose parts carry ``algorithm``.  For MD5, no checksum is declared.

        Raises:
            ChecksumUnsupported: the service does not support the algorithm.
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
        """All rows of all pages as the service sent them: possibly repeated, unsorted or incomplete.

        None when the service does not support the call, or these credentials may not use it.

        Raises:
            UploadVanished: S3 does not know the upload.
        """
        ...

    def list_uploads(self, target: Target) -> list[FoundUpload] | None:
        """The unfinished uploads of exactly this key that the engine could complete.

        None when the service does not support the call, or these credentials may not use it.
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
        """Create the object from these parts, which are in ascending order, and return what the response says about it.

        checksum: of the whole object, as returned by ``checksums.combine``.
        size: of the whole object in bytes.

        Raises:
            UploadVanished, PartsRefused, ObjectExists, Conflict, ChecksumUnsupported.
        """
        ...

    def abort_upload(self, target: Target, upload_id: str) -> None:
        """Remove the parts.  A part in flight may survive, so list the parts afterwards and repeat.

        Raises:
            UploadVanished: nothing is left to remove.
        """
        ...

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        """Send a whole object with its checksum, and return what the response says about it.

        Raises:
            ObjectExists, ChecksumUnsupported.
        """
        ...

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        """The size, ETag and checksum of the object.  version: of the object; None means the current one.

        Raises:
            ObjectMissing: there is no such object.
        """
        ...

    def object_details(self, target: Target) -> ObjectDetails:
        """The object's size, ETag and all its checksums.

        Raises:
            ObjectMissing: there is no such object.
        """
        facts = self.head_object(target, ChecksumAlgorithm.CRC64NVME)
        named = () if facts.checksum is None else ((ChecksumAlgorithm.CRC64NVME, facts.checksum),)
        return ObjectDetails(size=facts.size, etag=facts.etag, checksums=named)

    def object_part(self, target: Target, number: int) -> ObjectPart | None:
        """The part with this 1-based number of a finished object; None when the service does not report it."""
        return None

    def part_sizes(self, target: Target) -> tuple[int, ...] | None:
        """The sizes of all parts of a finished object in bytes, in order; None when the service does not list them."""
        return None
