"""Upload a source of at most one part: one PutObject with a checksum, then verify the object."""

from dataclasses import replace

from partway.state.uploads import PartRecord, UploadStatus

from ..backend.responses import ObjectFacts
from ..errors import ChecksumUnsupported, ObjectExists, ObjectMissing, ProofFailed, Transient
from ..events.upload import UploadDone
from ..proof.proof import Proof, is_older_than, is_same_etag, prove
from ..run.run import UploadRun
from ..workers.channel import WorkerContext
from .head import verify_object
from .overwrite import SAME_BYTES, SOMEBODY_ELSES, is_head_denied, not_shown
from .source_check import KEPT, SourceChecks
from .whole_file import PutAnswer, WholeFile, prove_put


def put_whole(run: UploadRun) -> UploadDone:
    """Send the source with one PutObject and verify the object.

    Raises:
        RemoteError, SourceError, ProofFailed, UploadFailed, UploadCancelled, StateError.
    """
    run.emit_started(())
    maybe_done = run.record.status is UploadStatus.COMPLETING
    if run.target.options.no_overwrite:
        # Without this status, a later run may assume that an object it finds is another client's.
        run.save(status=UploadStatus.COMPLETING)
    while True:
        try:
            answer = run.pool.run(lambda worker: _put(run, worker), takes_slot=True)
        except ChecksumUnsupported as error:
            run.fall_back(error)
            continue
        except ObjectExists as error:
            return _end_of_taken(run, error, lost=bool(run.retries) or maybe_done)
        run.reached()
        run.count_sent(1, run.plan.file_size)
        run.save_part(_part(run, answer.facts.etag, answer.checksum))
        if answer.changed is not None:
            raise answer.changed
        if answer.facts.checksum is not None or not run.settings.needs_checksum(run.algorithm):
            return _finish(run, answer)
        # Stored, but not confirmed; HEAD may merely echo the header that was sent.
        run.fall_back(
            ChecksumUnsupported(
                f"the service stored {run.target.url}, but did not answer with its {run.algorithm} checksum"
            )
        )
        proof, _, _ = _proof_of_bytes(run, answer.facts)
        if proof is Proof.ETAG or run.target.options.no_overwrite:
            return run.finish(proof, answer.facts.etag, answer.facts.version)


def _put(run: UploadRun, worker: WorkerContext) -> PutAnswer:
    checks = SourceChecks.of(run.settings)
    with WholeFile(run.source, run.algorithm, checks, worker) as body:
        return body.put(run.retrying(worker), run.target)


def _finish(run: UploadRun, answer: PutAnswer) -> UploadDone:
    part = _part(run, answer.facts.etag, answer.checksum)
    proof, facts = verify_object(
        run, lambda facts: prove_put(facts, answer.facts, part, run.target, run.algorithm), answer.facts
    )
    return run.finish(proof, facts.etag or answer.facts.etag, answer.facts.version or facts.version)


def _end_of_taken(run: UploadRun, refusal: ObjectExists, *, lost: bool) -> UploadDone:
    """Finish an upload whose PutObject took effect although the response was lost.

    lost: True when an earlier attempt may have created the object, in this run or an earlier one.

    Raises:
        ObjectExists: the object is another client's, or existed before.
        Transient: there is no object.
        RemoteError.
    """
    reason = SOMEBODY_ELSES
    try:
        proof, part, facts = _proof_of_bytes(run, None)
        if proof.covers_object and lost and not is_older_than(facts, run.age):
            sent_in = run.record.run if run.retries else run.record.run - 1
            run.store.save_parts(run.record.id, [replace(part, run=sent_in)])
            return run.finish(proof, part.etag, facts.version)
        if proof.covers_object:
            reason = SAME_BYTES
    except ProofFailed as error:
        _refuse_if_ours(run, error)
    except Transient as error:
        if isinstance(error.__cause__, ObjectMissing):
            raise not_shown(refusal) from error
        if not is_head_denied(error):
            raise
    raise ObjectExists(reason, operation=refusal.operation, code=refusal.code, status=refusal.status) from refusal


def _refuse_if_ours(run: UploadRun, error: ProofFailed) -> None:
    """Raises: ProofFailed: an earlier run created that object, and the file has changed since."""
    sent = run.store.parts(run.record.id)
    if sent and is_same_etag(run.call(lambda s3: s3.head_object(run.target, run.algorithm)).etag, sent[0].etag):
        raise ProofFailed(
            f"{run.target.url} has the content that an earlier run read from {run.source.path}, which has changed "
            f"since; {KEPT}"
        ) from error


def _proof_of_bytes(run: UploadRun, answer: ObjectFacts | None) -> tuple[Proof, PartRecord, ObjectFacts]:
    """Compare the existing object with the local bytes.

    answer: the response to PutObject; None when it was lost.

    Raises:
        ProofFailed: the size or the checksum differs.
    """
    (local,) = run.hash([run.plan.part(1)], md5=False)
    part = _part(run, "", local.checksum)

    def compare(facts: ObjectFacts) -> Proof:
        if answer is None:
            return prove(facts, [part], algorithm=run.algorithm, multipart=False)
        return prove_put(facts, answer, part, run.target, run.algorithm)

    proof, facts = verify_object(run, compare, answer or ObjectFacts(size=run.plan.file_size, etag=""))
    return proof, replace(part, etag=facts.etag), facts


def _part(run: UploadRun, etag: str, checksum: str) -> PartRecord:
    return PartRecord(number=1, size=run.plan.file_size, etag=etag, checksum=checksum, run=run.record.run)
