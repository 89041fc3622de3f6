"""Decide what an unfinished upload keeps: compare the store, the server's list and the source.  Pure.

The server's list is evidence, not proof: it may repeat numbers, come unsorted, miss rows or show a part that was cut
short.  A part is kept only when everything known about it agrees; where the local bytes can decide, they are asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import hexdigits

from partway.state.uploads import PartRecord

from ..backend.protocol import UNKNOWN_SIZE
from ..backend.responses import PartReceipt
from ..checksums import etag_of
from ..proof.proof import is_same_etag
from ..source.plan import PartSpec, UploadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedPart:
    """A part that S3 has and that is kept when the local bytes agree.

    candidates: the receipts to choose from; the local bytes may confirm one of them.
    run: the run that sent it; None when the store did not know the part.
    """

    spec: PartSpec
    candidates: tuple[PartReceipt, ...]
    run: int | None

    @property
    def needs_md5(self) -> bool:
        """True when the MD5 of the local bytes is needed, because a candidate has only an ETag."""
        return any(candidate.checksum is None for candidate in self.candidates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What to do with each part of the plan: every number is in exactly one of the three, in ascending order."""

    keep: tuple[PartRecord, ...]
    unverified: tuple[UnverifiedPart, ...]
    send: tuple[PartSpec, ...]


def reconcile(
    plan: UploadPlan,
    stored: Sequence[PartRecord],
    listed: Sequence[PartReceipt] | None,
    *,
    source_changed: bool,
) -> Reconciliation:
    """Sort the parts of the plan into keep, unverified and send.

    Args:
        stored: What the store remembers, with checksums in the upload's algorithm, as the list has them.
        listed: What the server lists; None when it cannot list, and then the store's receipts stand: Complete names
            each of them and the whole object is proven at the end.
        source_changed: True when the source may not be what the stored parts were read from.
    """
    stored_by_number = {part.number: part for part in stored}
    rows_by_number: dict[int, list[PartReceipt]] = {}
    for row in listed or ():
        rows_by_number.setdefault(row.number, []).append(row)
    keep: list[PartRecord] = []
    unverified: list[UnverifiedPart] = []
    send: list[PartSpec] = []
    for spec in plan.parts():
        known = stored_by_number.get(spec.number)
        rows = rows_by_number.get(spec.number, [])
        if known is not None and (known.size != spec.size or not matches_listing(known, rows, listed)):
            known = None
        if known is not None and not source_changed:
            keep.append(known)
        elif known is not None:
            receipt = PartReceipt(number=known.number, size=known.size, etag=known.etag, checksum=known.checksum)
            unverified.append(UnverifiedPart(spec=spec, candidates=(receipt,), run=known.run))
        elif candidates := verifiable(spec, rows):
            unverified.append(UnverifiedPart(spec=spec, candidates=candidates, run=None))
        else:
            send.append(spec)
    return Reconciliation(keep=tuple(keep), unverified=tuple(unverified), send=tuple(send))


def verify_part(part: UnverifiedPart, *, checksum: str, md5: str | None, run: int) -> PartRecord | None:
    """The receipt that the local bytes confirm, or None: the part is sent again.

    Args:
        checksum: Of the local bytes, base64, in the upload's algorithm.
        md5: Of the local bytes, base64; None when no candidate needs it.
        run: The run to note for a part that the store did not know.
    """
    for candidate in part.candidates:
        by_md5 = md5 is not None and is_same_etag(candidate.etag, etag_of(md5))
        if by_md5 if candidate.checksum is None else candidate.checksum == checksum:
            return PartRecord(
                number=candidate.number,
                size=part.spec.size,
                etag=candidate.etag,
                checksum=checksum,
                run=part.run or run,
            )
    return None


def matches_listing(known: PartRecord, rows: Sequence[PartReceipt], listed: Sequence[PartReceipt] | None) -> bool:
    """True when the list shows the stored part and nothing else under its number."""
    if listed is None:
        return True
    return bool(rows) and all(
        row.size in (known.size, UNKNOWN_SIZE)
        and is_same_etag(row.etag, known.etag)
        and row.checksum in (None, known.checksum)
        for row in rows
    )


def verifiable(spec: PartSpec, rows: Sequence[PartReceipt]) -> tuple[PartReceipt, ...]:
    """The one candidate among the rows that the local bytes could confirm; none when the rows contradict each other.

    With two different rows of one number, nobody can say which of them Complete would use.
    """
    if len(set(rows)) != 1:
        return ()
    row = rows[0]
    can_be = row.checksum is not None or looks_like_md5(row.etag)
    return (row,) if row.size in (spec.size, UNKNOWN_SIZE) and can_be and row.etag else ()


def looks_like_md5(etag: str) -> bool:
    """True when the ETag may be the MD5 of a part's bytes."""
    return len(etag) == 32 and all(digit in hexdigits for digit in etag)
