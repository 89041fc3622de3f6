"""What workers do for a job's small files: all of one file, from the first look at it to the proof."""

import time
from dataclasses import dataclass

from partway.state.uploads import PartRecord

from ..backend.protocol import MultipartBackend
from ..backend.responses import ObjectFacts
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import CredentialsExpired, ObjectExists, ObjectMissing, ProofFailed, RemoteError
from ..events.upload import TAKEN
from ..job_records.rows import SAME
from ..limits import is_aws
from ..proof.proof import Proof, is_older_than, prove, prove_written
from ..retry.backend import RetryingBackend
from ..retry.policy import RetryPolicy
from ..source.dirty_pages import write_pages
from ..source.identity import SourceIdentity, identify_settled
from ..source.part_reader import BLOCK, PartReader
from ..source.plan import PartSpec
from ..upload.head import look_at_written
from ..upload.overwrite import is_head_denied
from ..upload.source_check import SourceChecks, WholeSourceCheck
from ..walk.walk import FileEntry
from ..workers.channel import WorkerContext
from ..workers.part_tasks import block_of, reporter, retrying
from .same_object import is_same

_WORD_EVERY = 0.5  # seconds between two words about one file; quick ones need none


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProgress:
    """``sent`` of the file's ``size`` bytes are on their way."""

    path: str
    sent: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTask:
    """Send one file as one object.

    most: bytes that go as one object; a file that grew beyond them is left to the long way.
    skip_same: look first whether the service has the same.
    checks: how strictly the file is looked at before it is an object.
    """

    found: FileEntry
    target: Target
    backend: MultipartBackend
    policy: RetryPolicy
    algorithm: ChecksumAlgorithm
    most: int
    skip_same: bool
    checks: SourceChecks


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSent:
    """How it ended.

    source: the file as it was sent; its size may differ from what was found.
    proof: what the comparison rests on; None when nothing was sent.
    skipped: why nothing was sent; None when it was.
    unusual: True: nothing is decided, and the file must go the long way (``upload_file``).
    """

    source: SourceIdentity
    proof: Proof | None = None
    skipped: str | None = None
    unusual: bool = False


def send_file(task: FileTask, line: WorkerContext) -> FileSent:
    """Send the file and prove the object.

    Raises:
        SourceError: it is gone or cannot be read; SourceChanged: it changed while it was sent.
        RemoteError, ProofFailed, UploadCancelled.
    """
    source = identify_settled(task.found.path, sleep=line.sleep, flush=write_pages)
    if source.size > task.most:
        return FileSent(source=source, unusual=True)
    spec = PartSpec(number=1, offset=0, size=source.size)
    s3 = retrying(task.backend, task.policy, line)
    report, block = reporter(spec, line), block_of(line)
    began = time.monotonic()
    next_word = began + _WORD_EVERY
    checked = WholeSourceCheck(source, task.algorithm, task.checks, sleep=line.sleep)

    def on_read(sent: int) -> None:
        nonlocal next_word
        report(sent)
        if (now := time.monotonic()) >= next_word:
            next_word = now + _WORD_EVERY
            line.emit(FileProgress(path=task.found.path, sent=sent, size=spec.size))
        # With the last block the object is complete: look at the source once more before it goes.  After that it may be
        # there already, which ``changed_since_sent`` knows.
        if body.is_sending and spec.size - BLOCK <= sent < spec.size:
            checked.check(body)

    with PartReader(source.path, spec, algorithm=task.algorithm, on_read=on_read, block=block) as body:
        if task.skip_same and is_same(s3, task.target, source.path, source.size, task.algorithm, line, body.checksum):
            return FileSent(source=source, skipped=SAME)
        try:
            answer = s3.put_object(task.target, body)
        except ObjectExists:
            # Ours, when an answer was lost; somebody else's otherwise.
            proof = _proof_of_ours(s3, task, _part(source, "", body.checksum), time.monotonic() - began)
            skipped = None if proof else TAKEN
            return FileSent(source=source, proof=proof, skipped=skipped)
        if (changed := checked.changed_since_sent(body, task.target)) is not None:
            raise changed
        sent = _part(source, answer.etag, body.checksum)
    if answer.checksum is None and task.algorithm is not ChecksumAlgorithm.MD5:
        return FileSent(source=source, unusual=True)
    return FileSent(source=source, proof=_proof(s3, task, sent, answer, line))


def _part(source: SourceIdentity, etag: str, checksum: str) -> PartRecord:
    return PartRecord(number=1, size=source.size, etag=etag, checksum=checksum, run=1)


def _proof_of_ours(s3: RetryingBackend, task: FileTask, part: PartRecord, seconds: float) -> Proof | None:
    """The proof of the object that is there, when it was made in the last ``seconds`` and is the file; None for any
    other, also for one of the same bytes that was there before."""
    try:
        facts = s3.head_object(task.target, task.algorithm)
        proof = prove(facts, [part], algorithm=task.algorithm, multipart=False)
    except (ObjectMissing, ProofFailed):
        return None
    except RemoteError as error:
        if isinstance(error, CredentialsExpired) or not is_head_denied(error):
            raise
        return None
    return proof if proof.whole and not is_older_than(facts, seconds) else None


def _proof(s3: RetryingBackend, task: FileTask, sent: PartRecord, answer: ObjectFacts, line: WorkerContext) -> Proof:
    """Look at the object and compare it."""

    def compare(facts: ObjectFacts) -> Proof:
        return prove_written(
            facts,
            answer,
            [sent],
            algorithm=task.algorithm,
            multipart=False,
            etags_agree=is_aws(task.target.endpoint),
        )

    return compare(look_at_written(s3, task.target, task.algorithm, compare, answer, line))
