"""The possible part sizes of an object whose size and number of parts are known.  Pure arithmetic."""

from collections.abc import Sequence

from ..limits import MIB
from ..source.plan import PartSpec, UploadPlan

_MAX_GUESSES = 8
_MEGABYTE = 1_000_000
# Defaults of common uploaders and popular choices, in MiB.
_USUAL = (8, 16, 5, 64, 10, 15, 50, 100, 128, 32, 20, 25, 256, 512, 1024, 2048, 4096, 200, 250, 500, 1000, 5120)


def fits(size: int, part_size: int, count: int) -> bool:
    """True when ``size`` bytes make ``count`` parts of ``part_size`` bytes; the last part may be smaller."""
    return part_size > 0 and UploadPlan(file_size=size, part_size=part_size).part_count == count


def equal_parts(size: int, part_size: int) -> tuple[int, ...]:
    """The sizes of such parts, in order."""
    return tuple(spec.size for spec in UploadPlan(file_size=size, part_size=part_size).parts())


def ranges(sizes: Sequence[int]) -> list[PartSpec]:
    """Consecutive ranges of these sizes."""
    specs, offset = [], 0
    for number, size in enumerate(sizes, start=1):
        specs.append(PartSpec(number=number, offset=offset, size=size))
        offset += size
    return specs


def likely_part_sizes(size: int, count: int) -> tuple[int, ...]:
    """Part sizes that fit, most likely first: common ones, those that uploaders choose for large files, and whole MiB.

    Args:
        size: Of the object, in bytes.
        count: The number of its parts, at least 1.
    """
    if count == 1:
        return (max(size, 1),)
    smallest, largest = -(-size // count), -(-size // (count - 1)) - 1
    guesses = [
        *(mib * MIB for mib in _USUAL),
        -(-smallest // MIB) * MIB,
        smallest,
        *_multiples(5 * MIB, smallest, largest),
        *_multiples(5 * _MEGABYTE, smallest, largest),
        *_multiples(MIB, smallest, largest),
    ]
    return tuple(dict.fromkeys(guess for guess in guesses if smallest <= guess <= largest))[:_MAX_GUESSES]


def _multiples(of: int, smallest: int, largest: int) -> list[int]:
    """The first few multiples within the range."""
    first = -(-smallest // of) * of
    return list(range(first, largest + 1, of))[:_MAX_GUESSES]
