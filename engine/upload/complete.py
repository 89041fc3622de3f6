"""Complete a multipart upload, and verify that the object equals the source."""

from collections.abc import Sequence

from partway.state.errors import StateDamaged
from partway.state.uploads import PartRecord, UploadStatus

from ..backend.responses import ObjectFacts, PartReceipt
from ..checksums import ChecksumAlgorithm, combine
from ..errors import (
    AccessRefused,
    Conflict,
    CredentialsExpired,
    ObjectExists,
    ObjectMissing,
    PartsRefused,
    ProofFailed,
    Refused,
    RemoteError,
    Transient,
    UploadVanished,
)
from ..events.upload import UploadCompleting, UploadDone
from ..limits import is_aws
from ..proof.proof import Proof, is_older, is_same_etag, prove, prove_written
from ..resume.reconcile import looks_like_md5
from ..retry.policy import Retry
from ..run.run import UploadRun
from ..workers.channel import WorkerContext
from .head import verify_object
from .overwrite import SAME_BYTES, SOMEBODY_ELSES, is_head_denied, not_shown


def complete(run: UploadRun, *, again: bool) -> UploadDone:
    """Complete the upload and verify the object.  again: True when an earlier run sent Complete for the same parts.

    Raises:
        StateDamaged: the store does not return the parts that were saved.
    """
    parts = run.store.parts(run.record.id)
    if not _are_the_plans(run, parts):
        raise StateDamaged(
            f"the parts of upload {run.record.id} in the store are not those that were sent; move "
            "the state directory elsewhere and run again with --adopt: finished parts are still on S3"
        )
    run.save(status=UploadStatus.COMPLETING)
    retries = run.retries
    run.emit(UploadCompleting(upload=run.record.id))
    try:
        answer = run.call(
            lambda s3: s3.complete_upload(
                run.target,
                run.upload_id,
                [_receipt(part) for part in parts],
                algorithm=run.algorithm,
                checksum=combine(run.algorithm, [(part.checksum, part.size) for part in parts]),
                size=run.plan.file_size,
            )
        )
    except (UploadVanished, PartsRefused) as error:
        # The response to the first attempt may have been lost; then the object exists.
        if done := finish_if_completed(run, parts, gone=isinstance(error, UploadVanished)):
            return done
        raise
    except (ObjectExists, Conflict) as error:
        lost = again or run.retries > retries
        if (lost or not _has_parts(run)) and (done := finish_if_completed(run, parts, gone=False)):
            return done
        if run.target.options.no_overwrite:
            _refuse_if_taken(run, parts, error)
        raise
    try:
        proof, facts = verify_object(
            run,
            lambda facts: prove_written(
                facts, answer, parts, algorithm=run.algorithm, etags_agree=is_aws(run.target.endpoint)
            ),
            answer,
        )
    except ProofFailed:
        if again:
            # Another client replaced the object, and S3 repeats its response to the first Complete: these parts can no
            # longer become an object.
            run.forget_parts()
        raise
    return run.finish(_or_by_etag(run, proof, facts.etag), facts.etag or answer.etag, answer.version or facts.version)


def _has_parts(run: UploadRun) -> bool:
    """True when S3 still lists parts of the upload or cannot list them, so Complete cannot have taken effect."""
    try:
        return run.call(lambda s3: s3.list_parts(run.target, run.upload_id, run.algorithm)) != []
    except UploadVanished:
        return False


def _refuse_if_taken(run: UploadRun, parts: Sequence[PartRecord], error: Refused) -> None:
    """Report which object has the key instead of ours; after a conflict there may be none.

    Raises:
        ObjectExists: another object has the key, possibly with the same bytes.
        Transient: S3 reported that the key is taken, but shows no object.
        RemoteError.
    """
    reason = SOMEBODY_ELSES
    try:
        facts = run.call(lambda s3: s3.head_object(run.target, run.algorithm))
        if prove(facts, parts, algorithm=run.algorithm).covers_object:
            reason = SAME_BYTES
    except ObjectMissing:
        if isinstance(error, Conflict):
            return
        raise not_shown(error) from error
    except ProofFailed:
        pass
    except RemoteError as hidden:
        if isinstance(hidden, CredentialsExpired) or not is_head_denied(hidden):
            raise
        if isinstance(error, Conflict):
            return
    raise ObjectExists(reason, operation=error.operation, code=error.code, status=error.status) from error


def _are_the_plans(run: UploadRun, parts: Sequence[PartRecord]) -> bool:
    return [(part.number, part.size) for part in parts] == [(spec.number, spec.size) for spec in run.plan.parts()]


def _receipt(part: PartRecord) -> PartReceipt:
    return PartReceipt(number=part.number, size=part.size, etag=part.etag, checksum=part.checksum)


def finish_if_completed(run: UploadRun, parts: Sequence[PartRecord], *, gone: bool) -> UploadDone | None:
    """Finish an upload whose Complete took effect although the response was lost; None when it did not take effect.

    gone: as in ``prove_completed_object``.
    """
    found = prove_completed_object(run, parts, gone=gone)
    return None if found is None else run.finish(*found)


def prove_completed_object(run: UploadRun, parts: Sequence[PartRecord], *, gone: bool) -> tuple[Proof, str] | None:
    """The proof and the ETag of the object that such a Complete created; None when there is no such object.

    gone: True when S3 no longer knows the upload.  S3 may be assembling the object at this moment, and a large one
        becomes visible only after a while; giving up too early would send every part again.
    """
    if not _are_the_plans(run, parts):
        return None
    try:
        found = run.call_on_worker(lambda worker: _wait_for_our_object(run, parts, worker, patient=gone))
    except CredentialsExpired:
        raise
    except AccessRefused:
        # Without permission to list the bucket, S3 answers 403 for an object that does not exist.
        return None
    if found is None:
        return None
    proof, facts = found
    proof = _or_by_etag(run, proof, facts.etag)
    return (proof, facts.etag) if proof.covers_object else None


def _wait_for_our_object(
    run: UploadRun, parts: Sequence[PartRecord], worker: WorkerContext, *, patient: bool
) -> tuple[Proof, ObjectFacts] | None:
    """HEAD the object until it is verified, at least twice, because one response may be stale.

    patient: True to keep trying for the policy's longest wait.
    """
    policy = run.settings.policy
    wait, left = policy.first_wait, policy.max_wait if patient else 0.0
    attempt = 0
    while True:
        attempt += 1
        found = None
        try:
            facts = run.retrying(worker).head_object(run.target, run.algorithm)
            if not is_older(facts, run.record.remote_created_at):
                found = prove(facts, parts, algorithm=run.algorithm), facts
        except (ObjectMissing, ProofFailed):
            pass
        except Transient as error:
            if not is_head_denied(error):
                raise
        if (found and (found[0].covers_object or attempt > 1)) or (attempt > 1 and left <= 0):
            return found
        reason = "S3 no longer knows the upload, and does not show its object yet"
        wait = min(wait * 2, left)
        left -= wait
        if patient:
            worker.emit(Retry(number=0, attempt=attempt, wait=wait, reason=reason, unreachable=False, throttled=False))
        worker.sleep(wait)


def _or_by_etag(run: UploadRun, proof: Proof, etag: str) -> Proof:
    """The proof, if it covers the whole object.  For a service that reports no checksum of the object, read the source
    again and compare MD5s with the ETag, if that may be the MD5 of the parts' MD5s (as on AWS) or of the whole object
    (as on some other services)."""
    if proof.covers_object or run.record.is_stream or not run.settings.verify_object:
        return proof  # a stream cannot be read again
    md5: str | None = None
    if looks_like_md5(etag):
        md5 = run.md5_of_source()
    elif etag.endswith(f"-{run.plan.part_count}") and run.algorithm is not ChecksumAlgorithm.MD5:
        md5s: dict[int, tuple[str, int]] = {}
        for local in run.hash(run.plan.parts(), md5=False, algorithm=ChecksumAlgorithm.MD5):
            md5s[local.number] = (local.checksum, run.plan.part(local.number).size)
        md5 = combine(ChecksumAlgorithm.MD5, [md5s[number] for number in sorted(md5s)])
    return Proof.ETAG if md5 is not None and is_same_etag(md5, etag) else proof
