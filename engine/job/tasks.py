"""The task of a worker that sends a small file of a job, from identifying the file to verifying the object."""

from dataclasses import dataclass

from partway.state.uploads import PartRecord

from ..backend.protocol import MultipartBackend
from ..backend.responses import ObjectFacts
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import CredentialsExpired, ObjectExists, ObjectMissing, ProofFailed, RemoteError
from ..events.upload import TAKEN
from ..job_records.rows import SAME
from ..proof.proof import Proof, is_older_than, prove
from ..proof.write_trust import WriteTrust
from ..retry.backend import RetryingBackend
from ..retry.policy import RetryPolicy
from ..source.dirty_pages import write_pages
from ..source.identity import SourceIdentity
from ..upload.head import head_written
from ..upload.overwrite import is_head_denied
from ..upload.source_check import SourceChecks
from ..upload.whole_file import WholeFile, prove_put
from ..walk.walk import FileEntry
from ..workers.channel import WorkerContext
from ..workers.part_tasks import retrying
from .same_object import is_same

_REPORT_SECONDS = 0.5  # between two progress reports of one file; a fast upload needs none


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProgress:
    """Progress of a small file: ``sent`` of its ``size`` bytes have been sent."""

    path: str
    sent: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTask:
    """Send one file as one object.

    max_size: maximum bytes for one PutObject; a file that has grown beyond it needs a full upload.
    skip_same: True compares the file with the object first.
    checks: how strictly the file is checked for changes before the request ends.
    trust: decides whether the response to PutObject is enough of a proof.
    """

    found: FileEntry
    target: Target
    backend: MultipartBackend
    policy: RetryPolicy
    algorithm: ChecksumAlgorithm
    max_size: int
    skip_same: bool
    checks: SourceChecks
    trust: WriteTrust


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSent:
    """The object exists and was verified to equal the file.

    source: the file as it was sent; its size may differ from what the walk found.
    """

    source: SourceIdentity
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNotSent:
    """The file was not sent.  reason: SAME or TAKEN."""

    source: SourceIdentity
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsFullUpload:
    """One PutObject is not enough for the file or the service; ``upload_file`` must send it."""


FileOutcome = FileSent | FileNotSent | NeedsFullUpload


def send_file(task: FileTask, worker: WorkerContext) -> FileOutcome:
    """Send the file and verify the object.

    Raises:
        SourceError: the file is gone or cannot be read.
        SourceChanged: it changed while it was sent.
        RemoteError, ProofFailed, UploadCancelled.
    """
    source = worker.identify_settled(task.found.path, flush=write_pages)
    if source.size > task.max_size:
        return NeedsFullUpload()
    s3 = retrying(task.backend, task.policy, worker)
    monotonic = worker.clock.monotonic
    began = monotonic()
    next_report = began + _REPORT_SECONDS

    def on_read(sent: int) -> None:
        nonlocal next_report
        if (now := monotonic()) >= next_report:
            next_report = now + _REPORT_SECONDS
            worker.emit(FileProgress(path=task.found.path, sent=sent, size=source.size))

    with WholeFile(source, task.algorithm, task.checks, worker, on_read=on_read) as body:
        if task.skip_same and is_same(s3, task.target, source.path, source.size, task.algorithm, worker, body.checksum):
            return FileNotSent(source=source, reason=SAME)
        try:
            answer = body.put(s3, task.target)
        except ObjectExists:
            # The object is ours if a response was lost, and another writer's otherwise.
            proof = _proof_of_ours(s3, task, _part(source, "", body.checksum), monotonic() - began)
            if proof is None:
                return FileNotSent(source=source, reason=TAKEN)
            return FileSent(source=source, proof=proof)
    if answer.changed is not None:
        raise answer.changed
    if answer.facts.checksum is None and task.algorithm is not ChecksumAlgorithm.MD5:
        return NeedsFullUpload()
    sent = _part(source, answer.facts.etag, answer.checksum)
    return FileSent(source=source, proof=_proof(s3, task, sent, answer.facts, worker))


def _part(source: SourceIdentity, etag: str, checksum: str) -> PartRecord:
    return PartRecord(number=1, size=source.size, etag=etag, checksum=checksum, run=1)


def _proof_of_ours(s3: RetryingBackend, task: FileTask, part: PartRecord, seconds: float) -> Proof | None:
    """The proof of the existing object, if it was created in the last ``seconds`` and equals the file; None for any
    other object, including an older one with the same bytes."""
    try:
        facts = s3.head_object(task.target, task.algorithm)
        proof = prove(facts, [part], algorithm=task.algorithm, multipart=False)
    except (ObjectMissing, ProofFailed):
        return None
    except RemoteError as error:
        if isinstance(error, CredentialsExpired) or not is_head_denied(error):
            raise
        return None
    return proof if proof.covers_object and not is_older_than(facts, seconds) else None


def _proof(s3: RetryingBackend, task: FileTask, sent: PartRecord, answer: ObjectFacts, worker: WorkerContext) -> Proof:
    """Compare the object with the file: by the response to PutObject, or by HEAD where that is not enough."""

    def compare(facts: ObjectFacts) -> Proof:
        return prove_put(facts, answer, sent, task.target, task.algorithm)

    if task.trust.is_proof(answer, sent.checksum):
        return compare(answer)
    found = head_written(s3, task.target, task.algorithm, compare, answer, worker)
    if found is not answer:
        task.trust.compare(answer, found)
    return compare(found)
