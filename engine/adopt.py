"""Find what a lost store would have known: S3's own list of unfinished uploads of the key.

Only the user can say that such an upload is his: it may be another machine's, which is sending at this moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .backend import FoundUpload, PartReceipt
from .cancel import give_up
from .checksum import ChecksumAlgorithm
from .errors import CredentialsExpired, Refused, Transient
from .events import OrphanAdopted, OrphanFound
from .limits import S3Limits
from .plan import UploadPlan
from .pool import Cancel, Lane
from .run import UploadRun

_MOST = 5  # uploads of one key that are looked into, newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An unfinished upload on S3 that the store does not know, and that is cut as this file would be."""

    upload: FoundUpload
    plan: UploadPlan
    parts: int
    bytes: int


def adopt_or_tell(run: UploadRun, cancel: Cancel, lane: Lane | None = None) -> None:
    """Look for an unfinished upload of the target that the store does not know, and say so.

    With ``settings.adopt`` the run goes on with it; its parts are then compared with the local bytes like every part
    that only S3 knows.  An unfinished upload of ours is given up for it, when S3 has more bytes in the other.
    """
    orphan = _largest(run)
    if orphan is None:
        return
    if not run.settings.adopt:
        run.emit(
            OrphanFound(
                source=run.source.path,
                target=run.target.url,
                parts=orphan.parts,
                bytes=orphan.bytes,
                initiated=orphan.upload.initiated,
            )
        )
        return
    _, own_bytes = run.store.part_totals(run.record.id)
    if run.record.upload_id is not None:
        if own_bytes >= orphan.bytes:
            return
        give_up(run.record, run.backend, run.store, run.settings, cancel, lane)
        run.renew_record()
    run.plan = orphan.plan
    run.save(
        upload_id=orphan.upload.upload_id,
        remote_created_at=orphan.upload.initiated,
        part_size=orphan.plan.part_size,
        checksum_algorithm=(orphan.upload.algorithm or ChecksumAlgorithm.MD5).value,
    )
    run.emit(OrphanAdopted(upload=run.record.id, parts=orphan.parts, bytes=orphan.bytes))


def _largest(run: UploadRun) -> Orphan | None:
    try:
        found = run.call(lambda s3: s3.list_uploads(run.target)) or []
    except Transient as error:
        if error.unreachable:
            raise
        # Looking is a kindness: an upload does not need it.
        return None
    # Looked for only now: most keys have none, and a long history takes its time.
    ours = {record.upload_id for record in run.store.uploads()} if found else set()
    strangers = [upload for upload in found if upload.upload_id not in ours]
    orphans = []
    for upload in sorted(strangers, key=lambda upload: upload.initiated, reverse=True)[:_MOST]:
        algorithm = upload.algorithm or ChecksumAlgorithm.MD5
        if run.settings.algorithm not in (None, algorithm):
            continue
        try:
            rows = run.call(lambda s3, u=upload, a=algorithm: s3.list_parts(run.target, u.upload_id, a))  # type: ignore[misc]
        except CredentialsExpired:
            raise
        except Refused:
            # Gone by now, or encrypted with another key than ours.
            continue
        plan = cut_of(rows or [], run.source.size, run.settings.limits)
        if plan is not None:
            sizes = {row.number: row.size for row in rows or []}
            orphans.append(Orphan(upload=upload, plan=plan, parts=len(sizes), bytes=sum(sizes.values())))
    return max(orphans, key=lambda orphan: orphan.bytes, default=None)


def cut_of(rows: Sequence[PartReceipt], file_size: int, limits: S3Limits) -> UploadPlan | None:
    """The plan that the listed parts are of, when they are of a file of this size; None when they are not.

    All parts but the last have the part size, and the last has less: so it is the largest size listed.
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
