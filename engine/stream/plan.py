"""Cut a stream whose size nobody knows.  Pure arithmetic.

A part's size depends on the size of the first part and on its number alone, so that the same stream is cut in the same
way when it comes again.  It doubles a few times on the way to the last number a part may have: small streams have small
parts, and 10,000 parts reach far beyond 5 TiB.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import PlanError
from ..limits import AWS, GIB, MIB, S3Limits
from ..source.plan import PREFERRED_PART_SIZE, PartSpec, UploadPlan

# So many sizes, each twice the one before: from 5 MiB, the smallest first part, the last is 5 GiB, the largest part.
_SIZES = 11
# A stream may become a quarter larger than expected.
_HEADROOM = 5 / 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan(UploadPlan):
    """How a stream is cut.  ``file_size`` is 0 until its end is known, ``part_size`` is that of the first part.

    every: how many parts have one size before it doubles; None: all parts are equal.
    limits: the service's rules.
    """

    every: int | None
    limits: S3Limits

    def size_of(self, number: int) -> int:
        """Bytes of the part with this 1-based number, unless the stream ends in it."""
        if self.every is None:
            return self.part_size
        return min(self.part_size << ((number - 1) // self.every), self.limits.max_part_size)

    def offset_of(self, number: int) -> int:
        """Where in the stream the part with this 1-based number begins."""
        if self.every is None:
            return (number - 1) * self.part_size
        rounds, rest = divmod(number - 1, self.every)
        full = sum(self.every * self.size_of(1 + each * self.every) for each in range(rounds))
        return full + rest * self.size_of(number)

    @property
    def most_bytes(self) -> int:
        """The longest stream that this cut has part numbers for."""
        return self.offset_of(self.limits.max_parts + 1)

    @property
    def part_count(self) -> int:
        if self.every is None:
            return max(1, -(-self.file_size // self.part_size))
        number, left = 1, self.file_size
        while left > (full := self.every * self.size_of(number)):
            number, left = number + self.every, left - full
        return max(1, number - 1 + -(-left // self.size_of(number)))

    def _cut(self, number: int) -> PartSpec:
        offset = self.offset_of(number)
        return PartSpec(number=number, offset=offset, size=min(self.size_of(number), self.file_size - offset))


def plan_stream(
    *,
    part_size: int | None = None,
    expected_size: int | None = None,
    equal: bool = False,
    preferred_part_size: int = PREFERRED_PART_SIZE,
    limits: S3Limits = AWS,
) -> StreamPlan:
    """Choose the first part's size, and whether parts grow.

    Args:
        part_size: The user's choice in bytes, of the first part: kept as it is, or refused.  None means choose.
        expected_size: Bytes that the stream is expected to have; None: nobody knows.  Parts are then equal, and have
            numbers for a quarter more, where the service has.
        equal: True keeps all parts equal, as some services want them.

    Raises:
        PlanError: ``part_size`` is not legal, or what is expected does not fit.
    """
    if expected_size is not None and expected_size > limits.max_object_size:
        raise PlanError(
            f"--expected-size is {expected_size:,} bytes, but the service stores at most {limits.max_object_size:,} "
            "in one object; split the stream"
        )
    if part_size is None:
        wanted = max(preferred_part_size, limits.min_part_size)
        if expected_size is not None:
            least = int(expected_size * _HEADROOM) // limits.max_parts + 1
            wanted = max(wanted, -(-least // MIB) * MIB if least > wanted else 0)
        part_size = min(wanted, limits.max_part_size)
    elif not limits.min_part_size <= part_size <= limits.max_part_size:
        raise PlanError(
            f"a part size of {part_size:,} bytes is not possible here: it must be "
            f"from {limits.min_part_size:,} to {limits.max_part_size:,} bytes"
        )
    growing = not equal and expected_size is None
    plan = StreamPlan(file_size=0, part_size=part_size, every=_every(limits) if growing else None, limits=limits)
    if expected_size is not None and expected_size > plan.most_bytes:
        least = -(-expected_size // limits.max_parts)
        raise PlanError(
            f"{limits.max_parts:,} parts of {part_size:,} bytes hold less than the expected {expected_size:,}; "
            f"choose a part size of {-(-least // MIB):,} MiB or more, or omit it"
        )
    return plan


def replan_stream(
    part_size: int, sent: Iterable[tuple[int, int]], *, equal: bool, limits: S3Limits = AWS
) -> StreamPlan:
    """The plan of a stream that parts were sent of: its first part's size stays, and so does its way to grow.

    Args:
        sent: ``(number, size)`` of those parts.
        equal: What is wanted now; it decides where the parts fit both ways.
    """
    every = _every(limits)
    rows = sorted(sent)
    if any(size > part_size for _, size in rows):
        equal = False
    elif any(number > every and size == part_size for number, size in rows[:-1]):
        # The last one of all may be short by the stream's end.
        equal = True
    return StreamPlan(file_size=0, part_size=part_size, every=None if equal else every, limits=limits)


def plan_of_sent(part_size: int, sizes: Sequence[int], *, limits: S3Limits = AWS) -> StreamPlan:
    """The plan of a whole stream, by the sizes of all of its parts in order; whatever it was cut by then."""
    every = next((index for index, size in enumerate(sizes) if size > part_size), None)
    return StreamPlan(file_size=sum(sizes), part_size=part_size, every=every or None, limits=limits)


def too_long(plan: StreamPlan) -> PlanError:
    """The stream has more bytes than the plan has part numbers for."""
    return PlanError(
        f"the stream is longer than the {plan.most_bytes / GIB:,.1f} GiB that {plan.limits.max_parts:,} parts hold "
        f"here, from {plan.part_size:,} bytes; nothing was completed, and uploaded parts cannot be "
        "resized: start over with "
        "--restart and a larger --expected-size or --part-size"
    )


def _every(limits: S3Limits) -> int:
    return max(1, limits.max_parts // _SIZES)
