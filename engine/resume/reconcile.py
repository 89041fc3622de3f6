"""Decide which parts an unfinished upload keeps: compare the store, the server's list and the source.  Pure.

The server's list is evidence, not proof: it may be unsorted, repeat or omit parts, or show a truncated part.  A part is
kept only when everything known about it agrees; if the local bytes can decide, it is compared with them.
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
    """A part that S3 has, and that is kept if it matches the local bytes.

    candidates: receipts, one of which the local bytes may confirm.
    run: the number of the run that sent it; None when the store did not know the part.
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
    """What to do with each part of the plan.  Every part is in exactly one of the three, in ascending order."""

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
        stored: The parts in the store; their checksums are in the upload's algorithm, like those in the list.
        listed: The parts that the server lists; None when it cannot list them.  Then the stored receipts are used:
            Complete names each of them, and the whole object is verified at the end.
        source_changed: True when the source may have changed since the stored parts were read.
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
    """The receipt that the local bytes confirm; None when none matches and the part must be sent again.

    Args:
        checksum: Of the local bytes, base64, in the upload's algorithm.
        md5: Of the local bytes, base64; None when no candidate needs it.
        run: The run number to record for a part that the store did not know.
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
    """True when the list shows the stored part, and no other part with its number."""
    if listed is None:
        return True
    return bool(rows) and all(
        row.size in (known.size, UNKNOWN_SIZE)
        and is_same_etag(row.etag, known.etag)
        and row.checksum in (None, known.checksum)
        for row in rows
    )


def verifiable(spec: PartSpec, rows: Sequence[PartReceipt]) -> tuple[PartReceipt, ...]:
    """The one row that the local bytes could confirm, if any; empty when the rows contradict each other.

    With two different rows for one part number, it is unknown which of them Complete would use.
    """
    if len(set(rows)) != 1:
        return ()
    row = rows[0]
    can_be = row.checksum is not None or looks_like_md5(row.etag)
    return (row,) if row.size in (spec.size, UNKNOWN_SIZE) and can_be and row.etag else ()


def looks_like_md5(etag: str) -> bool:
    """True when the ETag may be the MD5 of a part's bytes."""
    return len(etag) == 32 and all(digit in hexdigits for digit in etag)
