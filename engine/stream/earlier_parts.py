"""What earlier runs sent of a stream.  Pure.

Where a file's parts are compared before sending begins, a stream's are compared as they pass: nobody can read ahead.
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
    """What the store and S3 have of a stream.

    confirmed: stored receipts that the server's list does not contradict.
    unverified: by number; a part is kept when the bytes that pass confirm one of its candidates.
    """

    confirmed: tuple[PartRecord, ...]
    unverified: dict[int, UnverifiedPart]
    _sizes: dict[int, int]

    @property
    def parts(self) -> int:
        """How many parts may be kept."""
        return len(self.unverified)

    @property
    def bytes(self) -> int:
        """Bytes of those parts."""
        return sum(each.spec.size for each in self.unverified.values())

    @property
    def needs_md5(self) -> bool:
        """True when the MD5 of the bytes that pass is needed."""
        return any(each.needs_md5 for each in self.unverified.values())

    def end(self, plan: StreamPlan) -> int:
        """Where the last byte that was ever sent ends: a stream that ends before is not the same."""
        return max((plan.offset_of(number) + size for number, size in self._sizes.items()), default=0)


def earlier_parts(stored: Sequence[PartRecord], listed: Sequence[PartReceipt] | None) -> EarlierParts:
    """Sort what is known into parts that the passing bytes may confirm.

    Args:
        stored: What the store remembers.
        listed: What the server lists; None when it cannot list: then the store's receipts stand, and the whole object
            is proven at the end.
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
