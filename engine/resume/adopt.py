"""Find unfinished uploads of the key on S3 that the store does not know, for instance because the store was lost.

Such an upload may belong to another machine that is sending right now; only the user can tell.  So none is aborted
here, and none is adopted unless its parts have been compared with the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from partway.state.uploads import PartRecord

from ..backend.responses import FoundUpload, PartReceipt
from ..checksums import ChecksumAlgorithm
from ..errors import CredentialsExpired, ForeignResponse, Refused, Transient
from ..events.upload import OrphanAdopted, OrphanFound
from ..limits import S3Limits, limits_at
from ..run.run import UploadRun
from ..source.plan import UploadPlan
from .reconcile import reconcile, verify_part
from .renewal import start_over

_MAX_INSPECTED = 5  # uploads of one key that are inspected, newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptableUpload:
    """An unfinished upload on S3 that the store does not know, and whose parts fit the size of this file.

    rows: its parts, as S3 lists them.
    """

    upload: FoundUpload
    plan: UploadPlan
    rows: tuple[PartReceipt, ...]

    @property
    def parts(self) -> int:
        """The number of parts that S3 has."""
        return len({row.number for row in self.rows})

    @property
    def bytes(self) -> int:
        """The total size of these parts."""
        return sum({row.number: row.size for row in self.rows}.values())

    @property
    def algorithm(self) -> ChecksumAlgorithm:
        """The algorithm of its parts' checksums."""
        return self.upload.algorithm or ChecksumAlgorithm.MD5


def adopt_orphan(run: UploadRun) -> None:
    """Look for unfinished uploads of the destination that the store does not know, and emit OrphanFound.

    With ``settings.adopt`` the run resumes the upload that has most of the file's bytes: an orphan or its own.  The
    other orphans are reported and stay on S3.  Its own upload, when not resumed, stays until the object is verified.
    """
    orphans = _orphans(run)
    if not orphans:
        return
    if not run.settings.adopt:
        run.emit(_found(run, orphans[0], passed_over=False))
        return
    # For our own upload, the store knows how much was sent.
    max_bytes = run.store.part_totals(run.record.id)[1] if run.record.upload_id is not None else 0
    best: tuple[AdoptableUpload, list[PartRecord]] | None = None
    for orphan in orphans:
        # An upload with fewer bytes than the best match cannot have more of the file.
        parts = _equal_parts(run, orphan) if orphan.bytes > max_bytes else []
        if (equal := sum(part.size for part in parts)) > max_bytes:
            best, max_bytes = (orphan, parts), equal
    for orphan in orphans:
        if best is None or orphan is not best[0]:
            run.emit(_found(run, orphan, passed_over=True))
    if best is not None:
        _adopt(run, *best)


def _adopt(run: UploadRun, orphan: AdoptableUpload, parts: Sequence[PartRecord]) -> None:
    before = run.record
    if before.upload_id is not None:
        start_over(run)
    run.plan = orphan.plan
    run.save(
        upload_id=orphan.upload.upload_id,
        remote_created_at=orphan.upload.initiated,
        part_size=orphan.plan.part_size,
        checksum_algorithm=orphan.algorithm.value,
    )
    run.store.replace_parts(run.record.id, parts)
    run.emit(
        OrphanAdopted(
            upload=run.record.id,
            parts=len(parts),
            bytes=sum(part.size for part in parts),
            left=before.id if before.id != run.record.id else "",
        )
    )


def _found(run: UploadRun, orphan: AdoptableUpload, *, passed_over: bool) -> OrphanFound:
    return OrphanFound(
        source=run.source.path,
        target=run.target.url,
        parts=orphan.parts,
        bytes=orphan.bytes,
        initiated=orphan.upload.initiated,
        passed_over=passed_over,
    )


def _equal_parts(run: UploadRun, orphan: AdoptableUpload) -> list[PartRecord]:
    """The parts of the orphan that match the file."""
    found = reconcile(orphan.plan, (), orphan.rows, source_changed=False)
    unverified = {each.spec.number: each for each in found.unverified}
    needs_md5 = any(each.needs_md5 for each in found.unverified)
    equal = []
    specs = [each.spec for each in found.unverified]
    for local in run.hash(specs, md5=needs_md5, algorithm=orphan.algorithm):
        md5 = local.checksum if orphan.algorithm is ChecksumAlgorithm.MD5 else local.md5
        part = verify_part(unverified[local.number], checksum=local.checksum, md5=md5, run=0)
        if part is not None:
            equal.append(part)
    return sorted(equal, key=lambda part: part.number)


def _orphans(run: UploadRun) -> list[AdoptableUpload]:
    """The uploads that can be adopted, largest first."""
    try:
        found = run.call(lambda s3: s3.list_uploads(run.target))
    except Transient as error:
        if error.unreachable:
            raise
        # The list is optional: an upload works without it.
        return []
    except ForeignResponse:
        return []  # the next call shows whether every response is foreign
    if found is None:
        return []
    run.listed_before = frozenset(upload.upload_id for upload in found)
    # Read the store only now: most keys have no orphans, and reading a long history takes time.
    ours = {record.upload_id for record in run.store.uploads()} if found else set()
    strangers = [upload for upload in found if upload.upload_id not in ours]
    orphans = []
    for upload in sorted(strangers, key=lambda upload: upload.initiated, reverse=True)[:_MAX_INSPECTED]:
        algorithm = upload.algorithm or ChecksumAlgorithm.MD5
        if run.settings.algorithm not in (None, algorithm):
            continue
        try:
            rows = run.call(lambda s3, u=upload, a=algorithm: s3.list_parts(run.target, u.upload_id, a))  # type: ignore[misc]
        except CredentialsExpired:
            raise
        except Refused:
            # Gone by now, or encrypted with a different SSE-C key.
            continue
        plan = infer_plan(rows or [], run.source.size, limits_at(run.target.endpoint, run.settings.limits))
        if plan is not None:
            orphans.append(AdoptableUpload(upload=upload, plan=plan, rows=tuple(rows or ())))
    return sorted(orphans, key=lambda orphan: orphan.bytes, reverse=True)


def infer_plan(rows: Sequence[PartReceipt], file_size: int, limits: S3Limits) -> UploadPlan | None:
    """The plan that the listed parts were made with; None when they do not fit a file of this size.

    The part size is the largest size listed: all parts have it but the last, which may be smaller.
    """
    if not rows:
        return None
    part_size = max(row.size for row in rows)
    if not limits.min_part_size <= part_size <= limits.max_part_size:
        return None
    plan = UploadPlan(file_size=file_size, part_size=part_size)
    fits = plan.part_count <= limits.max_parts and all(
        1 <= row.number <= plan.part_count and row.size == plan.part(row.number).size for row in rows
    )
    return plan if fits else None
