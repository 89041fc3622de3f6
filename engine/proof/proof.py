"""Prove that the object equals the source.  Pure: compares S3's report of the object with the parts' checksums."""

from collections.abc import Sequence
from enum import StrEnum
from math import floor

from partway.state.uploads import PartRecord

from ..backend.responses import ObjectFacts
from ..checksums import ChecksumAlgorithm, bare_etag, combine, composite, etag_of
from ..errors import ProofFailed

_TICKS = 2.0  # seconds; the largest error in the difference of two times that were truncated to whole seconds


class Proof(StrEnum):
    """What a verification is based on, strongest first.

    A checksum's name: S3 reports that checksum for the whole object, and it equals ours.
    ETAG: the object's ETag is the MD5 of what was sent.
    MD5: S3 returned the MD5 of every part; of the whole object only the size was compared.
    SIZE: the service reported nothing but the size.
    """

    CRC64NVME = "crc64nvme"
    CRC32 = "crc32"
    CRC32C = "crc32c"
    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"
    XXHASH64 = "xxhash64"
    XXHASH3 = "xxhash3"
    XXHASH128 = "xxhash128"
    ETAG = "etag"
    MD5 = "md5"
    SIZE = "size"

    @property
    def covers_object(self) -> bool:
        """True when the comparison covers the whole object, so another client's object of the same size cannot pass."""
        return self not in (Proof.MD5, Proof.SIZE)


def prove(
    facts: ObjectFacts, parts: Sequence[PartRecord], *, algorithm: ChecksumAlgorithm, multipart: bool = True
) -> Proof:
    """Compare the object with its parts, which are in ascending order.

    Args:
        facts: What S3 reports about the object.
        parts: Every part, with checksums in ``algorithm``.
        multipart: False when the object was sent with one PutObject.

    Raises:
        ProofFailed: the size or the checksum differs.
    """
    size = sum(part.size for part in parts)
    if facts.size != size:
        raise ProofFailed(f"the object on S3 has {facts.size:,} bytes, the file has {size:,}; upload it again")
    if algorithm is ChecksumAlgorithm.MD5:
        return _by_etag(facts, parts, multipart=multipart)
    if facts.checksum is None:
        return Proof.SIZE
    expected = _expected(algorithm, parts, multipart=multipart)
    if facts.checksum not in expected:
        raise ProofFailed(
            f"the {algorithm} of the object on S3 is {facts.checksum}, of the file {expected[0]}; upload it again"
        )
    return Proof(algorithm.value.lower())


def _expected(algorithm: ChecksumAlgorithm, parts: Sequence[PartRecord], *, multipart: bool) -> list[str]:
    """The checksums that the object may have, S3's first.  Some services report a composite one for CRCs, whatever type
    was declared, and some omit its number of parts."""
    if not multipart:
        return [parts[0].checksum]
    whole = combine(algorithm, [(part.checksum, part.size) for part in parts])
    of_parts = composite(algorithm, [part.checksum for part in parts])
    return [whole, of_parts, of_parts.rpartition("-")[0]]


def prove_written(
    facts: ObjectFacts,
    answer: ObjectFacts,
    parts: Sequence[PartRecord],
    *,
    algorithm: ChecksumAlgorithm,
    multipart: bool = True,
    etags_agree: bool,
) -> Proof:
    """Compare the object after a write.  The response to the write counts only if HEAD shows the same object: another
    client may have replaced it in between.

    Args:
        facts: The response to HEAD.
        answer: The response to Complete or PutObject.
        etags_agree: True for a service whose HEAD is known to return the same ETag as the write.

    Raises:
        ProofFailed: the size or the checksum differs, or the object is not the one that was written.
    """
    proof = prove(facts, parts, algorithm=algorithm, multipart=multipart)
    if proof.covers_object:
        return proof
    claimed = prove(answer, parts, algorithm=algorithm, multipart=multipart)
    if is_written(facts, answer):
        return claimed if claimed.covers_object else proof
    if etags_agree and facts.etag and answer.etag:
        raise ProofFailed("the object on S3 is not the one that was uploaded: it was replaced; upload it again")
    return proof


def is_written(facts: ObjectFacts, answer: ObjectFacts) -> bool:
    """True when HEAD shows the object that was written, judged by its version or its ETag."""
    if facts.version is not None and answer.version is not None:
        return facts.version == answer.version
    return bool(answer.etag) and is_same_etag(facts.etag, answer.etag)


def is_older(facts: ObjectFacts, created_at: float | None) -> bool:
    """True when the object existed before the upload was created, so the upload cannot have created it, whatever its
    bytes are.

    created_at: by the service's clock, in seconds since the epoch; None when unknown, and then the result is False.

    S3 rules: a multipart object's LastModified is when its upload was created,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    return created_at is not None and facts.modified is not None and facts.modified < floor(created_at)


def is_older_than(facts: ObjectFacts, seconds: float) -> bool:
    """True when the object was created more than this many seconds ago.  Services report whole seconds."""
    return facts.age is not None and facts.age > seconds + _TICKS


def is_same_etag(one: str, other: str) -> bool:
    """True for equal ETags.  The case may differ between services, and proxies mark ETags as weak."""
    return bare_etag(one).lower() == bare_etag(other).lower()


def _by_etag(facts: ObjectFacts, parts: Sequence[PartRecord], *, multipart: bool) -> Proof:
    md5s = [(part.checksum, part.size) for part in parts]
    if is_same_etag(facts.etag, combine(ChecksumAlgorithm.MD5, md5s) if multipart else etag_of(parts[0].checksum)):
        return Proof.ETAG
    if multipart and all(is_same_etag(part.etag, etag_of(part.checksum)) for part in parts):
        return Proof.MD5
    return Proof.SIZE
