"""The mutable half of an upload, and how received bytes become a part."""

import hashlib
import secrets
from dataclasses import dataclass, field

from .checksums import Algorithm, Checksum, digest, encode
from .rules import ServiceRules
from .values import StoredObject, StoredPart, UploadInfo


@dataclass(slots=True, kw_only=True)
class UploadState:
    """What an upload holds.  Not thread-safe: the model's lock guards it.

    parts: by number; what counts.
    replaced: what was there before the same number was sent again.
    finished: the object it became; None while it is open.
    """

    info: UploadInfo
    parts: dict[int, StoredPart] = field(default_factory=dict)
    replaced: list[StoredPart] = field(default_factory=list)
    finished: StoredObject | None = None

    def belongs_to(self, bucket: str, key: str) -> bool:
        """An upload id is good for its own bucket and key only."""
        return (self.info.bucket, self.info.key) == (bucket, key)

    def store(self, part: StoredPart) -> None:
        """Keep a part; the last one of a number counts."""
        old = self.parts.get(part.number)
        if old is not None:
            self.replaced.append(old)
        self.parts[part.number] = part


def make_part(
    info: UploadInfo, *, number: int, data: bytes, sent: Checksum | None, rules: ServiceRules, now: float
) -> StoredPart:
    """Bytes that passed every check, with the digests that Complete will need.

    An upload that declared no algorithm tells no part checksums, yet its object gets a CRC64NVME, as on S3.
    """
    raw = digest(info.algorithm or Algorithm.CRC64NVME, data)
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    told = None
    if info.algorithm is not None and not rules.hides_checksums:
        told = Checksum(algorithm=info.algorithm, value=encode(raw))
        if sent is not None and rules.quirks.unverified_checksums:
            told = sent
    return StoredPart(
        number=number,
        data=data,
        etag=f'"{md5.hex() if rules.etag_is_md5(info.options) else secrets.token_hex(16)}"',
        md5=md5,
        checksum=told,
        raw_checksum=raw,
        modified=now,
    )
