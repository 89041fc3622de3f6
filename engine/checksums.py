"""Checksums of parts, and of the whole object computed from them.  Values are in base64, as S3 sends them."""

import base64
import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from awscrt import checksums as crt


class ChecksumAlgorithm(StrEnum):
    """The algorithms for verifying parts, by S3's names.

    MD5 stands for Content-MD5 and the ETag, for services without S3's checksum headers.

    S3 rules: the type of each algorithm's checksum, https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """

    CRC64NVME = "CRC64NVME"
    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"
    XXHASH64 = "XXHASH64"
    XXHASH3 = "XXHASH3"
    XXHASH128 = "XXHASH128"
    MD5 = "MD5"

    @property
    def full_object(self) -> bool:
        """True when parts' checksums combine into the checksum of the whole object's bytes."""
        return self in _CRC


_CRC = {
    ChecksumAlgorithm.CRC64NVME: (crt.crc64nvme, crt.combine_crc64nvme, 8),
    ChecksumAlgorithm.CRC32: (crt.crc32, crt.combine_crc32, 4),
    ChecksumAlgorithm.CRC32C: (crt.crc32c, crt.combine_crc32c, 4),
}
# Big-endian, as S3 and botocore write them; XXHASH3 is the one of 64 bits.
_XXHASH = {
    ChecksumAlgorithm.XXHASH64: crt.XXHash.new_xxhash64,
    ChecksumAlgorithm.XXHASH3: crt.XXHash.new_xxhash3_64,
    ChecksumAlgorithm.XXHASH128: crt.XXHash.new_xxhash3_128,
}


class _XXHash:
    """awscrt's, with the methods of hashlib."""

    def __init__(self, algorithm: ChecksumAlgorithm) -> None:
        self._hash = _XXHASH[algorithm]()
        self.digest = self._hash.finalize

    def update(self, block: bytes | bytearray | memoryview) -> None:
        # It does not accept a view of a mutable buffer.
        self._hash.update(bytes(block))


class Digest:
    """A checksum computed block by block."""

    def __init__(self, algorithm: ChecksumAlgorithm) -> None:
        self._crc = 0
        self._function = _CRC.get(algorithm)
        if self._function is None:
            self._hash = _new_hash(algorithm)

    def update(self, block: bytes | bytearray | memoryview) -> None:
        """Add bytes.  Releases the GIL for large blocks."""
        if self._function is None:
            self._hash.update(block)
        else:
            self._crc = self._function[0](block, self._crc)

    def value(self) -> str:
        """The checksum of everything added so far, in base64."""
        if self._function is None:
            return _text(self._hash.digest())
        return _text(self._crc.to_bytes(self._function[2], "big"))


def _new_hash(algorithm: ChecksumAlgorithm) -> Any:
    if algorithm in _XXHASH:
        return _XXHash(algorithm)
    return hashlib.new(algorithm.value, usedforsecurity=False)


def checksum(algorithm: ChecksumAlgorithm, data: bytes) -> str:
    """The checksum of ``data`` in base64."""
    digest = Digest(algorithm)
    digest.update(data)
    return digest.value()


def combine(algorithm: ChecksumAlgorithm, parts: Sequence[tuple[str, int]]) -> str:
    """The checksum that S3 computes for the whole object, from the ``(checksum, size)`` of its parts in order.

    CRCs give the full object's checksum.  The others give S3's composite value, a hash of the hashes with ``-N``;
    for MD5 that is the ETag of a multipart upload, in hex.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """
    if not algorithm.full_object:
        return composite(algorithm, [value for value, _ in parts])
    _, join, width = _CRC[algorithm]
    total = 0
    for value, size in parts:
        total = join(total, int.from_bytes(base64.b64decode(value), "big"), size)
    return _text(total.to_bytes(width, "big"))


def composite(algorithm: ChecksumAlgorithm, values: Sequence[str]) -> str:
    """S3's composite checksum of parts with these base64 checksums, in order: a checksum of checksums with ``-N``.

    For MD5 that is the ETag of a multipart upload, in hex.
    """
    digest = Digest(algorithm)
    digest.update(b"".join(map(base64.b64decode, values)))
    made = etag_of(digest.value()) if algorithm is ChecksumAlgorithm.MD5 else digest.value()
    return f"{made}-{len(values)}"


def etag_of(md5: str) -> str:
    """The ETag, on services that use MD5, of bytes with this base64 MD5."""
    return base64.b64decode(md5).hex()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def bare_etag(etag: str) -> str:
    """An ETag without its quotes and the prefix of weak ETags, which proxies add."""
    return etag.removeprefix("W/").strip('"')
