"""Compare an object, as the service describes it, with the bytes of a file.

A checksum decides when it is known what it covers: the whole object, or each of its parts.  When the service does not
report how the object was split into parts, likely part sizes are tried: a match proves that the bytes are equal, a
mismatch proves nothing.

S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from ..backend.protocol import ObjectPart
from ..backend.responses import ObjectDetails
from ..checksums import ChecksumAlgorithm, combine, composite, etag_of
from ..limits import MIB
from .part_sizes import equal_parts, fits, likely_part_sizes

_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_COMPOSITE = re.compile(r"(.+)-(\d{1,5})")
# CRCs first: they are fast, and can be combined from ranges that are read in parallel.
_ORDER = (
    ChecksumAlgorithm.CRC64NVME,
    ChecksumAlgorithm.CRC32C,
    ChecksumAlgorithm.CRC32,
    ChecksumAlgorithm.SHA1,
    ChecksumAlgorithm.SHA256,
    ChecksumAlgorithm.SHA512,
    ChecksumAlgorithm.XXHASH128,
    ChecksumAlgorithm.XXHASH3,
    ChecksumAlgorithm.XXHASH64,
)
_CRCS = _ORDER[:3]
_MAX_ASKED = 1000  # parts whose sizes are requested one by one although they seem to be equal
_NOTHING = "size; the service reports no comparable checksum"
_CUT_UNKNOWN = (
    "size; the checksum is not that of the file in equal parts, and the service does not list the sizes of the "
    "object's {count:,} parts (s3:GetObjectAttributes)"
)
_PIECE = 64 * MIB  # bytes in each range of the file, for a checksum that can be combined


class Verdict(StrEnum):
    """The result of a comparison.  UNKNOWN: the service reports nothing comparable but the size."""

    EQUAL = "equal"
    DIFFERENT = "different"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Compares one file with one object of the same size.

    hash_parts: Returns base64 checksums of consecutive ranges of the file with these sizes, which cover all of it.
    ask_part: Returns what the service reports for the part with a 1-based number, or None.
    ask_sizes: Returns the sizes of all parts as the service lists them, or None.
    hints: Part sizes in bytes to try when the service does not report any.
    known: Checksums of the whole file that are already known.
    """

    found: ObjectDetails
    hash_parts: Callable[[Sequence[int], ChecksumAlgorithm], Sequence[str]]
    ask_part: Callable[[int], ObjectPart | None]
    ask_sizes: Callable[[], tuple[int, ...] | None]
    hints: Sequence[int] = ()
    known: Mapping[ChecksumAlgorithm, str] = field(default_factory=dict)

    def verdict(self) -> tuple[Verdict, str]:
        """The verdict, and the reason for it: a text that starts with a checksum's name, "etag" or "size"."""
        crc_differs: tuple[Verdict, str] | None = None
        for algorithm, answer in self._answers():
            if algorithm not in _CRCS:
                return answer
            if answer[0] is Verdict.DIFFERENT:
                crc_differs = crc_differs or answer
            elif crc_differs is None:
                return answer
        return crc_differs or (Verdict.UNKNOWN, self._why_unknown())

    def _why_unknown(self) -> str:
        first = self._first_part if self.found.checksums and not self._is_single else None
        return _CUT_UNKNOWN.format(count=first.count) if first and first.count > _MAX_ASKED else _NOTHING

    def _answers(self) -> Iterator[tuple[ChecksumAlgorithm, tuple[Verdict, str]]]:
        """The answer that each checksum of the object gives about the file.

        Some services compute a CRC that they do not support with another algorithm (moto uses CRC32 for CRC32C), so a
        CRC mismatch counts only when no cryptographic hash matches.
        """
        checksums = dict(self.found.checksums)
        for algorithm in _ORDER:
            if (value := checksums.get(algorithm)) and (answer := self._by_checksum(algorithm, value)):
                yield algorithm, answer
        if self.found.md5_etag and (answer := self._by_etag(self.found.etag)):
            yield ChecksumAlgorithm.MD5, answer

    def _by_checksum(self, algorithm: ChecksumAlgorithm, value: str) -> tuple[Verdict, str] | None:
        name = algorithm.value.lower()
        raw, count = _split(value)
        if count is None and self.found.checksum_type != "COMPOSITE":
            if self._whole(algorithm) == raw:
                return Verdict.EQUAL, name
            if self._is_of_whole(algorithm):
                return Verdict.DIFFERENT, name
        count = count or self._part_count
        equal = None if count is None else self._fits_parts(algorithm, raw, count)
        if equal is None:
            return None
        return Verdict.EQUAL if equal else Verdict.DIFFERENT, f"{name} of {count} parts"

    def _is_of_whole(self, algorithm: ChecksumAlgorithm) -> bool:
        """True when the checksum cannot be a composite one, even if the service does not report its type."""
        return (
            self.found.checksum_type == "FULL_OBJECT"
            or algorithm is ChecksumAlgorithm.CRC64NVME
            or (not self.found.md5_etag and self._is_single)
        )

    def _by_etag(self, etag: str) -> tuple[Verdict, str] | None:
        if self._is_single:
            equal = etag_of(self._whole(ChecksumAlgorithm.MD5)) == etag.lower()
            return Verdict.EQUAL if equal else Verdict.DIFFERENT, "etag (the MD5 of the bytes)"
        raw, count = _split(etag)
        # Not every service derives it from the parts' MD5s: a mismatch proves nothing.
        if count and _MD5.fullmatch(raw) and self._fits_parts(ChecksumAlgorithm.MD5, raw.lower(), count):
            return Verdict.EQUAL, f"etag of {count} parts"
        return None

    @property
    def _is_single(self) -> bool:
        """True when the ETag looks like that of an object without parts."""
        return _MD5.fullmatch(self.found.etag) is not None

    @cached_property
    def _part_count(self) -> int | None:
        """The number of parts of the object; None when it has none or the number is unknown."""
        if self._is_single:
            return None
        return _split(self.found.etag)[1] or (self._first_part.count if self._first_part else None)

    @cached_property
    def _first_part(self) -> ObjectPart | None:
        return self.ask_part(1)

    def _whole(self, algorithm: ChecksumAlgorithm) -> str:
        if algorithm in self.known:
            return self.known[algorithm]
        size = self.found.size
        if not algorithm.full_object:
            (checksum,) = self.hash_parts((size,), algorithm)
            return checksum
        pieces = equal_parts(size, _PIECE)
        return combine(algorithm, list(zip(self.hash_parts(pieces, algorithm), pieces, strict=True)))

    def _fits_parts(self, algorithm: ChecksumAlgorithm, raw: str, count: int) -> bool | None:
        """True when the file, split into ``count`` parts, has this composite checksum; False when it has another one
        and the part sizes are known; None when they are unknown."""

        def matches(sizes: Sequence[int]) -> bool:
            return _split(composite(algorithm, self.hash_parts(sizes, algorithm)))[0] == raw

        tried = set()
        for sizes in self._guesses(count):
            if sizes not in tried and matches(sizes):
                return True
            tried.add(sizes)
        exact = self._exact_sizes(count)
        if exact is None:
            return None
        return exact not in tried and matches(exact)

    def _guesses(self, count: int) -> Iterator[tuple[int, ...]]:
        """Likely splits into equal parts, most likely first."""
        size = self.found.size
        if count == 1:
            return
        first = self._first_part
        guesses = (first.size,) if first else (*self.hints, *likely_part_sizes(size, count))
        for part_size in guesses:
            if fits(size, part_size, count):
                yield equal_parts(size, part_size)

    def _exact_sizes(self, count: int) -> tuple[int, ...] | None:
        """The sizes of all parts as the service reports them, or None."""
        if count == 1:
            return (self.found.size,)
        sizes = self._listed_sizes
        if sizes is None and self._first_part is not None and self._first_part.count == count:
            sizes = self._asked_sizes
        if sizes is None or len(sizes) != count or sum(sizes) != self.found.size or min(sizes) < 0:
            return None
        return sizes

    @cached_property
    def _listed_sizes(self) -> tuple[int, ...] | None:
        return self.ask_sizes() if self.found.checksums else None

    @cached_property
    def _asked_sizes(self) -> tuple[int, ...] | None:
        """The sizes of all parts, requested one by one; None when the service does not report one, or when there are
        too many to request and a sample suggests that all are equal: that split was tried, and only all sizes could
        tell more."""
        first = self._first_part
        if first is None or (first.count > _MAX_ASKED and self._looks_equal(first)):
            return None
        sizes = [first.size]
        for number in range(2, first.count + 1):
            part = self.ask_part(number)
            if part is None:
                return None
            sizes.append(part.size)
        return tuple(sizes)

    def _looks_equal(self, first: ObjectPart) -> bool:
        """True when the sizes of the second and the last part fit a split into equal parts."""
        second, last = self.ask_part(2), self.ask_part(first.count)
        if second is None or last is None:
            return True
        size, count = self.found.size, first.count
        sums_up = fits(size, first.size, count) and (count - 1) * first.size + last.size == size
        return sums_up and second.size == first.size


def _split(value: str) -> tuple[str, int | None]:
    """A checksum or ETag without the ``-N`` suffix of a composite one, and N, or None without the suffix."""
    parts = _COMPOSITE.fullmatch(value)
    if parts is None or int(parts[2]) < 1:
        return value, None
    return parts[1], int(parts[2])
