"""A file that is sent with one PutObject: the request body, and the verification of the object."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from partway.state.uploads import PartRecord

from ..backend.protocol import MultipartBackend
from ..backend.responses import ObjectFacts
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import PartwayError
from ..limits import is_aws
from ..proof.proof import Proof, prove_written
from ..source.identity import SourceIdentity
from ..source.part_reader import BLOCK
from ..source.plan import PartSpec
from ..workers.channel import WorkerContext
from ..workers.part_tasks import reporter
from .source_check import SourceChecks, WholeSourceCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAnswer:
    """The response to PutObject.

    checksum: of the bytes that were sent, base64.
    changed: the error to raise when the file no longer has these bytes; None when it does.
    """

    facts: ObjectFacts
    checksum: str
    changed: PartwayError | None


class WholeFile:
    """The body of one PutObject; a context manager, used on a worker.

    Args:
        source: The file as it was identified.
        algorithm: The algorithm of the checksum in the request.
        checks: How strictly the file is checked for changes.
        on_read: Called before every read, like PartReader's.

    Raises:
        SourceError: the file cannot be opened.
    """

    def __init__(
        self,
        source: SourceIdentity,
        algorithm: ChecksumAlgorithm,
        checks: SourceChecks,
        worker: WorkerContext,
        *,
        on_read: Callable[[int], None] | None = None,
    ) -> None:
        spec = PartSpec(number=1, offset=0, size=source.size)
        self._size = source.size
        self._report = reporter(spec, worker)
        self._on_read = on_read
        self._check = WholeSourceCheck(source, algorithm, checks, worker)
        self._body = worker.open_part(source.path, spec, algorithm, self._read)

    def __enter__(self) -> Self:
        self._body.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._body.__exit__(kind, error, trace)

    @property
    def checksum(self) -> str:
        """The checksum of the file, base64.  The first use reads the whole file."""
        return self._body.checksum

    def put(self, s3: MultipartBackend, target: Target) -> PutAnswer:
        """Send the file.

        Raises:
            SourceChanged: it changed while it was sent, and no object was created.
            RemoteError, SourceError, UploadCancelled.
        """
        facts = s3.put_object(target, self._body)
        changed = self._check.changed_since_sent(self._body, target)
        return PutAnswer(facts=facts, checksum=self._body.checksum, changed=changed)

    def _read(self, sent: int) -> None:
        self._report(sent)
        if self._on_read is not None:
            self._on_read(sent)
        # Once the last block is sent, S3 can create the object: check the source again before that.  Later changes are
        # handled by ``changed_since_sent``.
        if self._body.is_sending and self._size - BLOCK <= sent < self._size:
            self._check.check(self._body)


def prove_put(
    facts: ObjectFacts, answer: ObjectFacts, part: PartRecord, target: Target, algorithm: ChecksumAlgorithm
) -> Proof:
    """Compare the object that PutObject created with the file.

    Args:
        facts: The response to HEAD.
        answer: The response to PutObject.
        part: The whole file, with its checksum in ``algorithm``.

    Raises:
        ProofFailed: they differ, or the object is not the one that was written.
    """
    return prove_written(
        facts, answer, [part], algorithm=algorithm, multipart=False, etags_agree=is_aws(target.endpoint)
    )
