"""Checksums: the published check values, and that parts combine to the whole."""

import base64
import hashlib
import itertools
import zlib

import pytest
from botocore import httpchecksum
from hypothesis import given, settings
from hypothesis import strategies as st

from partway.engine.checksums import ChecksumAlgorithm, Digest, checksum, combine, etag_of

CRCS = [ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C]
HASHES = [algorithm for algorithm in ChecksumAlgorithm if algorithm not in CRCS]
CHECK = b"123456789"


def text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def cuts(data: bytes, borders: list[int]) -> list[bytes]:
    """``data`` cut at the borders, which may repeat: then a piece is empty."""
    points = [0, *sorted(min(border, len(data)) for border in borders), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(points)]


def taken(algorithm: ChecksumAlgorithm, pieces: list[bytes]) -> list[tuple[str, int]]:
    return [(checksum(algorithm, piece), len(piece)) for piece in pieces]


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        (ChecksumAlgorithm.CRC64NVME, "ae8b14860a799888"),
        (ChecksumAlgorithm.CRC32, "cbf43926"),
        (ChecksumAlgorithm.CRC32C, "e3069283"),
        (ChecksumAlgorithm.MD5, "25f9e794323b453885f5181f1b624d0b"),
        (ChecksumAlgorithm.SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        (ChecksumAlgorithm.SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        (ChecksumAlgorithm.SHA512, hashlib.sha512(CHECK).hexdigest()),
        (ChecksumAlgorithm.XXHASH64, "8cb841db40e6ae83"),
    ],
)
def test_check_values(algorithm: ChecksumAlgorithm, value: str) -> None:
    """The catalogued value of each algorithm for ``123456789``, big-endian in base64."""
    assert checksum(algorithm, CHECK) == text(bytes.fromhex(value))


@pytest.mark.parametrize("algorithm", [each for each in ChecksumAlgorithm if each.value.startswith("XXHASH")])
def test_botocore_takes_the_same(algorithm: ChecksumAlgorithm) -> None:
    """What the AWS SDK sends as this header: the width and order of bytes are those that S3 compares."""
    made = vars(httpchecksum)["_CHECKSUM_CLS"][algorithm.value.lower()]()

    assert checksum(algorithm, CHECK) == made.handle(CHECK)


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        (ChecksumAlgorithm.CRC64NVME, bytes(8)),
        (ChecksumAlgorithm.CRC32, bytes(4)),
        (ChecksumAlgorithm.CRC32C, bytes(4)),
        (ChecksumAlgorithm.MD5, hashlib.md5(b"").digest()),
        (ChecksumAlgorithm.SHA1, hashlib.sha1(b"").digest()),
        (ChecksumAlgorithm.SHA256, hashlib.sha256(b"").digest()),
    ],
)
def test_nothing_has_a_checksum_too(algorithm: ChecksumAlgorithm, value: bytes) -> None:
    """The empty file's checksum has the full width, also when it is zero."""
    assert checksum(algorithm, b"") == text(value)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_hashes_are_those_of_the_standard_library(data: bytes) -> None:
    """MD5, SHA-1, SHA-256 and CRC-32 equal hashlib's and zlib's."""
    assert checksum(ChecksumAlgorithm.MD5, data) == text(hashlib.md5(data).digest())
    assert checksum(ChecksumAlgorithm.SHA1, data) == text(hashlib.sha1(data).digest())
    assert checksum(ChecksumAlgorithm.SHA256, data) == text(hashlib.sha256(data).digest())
    assert checksum(ChecksumAlgorithm.CRC32, data) == text(zlib.crc32(data).to_bytes(4, "big"))


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
@settings(deadline=None)
@given(data=st.binary(max_size=500), borders=st.lists(st.integers(0, 500), max_size=6))
def test_a_digest_does_not_depend_on_the_blocks(algorithm: ChecksumAlgorithm, data: bytes, borders: list[int]) -> None:
    """Bytes may come in any pieces, as bytes, bytearray or a view of a reused buffer."""
    digest = Digest(algorithm)
    kinds = (bytes, bytearray, memoryview)
    for index, piece in enumerate(cuts(data, borders)):
        digest.update(kinds[index % 3](piece))

    assert digest.value() == checksum(algorithm, data)


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_a_value_may_be_looked_at_before_the_end(algorithm: ChecksumAlgorithm) -> None:
    """Asking for the value does not end the digest."""
    digest = Digest(algorithm)
    digest.update(b"1234")
    before = digest.value()
    digest.update(b"56789")

    assert before == checksum(algorithm, b"1234")
    assert digest.value() == checksum(algorithm, CHECK)


@pytest.mark.parametrize("algorithm", CRCS)
@settings(deadline=None)
@given(data=st.binary(max_size=500), borders=st.lists(st.integers(0, 500), max_size=8))
def test_crcs_of_parts_combine_to_that_of_the_whole(
    algorithm: ChecksumAlgorithm, data: bytes, borders: list[int]
) -> None:
    """However the bytes are cut, no byte needs to be read again."""
    pieces = cuts(data, borders)

    assert combine(algorithm, taken(algorithm, pieces)) == checksum(algorithm, data)


@pytest.mark.parametrize("algorithm", CRCS)
def test_crcs_combine_for_parts_of_real_size(algorithm: ChecksumAlgorithm) -> None:
    """Megabytes of zeros are joined right, with a short last part."""
    pieces = [b"head" + bytes(5 << 20), bytes(5 << 20), b"tail"]

    assert combine(algorithm, taken(algorithm, pieces)) == checksum(algorithm, b"".join(pieces))


@pytest.mark.parametrize("algorithm", CRCS)
@settings(deadline=None)
@given(sizes=st.tuples(st.integers(0, 5 << 40), st.integers(0, 5 << 40)))
def test_crcs_combine_beyond_four_gib(algorithm: ChecksumAlgorithm, sizes: tuple[int, int]) -> None:
    """Joining two parts first and then the third gives the same for sizes that need more than 32 bits."""
    first, second, third = (checksum(algorithm, data) for data in (b"1", b"2", b"3"))
    tail = combine(algorithm, [(second, sizes[0]), (third, sizes[1])])

    assert combine(algorithm, [(first, 1), (tail, sum(sizes))]) == combine(
        algorithm, [(first, 1), (second, sizes[0]), (third, sizes[1])]
    )


@pytest.mark.parametrize("algorithm", CRCS)
def test_the_order_of_parts_matters(algorithm: ChecksumAlgorithm) -> None:
    """Swapped parts are another object."""
    one, two = taken(algorithm, [b"12345", b"6789"])

    assert combine(algorithm, [two, one]) != combine(algorithm, [one, two])


@pytest.mark.parametrize("algorithm", CRCS)
def test_full_object_values_have_no_suffix(algorithm: ChecksumAlgorithm) -> None:
    """A CRC is of the type FULL_OBJECT, which names no part count."""
    assert algorithm.full_object
    assert "-" not in combine(algorithm, taken(algorithm, [b"1", b"2"]))


@pytest.mark.parametrize(
    ("algorithm", "function"), [(ChecksumAlgorithm.SHA1, hashlib.sha1), (ChecksumAlgorithm.SHA256, hashlib.sha256)]
)
def test_composite_values_are_a_hash_of_the_hashes(algorithm: ChecksumAlgorithm, function: type) -> None:
    """S3's COMPOSITE form: the hash of the parts' raw hashes in base64, and how many there were."""
    pieces = [b"1234", b"5678", b"9"]
    hashes = b"".join(getattr(hashlib, algorithm.value.lower())(piece).digest() for piece in pieces)

    assert not algorithm.full_object
    assert combine(algorithm, taken(algorithm, pieces)) == f"{text(function(hashes).digest())}-3"


def test_the_multipart_etag() -> None:
    """For MD5 it is hex: what AWS gives as the ETag of an object that came in parts."""
    pieces = [b"1234", b"5678", b"9"]
    etag = hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces)).hexdigest() + "-3"

    assert not ChecksumAlgorithm.MD5.full_object
    assert combine(ChecksumAlgorithm.MD5, taken(ChecksumAlgorithm.MD5, pieces)) == etag


def test_one_part_is_still_composite() -> None:
    """A multipart upload of one part has the form with -1, unlike a PutObject."""
    (part,) = taken(ChecksumAlgorithm.MD5, [CHECK])

    assert combine(ChecksumAlgorithm.MD5, [part]).endswith("-1")
    assert combine(ChecksumAlgorithm.MD5, [part]) != etag_of(part[0])


def test_the_etag_of_a_part_is_its_md5_in_hex() -> None:
    """Base64 as Content-MD5 has it, hex as the ETag has it."""
    assert etag_of(checksum(ChecksumAlgorithm.MD5, CHECK)) == hashlib.md5(CHECK).hexdigest()


def test_algorithms_have_the_names_of_s3() -> None:
    """The database and S3's headers hold these names."""
    assert [str(algorithm) for algorithm in ChecksumAlgorithm] == [
        "CRC64NVME",
        "CRC32",
        "CRC32C",
        "SHA1",
        "SHA256",
        "SHA512",
        "XXHASH64",
        "XXHASH3",
        "XXHASH128",
        "MD5",
    ]
