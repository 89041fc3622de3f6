"""The few S3 calls the engine makes, as a protocol, and the values that cross it."""

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
