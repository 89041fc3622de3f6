"""What decides whether a file and an object are equal: every form of checksum and ETag that services give."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from partway.engine.backend.protocol import ObjectPart
from partway.engine.backend.responses import ObjectDetails
from partway.engine.checksums import ChecksumAlgorithm, checksum, composite, etag_of
from partway.engine.proof.compare import Judge, Verdict
from partway.engine.proof.part_sizes import fits, likely_part_sizes

MIB = 1024 * 1024
BYTES = b"0123456789" * 100
EVEN, UNEVEN = (300, 300, 300, 100), (300, 200, 400, 100)
MD5 = etag_of(checksum(ChecksumAlgorithm.MD5, BYTES))
CRC, SHA = ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.SHA256
COMPOSITES = [algorithm for algorithm in ChecksumAlgorithm if algorithm not in (CRC, ChecksumAlgorithm.MD5)]


def of_parts(algorithm: ChecksumAlgorithm, sizes: Sequence[int] = EVEN, data: bytes = BYTES) -> str:
    """The composite checksum of data that went in parts of these sizes."""
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    pairs = zip(starts, sizes, strict=True)
    return composite(algorithm, [checksum(algorithm, data[at : at + size]) for at, size in pairs])


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a service says of an object.

    parts: sizes that HEAD gives with a part's number; empty: it does not know the question.
    listed: the same by GetObjectAttributes.
    """

    checksums: Mapping[ChecksumAlgorithm, str] = field(default_factory=dict)
    checksum_type: str | None = None
    etag: str = "x"
    md5_etag: bool = True
    size: int = len(BYTES)
    parts: tuple[int, ...] = ()
    listed: tuple[int, ...] | None = None

    def part(self, number: int) -> ObjectPart | None:
        return ObjectPart(size=self.parts[number - 1], count=len(self.parts)) if self.parts else None


def judge(service: Service, data: bytes = BYTES, hint: int | None = None) -> tuple[Verdict, str]:
    """Compare a file of these bytes with the object."""

    def hash_parts(sizes: Sequence[int], algorithm: ChecksumAlgorithm) -> list[str]:
        assert sum(sizes) == len(data)
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        return [checksum(algorithm, data[at : at + size]) for at, size in zip(starts, sizes, strict=True)]

    details = ObjectDetails(
        size=service.size,
        etag=service.etag,
        checksums=tuple(service.checksums.items()),
        checksum_type=service.checksum_type,
        md5_etag=service.md5_etag,
    )
    return Judge(
        found=details,
        hash_parts=hash_parts,
        ask_part=service.part,
        ask_sizes=lambda: service.listed,
        hints=[hint] if hint else [],
    ).verdict()


EQUAL, DIFFERENT, UNKNOWN = Verdict.EQUAL, Verdict.DIFFERENT, Verdict.UNKNOWN
CASES = {
    "a whole crc": (Service(checksums={CRC: checksum(CRC, BYTES)}), EQUAL, "crc64nvme"),
    "another crc": (Service(checksums={CRC: "AAAAAAAAAAA="}), DIFFERENT, "crc64nvme"),
    "a whole sha": (Service(checksums={SHA: checksum(SHA, BYTES)}, etag=MD5), EQUAL, "sha256"),
    "no whole sha": (
        Service(checksums={SHA: checksum(SHA, b"")}, checksum_type="FULL_OBJECT"),
        DIFFERENT,
        "sha256",
    ),
    "an encrypted object's sha, without a type": (
        Service(checksums={SHA: checksum(SHA, b"")}, etag=MD5, md5_etag=False),
        DIFFERENT,
        "sha256",
    ),
    "an odd sha where the md5 agrees": (Service(checksums={SHA: checksum(SHA, b"")}, etag=MD5), EQUAL, "etag"),
    "an md5": (Service(etag=MD5), EQUAL, "etag"),
    "an md5 in capitals": (Service(etag=MD5.upper()), EQUAL, "etag"),
    "another md5": (Service(etag="0" * 32), DIFFERENT, "etag"),
    "an encrypted one": (Service(etag="0" * 32, md5_etag=False), UNKNOWN, "size"),
    "an etag of parts": (Service(etag=of_parts(ChecksumAlgorithm.MD5), parts=EVEN), EQUAL, "etag of 4 parts"),
    "an etag of uneven parts": (
        Service(etag=of_parts(ChecksumAlgorithm.MD5, UNEVEN), parts=UNEVEN),
        EQUAL,
        "etag of 4 parts",
    ),
    "another etag of parts": (Service(etag="0" * 32 + "-4", parts=EVEN), UNKNOWN, "size"),
    "an etag of unknown parts": (Service(etag=of_parts(ChecksumAlgorithm.MD5)), UNKNOWN, "size"),
    "a crc of parts that the service took in another way": (
        Service(
            checksums={ChecksumAlgorithm.CRC32C: of_parts(ChecksumAlgorithm.CRC32)},
            checksum_type="COMPOSITE",
            etag=of_parts(ChecksumAlgorithm.MD5),
            parts=EVEN,
        ),
        EQUAL,
        "etag of 4 parts",
    ),
    "a whole crc that the service took in another way": (
        Service(
            checksums={ChecksumAlgorithm.CRC32C: checksum(ChecksumAlgorithm.CRC32, BYTES)},
            checksum_type="FULL_OBJECT",
            etag=MD5,
        ),
        EQUAL,
        "etag",
    ),
    "a crc that fits beside one that does not": (
        Service(
            checksums={
                ChecksumAlgorithm.CRC32C: checksum(ChecksumAlgorithm.CRC32C, b"x" * 1000),
                ChecksumAlgorithm.CRC32: checksum(ChecksumAlgorithm.CRC32, BYTES),
            },
            checksum_type="FULL_OBJECT",
            etag="opaque",
        ),
        DIFFERENT,
        "crc32c",
    ),
    "a hash that does not fit beside an etag that does": (
        Service(
            checksums={ChecksumAlgorithm.SHA256: checksum(ChecksumAlgorithm.SHA256, b"x" * 1000)},
            checksum_type="FULL_OBJECT",
            etag=MD5,
        ),
        DIFFERENT,
        "sha256",
    ),
    "another crc of parts and another etag": (
        Service(
            checksums={ChecksumAlgorithm.CRC32C: of_parts(ChecksumAlgorithm.CRC32C, data=b"x" * 1000)},
            checksum_type="COMPOSITE",
            etag=of_parts(ChecksumAlgorithm.MD5, data=b"x" * 1000),
            parts=EVEN,
        ),
        DIFFERENT,
        "crc32c of 4 parts",
    ),
    "no md5 at all": (Service(etag="opaque"), UNKNOWN, "size"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_decides(name: str) -> None:
    """The strongest that the service has; nothing is called equal by size alone."""
    service, expected, by = CASES[name]

    verdict, reason = judge(service)

    assert (verdict, reason[: len(by)]) == (expected, by)


# What a service may say of how an object was cut into parts, and whether a composite checksum decides then.
CUTS: dict[str, tuple[dict[str, Any], tuple[int, ...], bool]] = {
    "the first of equal parts": ({"parts": EVEN}, EVEN, True),
    "each of unequal parts": ({"parts": UNEVEN}, UNEVEN, True),
    "a list of unequal parts": ({"listed": UNEVEN}, UNEVEN, True),
    "a list of one part": ({}, (1000,), True),
    "nothing, and the cut is even": ({}, (250, 250, 250, 250), False),
    "nothing, and the cut is not likely": ({}, UNEVEN, False),
    "a list that is too short": ({"listed": (300, 300)}, UNEVEN, False),
    "parts of another size": ({"parts": (300, 300, 300, 300)}, UNEVEN, False),
}
FORMS = {
    "with its type and count": ("COMPOSITE", True),
    "with its type alone": ("COMPOSITE", False),
    "with its count alone": (None, True),
    "with neither": (None, False),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("algorithm", COMPOSITES)
def test_a_composite_checksum(algorithm: ChecksumAlgorithm, cut: str, form: str) -> None:
    """What boto3 leaves of an upload in parts is computed, and never called different unless the cut is known."""
    said, sizes, decides = CUTS[cut]
    checksum_type, counted = FORMS[form]
    value = of_parts(algorithm, sizes)
    service = Service(
        checksums={algorithm: value if counted else value.rpartition("-")[0]},
        checksum_type=checksum_type,
        etag=f"{'0' * 32}-{len(sizes)}",
        **said,
    )
    by = f"{algorithm.lower()} of {len(sizes)} parts"
    can_match = decides or cut == "nothing, and the cut is even"

    assert judge(service)[0] is (EQUAL if can_match else UNKNOWN)
    assert judge(service, BYTES[:-1] + b"x")[0] is (DIFFERENT if decides else UNKNOWN)
    assert not decides or judge(service)[1] == by


@pytest.mark.parametrize("algorithm", COMPOSITES)
def test_a_whole_checksum_of_an_object_in_parts(algorithm: ChecksumAlgorithm) -> None:
    """A service that names no type may mean the whole: that reading is tried first."""
    service = Service(checksums={algorithm: checksum(algorithm, BYTES)}, etag=f"{'0' * 32}-4", parts=EVEN)

    assert judge(service) == (EQUAL, algorithm.lower())
    assert judge(service, BYTES[:-1] + b"x")[0] is DIFFERENT


@pytest.mark.parametrize("suffix", ["-4", ""])
def test_a_composite_crc64nvme(suffix: str) -> None:
    """S3 has none; a service that says so is believed."""
    value = of_parts(CRC).removesuffix("-4") + suffix
    service = Service(checksums={CRC: value}, checksum_type="COMPOSITE", etag=f"{'0' * 32}-4", parts=EVEN)

    assert judge(service) == (EQUAL, "crc64nvme of 4 parts")
    assert judge(service, BYTES[:-1] + b"x")[0] is DIFFERENT


def test_a_part_size_that_the_user_knows() -> None:
    """It is tried where the service does not say one."""
    service = Service(checksums={SHA: of_parts(SHA)})

    assert judge(service, hint=300)[0] is EQUAL
    assert judge(service, hint=500)[0] is UNKNOWN


@pytest.mark.parametrize("part_size", [5 * MIB, 8 * MIB, 15 * MIB, 16 * MIB, 64 * MIB, 100 * MIB, 17 * MIB])
@pytest.mark.parametrize("size", [100 * MIB + 1, 1024 * MIB, 10_000 * MIB + 12345])
def test_the_part_sizes_of_well_known_uploaders_are_guessed(part_size: int, size: int) -> None:
    """From the object's size and how many parts it has; every guess fits."""
    count = -(-size // part_size)

    guesses = likely_part_sizes(size, count)

    assert part_size in guesses
    assert all(fits(size, guess, count) for guess in guesses)


def test_an_empty_file() -> None:
    assert judge(Service(checksums={CRC: checksum(CRC, b"")}, size=0), b"")[0] is EQUAL


class ManyParts:
    """A service that does not list the sizes of an object's parts; ``asked``: the parts that it was asked for."""

    def __init__(self, sizes: tuple[int, ...], data: bytes) -> None:
        self.sizes = sizes
        self.asked: list[int] = []
        self.details = ObjectDetails(
            size=sum(sizes),
            etag=f"x-{len(sizes)}",
            checksums=tuple((each, of_parts(each, sizes, data)) for each in (SHA, ChecksumAlgorithm.CRC32C)),
            checksum_type="COMPOSITE",
            md5_etag=False,
        )

    def part(self, number: int) -> ObjectPart:
        self.asked.append(number)
        return ObjectPart(size=self.sizes[number - 1], count=len(self.sizes))

    def judge(self, data: bytes) -> tuple[Verdict, str]:
        def hash_parts(sizes: Sequence[int], algorithm: ChecksumAlgorithm) -> list[str]:
            starts = itertools.accumulate(sizes, initial=0)
            return [checksum(algorithm, data[at : at + size]) for at, size in zip(starts, sizes, strict=False)]

        return Judge(found=self.details, hash_parts=hash_parts, ask_part=self.part, ask_sizes=lambda: None).verdict()


EQUAL_PARTS = (2,) * 1999 + (1,)
LONG = bytes(range(250)) * 15 + bytes(249)


def test_equal_parts_are_proven_with_one_request() -> None:
    """However many they are."""
    service = ManyParts(EQUAL_PARTS, LONG)

    assert service.judge(LONG) == (EQUAL, "crc32c of 2000 parts")
    assert service.asked == [1]


def test_a_difference_is_not_claimed_from_boundaries_that_are_guessed() -> None:
    """Three parts of two thousand say that all are equal, and each would have to be asked for to be sure."""
    service = ManyParts(EQUAL_PARTS, LONG)

    verdict, by = service.judge(LONG[:-1] + b"x")

    assert (verdict, by.startswith("size; "), "s3:GetObjectAttributes" in by) == (UNKNOWN, True, True)
    assert service.asked == [1, 2, 2000]


@pytest.mark.parametrize("sizes", [(2, 1, 3, *EQUAL_PARTS[3:]), (1,) * 1250 + (2749,)], ids=["second", "last"])
def test_parts_that_are_not_equal_are_asked_for_one_by_one(sizes: tuple[int, ...]) -> None:
    """As soon as one of three says so; once, whatever the number of checksums."""
    equal, different = ManyParts(sizes, LONG), ManyParts(sizes, LONG)

    assert equal.judge(LONG)[0] is EQUAL
    assert different.judge(LONG[:-1] + b"x")[0] is DIFFERENT
    assert len(different.asked) < 2 * len(set(different.asked)) == 2 * len(sizes)


def test_the_sizes_of_some_parts_are_all_asked_for_to_be_sure() -> None:
    """A hundred requests are worth a verdict; not each checksum repeats them."""
    service = ManyParts((2,) * 100, LONG[:200])

    assert service.judge(LONG[:199] + b"x")[0] is DIFFERENT
    assert service.asked == list(range(1, 101))
