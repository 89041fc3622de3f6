"""The parts of a stream that earlier runs sent.  Pure.

A file's parts are compared before sending starts; a stream's parts are compared as they are read, because a stream
cannot be read ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from partway.state.uploads import PartRecord

from ..backend.protocol import UNKNOWN_SIZE
from ..backend.responses import PartReceipt
from ..resume.reconcile import UnverifiedPart, matches_listing, verifiable
from ..source.plan import PartSpec
from .plan import StreamPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierParts:
    """The parts of a stream that the store and S3 have.

    confirmed: stored receipts that the server's list does not contradict.
    unverified: by part number; a part is kept if the stream's bytes confirm one of its candidates.
    """

    confirmed: tuple[PartRecord, ...]
    unverified: dict[int, UnverifiedPart]
    _sizes: dict[int, int]

    @property
    def parts(self) -> int:
        """The number of parts that may be kept."""
        return len(self.unverified)

    @property
    def bytes(self) -> int:
        """The total size of those parts."""
        return sum(each.spec.size for each in self.unverified.values())

    @property
    def needs_md5(self) -> bool:
        """True when the MD5 of the stream's bytes is needed."""
        return any(each.needs_md5 for each in self.unverified.values())

    def end(self, plan: StreamPlan) -> int:
        """The length up to the last byte that any run sent.  A shorter stream is not the same stream."""
        return max((plan.offset_of(number) + size for number, size in self._sizes.items()), default=0)


def earlier_parts(stored: Sequence[PartRecord], listed: Sequence[PartReceipt] | None) -> EarlierParts:
    """Collect the parts that the stream's bytes may confirm.

    Args:
        stored: The parts in the store.
        listed: The parts that the server lists; None when it cannot list them.  Then the stored receipts are used, and
            the whole object is verified at the end.
    """
    rows_by_number: dict[int, list[PartReceipt]] = {}
    for row in listed or ():
        rows_by_number.setdefault(row.number, []).append(row)
    kept = {part.number: part for part in stored if matches_listing(part, rows_by_number.get(part.number, []), listed)}
    unverified: dict[int, UnverifiedPart] = {}
    for number, part in kept.items():
        receipt = PartReceipt(number=number, size=part.size, etag=part.etag, checksum=part.checksum)
        spec = PartSpec(number=number, offset=0, size=part.size)
        unverified[number] = UnverifiedPart(spec=spec, candidates=(receipt,), run=part.run)
    for number, rows in rows_by_number.items():
        spec = PartSpec(number=number, offset=0, size=rows[0].size)
        if number not in kept and spec.size != UNKNOWN_SIZE and (candidates := verifiable(spec, rows)):
            unverified[number] = UnverifiedPart(spec=spec, candidates=candidates, run=None)
    largest = {number: max(row.size for row in rows) for number, rows in rows_by_number.items() if number > 0}
    sizes = {number: size for number, size in largest.items() if size != UNKNOWN_SIZE}
    return EarlierParts(
        confirmed=tuple(kept.values()),
        unverified=unverified,
        _sizes={part.number: part.size for part in stored} | sizes,
    )
