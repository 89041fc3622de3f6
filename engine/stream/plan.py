"""Split a stream of unknown size into parts.  Pure arithmetic.

A part's size depends only on its number and on the size of the first part, so the same stream is split the same way
every time.  The size doubles a few times up to the highest part number: small streams have small parts, and 10,000
parts hold far more than 5 TiB.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import PlanError
from ..limits import AWS, GIB, MIB, S3Limits
from ..source.plan import PartSpec, UploadPlan

# The number of sizes, each twice the previous one: from 5 MiB, the smallest first part, to 5 GiB, the largest part.
_SIZES = 11
# A stream may be a quarter larger than expected.
_HEADROOM = 5 / 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan(UploadPlan):
    """How a stream is split.  ``file_size`` is 0 until its end is known, ``part_size`` is the size of the first part.

    growth_interval: the number of parts of one size before it doubles; None when all parts are equal.
    limits: the service's rules.
    """

    growth_interval: int | None
    limits: S3Limits

    def size_of(self, number: int) -> int:
        """The size of the part with this 1-based number in bytes, unless the stream ends within it."""
        if self.growth_interval is None:
            return self.part_size
        return min(self.part_size << ((number - 1) // self.growth_interval), self.limits.max_part_size)

    def offset_of(self, number: int) -> int:
        """The offset in the stream at which the part with this 1-based number starts."""
        if self.growth_interval is None:
            return (number - 1) * self.part_size
        rounds, rest = divmod(number - 1, self.growth_interval)
        full = sum(self.growth_interval * self.size_of(1 + each * self.growth_interval) for each in range(rounds))
        return full + rest * self.size_of(number)

    @property
    def max_bytes(self) -> int:
        """The size of the largest stream that this plan can hold."""
        return self.offset_of(self.limits.max_parts + 1)

    @property
    def part_count(self) -> int:
        if self.growth_interval is None:
            return max(1, -(-self.file_size // self.part_size))
        number, left = 1, self.file_size
        while left > (full := self.growth_interval * self.size_of(number)):
            number, left = number + self.growth_interval, left - full
        return max(1, number - 1 + -(-left // self.size_of(number)))

    def _cut(self, number: int) -> PartSpec:
        offset = self.offset_of(number)
        return PartSpec(number=number, offset=offset, size=min(self.size_of(number), self.file_size - offset))


def plan_stream(
    *,
    part_size: int | None = None,
    expected_size: int | None = None,
    equal: bool = False,
    limits: S3Limits = AWS,
) -> StreamPlan:
    """Choose the size of the first part, and whether parts grow.

    Args:
        part_size: The user's choice for the first part in bytes, which is used or rejected; None chooses one.
        expected_size: The expected size of the stream in bytes; None when unknown.  If given, parts are equal, and the
            plan can hold a quarter more if the service's limits allow.
        equal: True keeps all parts equal, as some services require.

    Raises:
        PlanError: ``part_size`` is invalid, or the expected size does not fit.
    """
    if expected_size is not None and expected_size > limits.max_object_size:
        raise PlanError(
            f"--expected-size is {expected_size:,} bytes, but the service stores at most {limits.max_object_size:,} "
            "in one object; split the stream"
        )
    if part_size is None:
        wanted = max(limits.preferred_part_size, limits.min_part_size)
        if expected_size is not None:
            min_part_size = int(expected_size * _HEADROOM) // limits.max_parts + 1
            wanted = max(wanted, -(-min_part_size // MIB) * MIB if min_part_size > wanted else 0)
        part_size = min(wanted, limits.max_part_size)
    elif not limits.min_part_size <= part_size <= limits.max_part_size:
        raise PlanError(
            f"a part size of {part_size:,} bytes is not possible here: it must be "
            f"from {limits.min_part_size:,} to {limits.max_part_size:,} bytes"
        )
    growing = not equal and expected_size is None
    plan = StreamPlan(
        file_size=0, part_size=part_size, growth_interval=_growth_interval(limits) if growing else None, limits=limits
    )
    if expected_size is not None and expected_size > plan.max_bytes:
        min_part_size = -(-expected_size // limits.max_parts)
        raise PlanError(
            f"{limits.max_parts:,} parts of {part_size:,} bytes hold less than the expected {expected_size:,}; "
            f"choose a part size of {-(-min_part_size // MIB):,} MiB or more, or omit it"
        )
    return plan


def replan_stream(
    part_size: int, sent: Iterable[tuple[int, int]], *, equal: bool, limits: S3Limits = AWS
) -> StreamPlan:
    """The plan of a stream that earlier runs sent parts of.  It keeps the size of the first part and the growth.

    Args:
        sent: ``(number, size)`` of those parts.
        equal: The current choice; it decides when the parts fit both kinds of plan.
    """
    growth_interval = _growth_interval(limits)
    rows = sorted(sent)
    if any(size > part_size for _, size in rows):
        equal = False
    elif any(number > growth_interval and size == part_size for number, size in rows[:-1]):
        # The very last part may be short because the stream ended.
        equal = True
    return StreamPlan(
        file_size=0, part_size=part_size, growth_interval=None if equal else growth_interval, limits=limits
    )


def plan_of_sent(part_size: int, sizes: Sequence[int], *, limits: S3Limits = AWS) -> StreamPlan:
    """The plan of a complete stream, derived from the sizes of all its parts in order."""
    growth_interval = next((index for index, size in enumerate(sizes) if size > part_size), None)
    return StreamPlan(file_size=sum(sizes), part_size=part_size, growth_interval=growth_interval or None, limits=limits)


def too_long(plan: StreamPlan) -> PlanError:
    """The error for a stream that is larger than the plan can hold."""
    return PlanError(
        f"the stream is longer than {plan.max_bytes / GIB:,.1f} GiB, which is the most that {plan.limits.max_parts:,} "
        f"parts hold here, the first of {plan.part_size:,} bytes; nothing was completed, and uploaded parts cannot be "
        "resized: start over with --restart and a larger --expected-size or --part-size"
    )


def _growth_interval(limits: S3Limits) -> int:
    return max(1, limits.max_parts // _SIZES)
