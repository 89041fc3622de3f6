"""The x-amz-checksum-* family: values of bytes, of joined parts, and which type each algorithm may have.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from awscrt import checksums as crt

from .errors import S3Error, invalid_request


class Algorithm(StrEnum):
    """A checksum algorithm, spelled as in ``x-amz-checksum-algorithm``."""

    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    CRC64NVME = "CRC64NVME"
    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"
    XXHASH64 = "XXHASH64"
    XXHASH3 = "XXHASH3"
    XXHASH128 = "XXHASH128"

    @property
    def header(self) -> str:
        """The HTTP header that carries a value of this algorithm."""
        return f"x-amz-checksum-{self.value.lower()}"

    @property
    def element(self) -> str:
        """The XML element that carries a value of this algorithm."""
        return f"Checksum{self.value}"


class ChecksumType(StrEnum):
    """FULL_OBJECT: of the object's bytes.  COMPOSITE: of the parts' checksums, with ``-N`` behind it."""

    FULL_OBJECT = "FULL_OBJECT"
    COMPOSITE = "COMPOSITE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """A value as on the wire: base64, not checked for form."""

    algorithm: Algorithm
    value: str


_CRC: dict[Algorithm, tuple[Callable[[bytes], int], Callable[[int, int, int], int], int]] = {
    Algorithm.CRC32: (crt.crc32, crt.combine_crc32, 4),
    Algorithm.CRC32C: (crt.crc32c, crt.combine_crc32c, 4),
    Algorithm.CRC64NVME: (crt.crc64nvme, crt.combine_crc64nvme, 8),
}
_XXHASH: dict[Algorithm, Callable[[bytes], bytes]] = {
    Algorithm.XXHASH64: crt.XXHash.compute_xxhash64,
    Algorithm.XXHASH3: crt.XXHash.compute_xxhash3_64,
    Algorithm.XXHASH128: crt.XXHash.compute_xxhash3_128,
}
_DIGEST_BYTES = {algorithm: size for algorithm, (_, _, size) in _CRC.items()} | {
    Algorithm.SHA1: 20,
    Algorithm.SHA256: 32,
    Algorithm.SHA512: 64,
    Algorithm.XXHASH64: 8,
    Algorithm.XXHASH3: 8,
    Algorithm.XXHASH128: 16,
}


def digest(algorithm: Algorithm, data: bytes) -> bytes:
    """The raw checksum of ``data``; CRCs big-endian."""
    if algorithm in _CRC:
        function, _, size = _CRC[algorithm]
        return function(data).to_bytes(size, "big")
    if algorithm in _XXHASH:
        return _XXHASH[algorithm](data)
    return hashlib.new(algorithm.value.lower(), data, usedforsecurity=False).digest()


def joined_digest(algorithm: Algorithm, parts: Sequence[tuple[bytes, int]]) -> bytes:
    """The raw CRC of all parts' bytes in a row, from (raw checksum, size) of each."""
    _, combine, size = _CRC[algorithm]
    total = 0
    for raw, length in parts:
        total = combine(total, int.from_bytes(raw, "big"), length)
    return total.to_bytes(size, "big")


def composite_value(algorithm: Algorithm, raw_parts: Sequence[bytes]) -> str:
    """The COMPOSITE value: checksum of the concatenated raw part checksums, and how many there were."""
    return f"{encode(digest(algorithm, b''.join(raw_parts)))}-{len(raw_parts)}"


def encode(raw: bytes) -> str:
    """Base64 as S3 writes it."""
    return base64.b64encode(raw).decode()


def checksum_of(algorithm: Algorithm, data: bytes) -> Checksum:
    """The right value for ``data``, as a client would send it."""
    return Checksum(algorithm=algorithm, value=encode(digest(algorithm, data)))


def choose_type(algorithm: Algorithm, wanted: ChecksumType | None) -> ChecksumType:
    """The type an upload gets on Create; None picks S3's default.

    Raises:
        S3Error: the algorithm cannot have the wanted type.
    """
    full_only = algorithm is Algorithm.CRC64NVME
    composite_only = algorithm not in (Algorithm.CRC32, Algorithm.CRC32C, Algorithm.CRC64NVME)
    if wanted is None:
        return ChecksumType.FULL_OBJECT if full_only else ChecksumType.COMPOSITE
    if (full_only and wanted is ChecksumType.COMPOSITE) or (composite_only and wanted is ChecksumType.FULL_OBJECT):
        raise invalid_request(
            f"The {wanted} checksum type cannot be used with the {algorithm.value.lower()} checksum algorithm."
        )
    return wanted


def check_checksum(given: Checksum, data: bytes) -> None:
    """Compare a sent value with the bytes.

    Raises:
        S3Error: InvalidRequest when it is not base64 of the right length, BadDigest when it is wrong.
    """
    if not is_base64(given.value, size=_DIGEST_BYTES[given.algorithm]):
        raise invalid_request(f"Value for {given.algorithm.header} header is invalid.")
    if given.value != encode(digest(given.algorithm, data)):
        raise S3Error("BadDigest", 400, f"The {given.algorithm} you specified did not match the calculated checksum.")


def check_content_md5(given: str, data: bytes) -> None:
    """Compare a Content-MD5 header with the bytes.

    Raises:
        S3Error: InvalidDigest when malformed, BadDigest when wrong.
    """
    if not is_base64(given, size=16):
        raise S3Error("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
    if given != encode(hashlib.md5(data, usedforsecurity=False).digest()):
        raise S3Error("BadDigest", 400, "The Content-MD5 you specified did not match what we received.")


def is_base64(text: str, *, size: int) -> bool:
    """True when ``text`` is base64 of exactly ``size`` bytes."""
    try:
        return len(base64.b64decode(text, validate=True)) == size
    except (binascii.Error, ValueError):
        return False
