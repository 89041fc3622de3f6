"""Split a file into parts.  Pure arithmetic: no files, no network, no clock."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import PlanError
from ..limits import AWS, MIB, S3Limits

# Small enough that a kill loses seconds on a home uplink, large enough that 2 ms per request are negligible.


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """A byte range of the source: ``[offset, offset + size)``.

    number: 1-based, as S3 counts parts.
    """

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """How one source is split: every part but the last has ``part_size`` bytes."""

    file_size: int
    part_size: int

    @property
    def part_count(self) -> int:
        """At least 1: an empty file is one empty part."""
        return max(1, -(-self.file_size // self.part_size))

    def part(self, number: int) -> PartSpec:
        """The part with this 1-based number.

        Raises:
            IndexError: the plan has no such part.
        """
        if not 1 <= number <= self.part_count:
            raise IndexError(f"no part {number} in a plan of {self.part_count}")
        return self._cut(number)

    def parts(self) -> Iterator[PartSpec]:
        """All parts in order, generated one at a time."""
        return map(self._cut, range(1, self.part_count + 1))

    def _cut(self, number: int) -> PartSpec:
        offset = (number - 1) * self.part_size
        return PartSpec(number=number, offset=offset, size=min(self.part_size, self.file_size - offset))


def plan_upload(
    file_size: int,
    *,
    part_size: int | None = None,
    preferred_part_size: int | None = None,
    limits: S3Limits = AWS,
) -> UploadPlan:
    """Choose a part size, and split ``file_size`` bytes with it.

    Args:
        file_size: Bytes in the file; 0 is allowed.
        part_size: The user's choice in bytes, which is used or rejected.  None chooses ``preferred_part_size``, or a
            larger size in whole MiB if the file would otherwise need more than ``limits.max_parts`` parts.
        preferred_part_size: None means that of the limits.
        limits: The service's rules; tests pass small ones.

    Raises:
        PlanError: ``part_size`` is invalid for this file (the message names the valid range), or the file is too large
            for the service.

    S3 rules: part size, part count and the last-part exception,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """
    if file_size > limits.max_object_size:
        raise PlanError(
            f"the file has {file_size:,} bytes, but the service stores at most {limits.max_object_size:,} "
            f"({limits.max_parts:,} parts of {limits.max_part_size:,}); split it into several objects"
        )
    least = max(limits.min_part_size, -(-file_size // limits.max_parts))
    if part_size is None:
        wanted = limits.preferred_part_size if preferred_part_size is None else preferred_part_size
        wanted = min(max(wanted, limits.min_part_size), limits.max_part_size)
        part_size = wanted if wanted >= least else min(-(-least // MIB) * MIB, limits.max_part_size)
    elif not least <= part_size <= limits.max_part_size:
        raise PlanError(
            f"a part size of {part_size:,} bytes is not possible here: for this file it must be "
            f"from {least:,} to {limits.max_part_size:,} bytes "
            f"({-(-least // MIB):,} MiB to {limits.max_part_size // MIB:,} MiB)"
        )
    return UploadPlan(file_size=file_size, part_size=part_size)


def replan(file_size: int, part_size: int, *, limits: S3Limits = AWS) -> UploadPlan:
    """The plan of an upload that already has parts.  It keeps its part size, whatever the file's size is now.

    Raises:
        PlanError: the file has grown so much that it needs more than ``limits.max_parts`` parts of this size.
    """
    plan = UploadPlan(file_size=file_size, part_size=part_size)
    if plan.part_count > limits.max_parts:
        raise PlanError(
            f"the file grew to {file_size:,} bytes: in the unfinished upload's parts of {part_size:,} bytes that is "
            f"{plan.part_count:,} parts, and the service takes {limits.max_parts:,}; start over with --restart"
        )
    return plan
