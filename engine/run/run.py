"""One run of an upload: the state that its steps share.  Used only in the caller's thread, which records and emits."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from partway.state.uploads import PartRecord, UploadRecord, UploadStatus

from ..backend.target import Target
from ..checksums import ChecksumAlgorithm, etag_of
from ..errors import ChecksumUnsupported, SourceChanged, UploadFailed
from ..events.upload import (
    ChecksumFellBack,
    PartDone,
    PartProgress,
    PartRetried,
    PartsChecked,
    UploadDone,
    UploadStarted,
)
from ..proof.proof import Proof
from ..retry.backend import RetryingBackend
from ..retry.outage_events import Outage
from ..retry.policy import Retry
from ..source.identity import SourceIdentity, recorded_identity
from ..source.memory_files import is_in_memory
from ..source.plan import PartSpec, UploadPlan
from ..workers.channel import SharedWorkers, WorkerContext
from ..workers.part_tasks import HashTask, PartHash, Sent, hash_part, retrying
from ..workers.pool import WorkerPool
from .context import EngineContext
from .settings import make_workers

R = TypeVar("R")


def new_id() -> str:
    """A new upload ID, short enough to type."""
    return secrets.token_hex(4)


class UploadRun:
    """The state of one run, and what its steps do with it: call S3, record progress, and emit events."""

    def __init__(
        self,
        *,
        source: SourceIdentity,
        target: Target,
        plan: UploadPlan,
        record: UploadRecord,
        context: EngineContext,
        on_idle: Callable[[], None] = lambda: None,
        workers: SharedWorkers | None = None,
    ) -> None:
        self.source = source
        self.target = target
        self.plan = plan
        self.record = record
        self.context = context
        self.backend = context.backend
        self.store = context.store
        self.settings = context.settings
        self.emit = context.sink
        self.shared_workers = workers
        self.sent_bytes = 0
        self.sent_numbers: set[int] = set()
        self.retries = 0
        self.lost_answers = 0  # retried calls whose response was lost, so that they may have taken effect
        self.listed_before: frozenset[str] | None = None  # unfinished uploads of the key, before one was created
        self.other_identities: set[SourceIdentity] = set()  # seen by workers, other than ``source``
        self._began = context.clock.monotonic()
        self._outage = Outage(self.emit, context.clock.monotonic)
        self._fell_back = False
        self._unreachable_parts: set[int] = set()  # numbers of parts whose last attempt did not reach the endpoint
        self.pool = WorkerPool(
            workers or make_workers(self.settings, plan.part_size, context.runtime),
            cancel=context.cancel,
            on_message=self._on_message,
            on_idle=on_idle,
        )
        self._concurrency = self.pool.concurrency

    @property
    def algorithm(self) -> ChecksumAlgorithm:
        """The checksum algorithm of this upload's parts."""
        return ChecksumAlgorithm(self.record.checksum_algorithm)

    @property
    def age(self) -> float:
        """Seconds since the upload was started, in this run or an earlier one."""
        return self.now() - self.record.created_at

    @property
    def upload_id(self) -> str:
        """S3's ID of the multipart upload, which must have been created."""
        assert self.record.upload_id is not None
        return self.record.upload_id

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.context.clock.time()

    def save(self, **changes: Any) -> None:
        """Update fields of the upload's record, durably."""
        self.record = replace(self.record, updated_at=self.now(), **changes)
        self.store.save_upload(self.record)

    def forget_parts(self) -> None:
        """Discard the recorded parts and S3's upload ID.  The multipart upload is not aborted."""
        self.store.replace_parts(self.record.id, ())
        self.save(status=UploadStatus.OPEN, upload_id=None, abort_date=None, remote_created_at=None)

    def call(self, call: Callable[[RetryingBackend], R]) -> R:
        """Make a call about the whole upload on a worker, with retries; cancellation is handled meanwhile."""
        return self.call_on_worker(lambda worker: call(self.retrying(worker)))

    def call_on_worker(self, call: Callable[[WorkerContext], R]) -> R:
        """Like ``call``, for a function that needs the worker's context, such as one that makes several calls."""
        answer = self.pool.run(call)
        self.reached()
        return answer

    def retrying(self, worker: WorkerContext) -> RetryingBackend:
        """The backend with retries, for calls in this worker's context."""
        return retrying(self.backend, self.settings.policy, worker)

    def count_sent(self, number: int, size: int) -> None:
        """Count a part that was sent in this run, verified or not."""
        self.sent_numbers.add(number)
        self.sent_bytes += size
        self._concurrency.done((self.pool, number), size)

    def save_part(self, part: PartRecord) -> None:
        """Record a part that was just sent, durably, and only then emit its event."""
        self.store.save_parts(self.record.id, [part])
        self._save_fallback()
        self.emit_part_done(part)

    def emit_part_done(self, part: PartRecord) -> None:
        """Emit PartDone for a part of this run."""
        self.emit(PartDone(upload=self.record.id, number=part.number, size=part.size))

    def reached(self) -> None:
        """Note that the endpoint responded."""
        self._outage.reached(self.record.id)
        self._unreachable_parts.clear()

    def _on_message(self, message: Any) -> None:
        match message:
            case Sent(number=number, sent=sent, size=size):
                # Other parts may still report bytes that they have written to a dead connection.
                if number in self._unreachable_parts:
                    self.reached()
                self._concurrency.sent((self.pool, number), sent, size)
                self.emit(PartProgress(upload=self.record.id, number=number, sent=sent))
            case Retry():
                self.retries += 1
                self.lost_answers += message.is_lost_answer
                self.emit(
                    PartRetried(
                        upload=self.record.id,
                        number=message.number,
                        attempt=message.attempt,
                        wait=round(message.wait, 3),
                        reason=message.reason,
                    )
                )
                self._concurrency.on_retry(message)
                if message.unreachable:
                    self._unreachable_parts.add(message.number)
                    self._outage.lost(self.record.id, message)

    def hash(
        self,
        specs: Iterable[PartSpec],
        *,
        md5: bool,
        in_process: bool = False,
        algorithm: ChecksumAlgorithm | None = None,
    ) -> Iterator[PartHash]:
        """Compute checksums of local parts on the workers, emitting PartsChecked.

        in_process: True to use threads of this process even when an executor is set.
        algorithm: None means the upload's algorithm.

        Raises:
            SourceError, SourceChanged, UploadCancelled.
        """
        algorithm = algorithm or self.algorithm
        tasks = [HashTask(path=self.source.path, spec=spec, algorithm=algorithm, md5=md5) for spec in specs]
        total = sum(task.spec.size for task in tasks)
        done = 0
        for outcome in self.pool.stream(hash_part, tasks, max_running=self._concurrency.local, in_process=in_process):
            hashed = outcome.get()
            self.note_identities(hashed.identities)
            done += outcome.task.spec.size
            self.emit(PartsChecked(upload=self.record.id, bytes=done, total_bytes=total))
            yield hashed

    def md5_of_source(self) -> str:
        """The MD5 of the whole source, in hex.  One worker reads it once.

        Raises:
            SourceError, UploadCancelled.
        """
        whole = PartSpec(number=1, offset=0, size=self.source.size)
        task = HashTask(path=self.source.path, spec=whole, algorithm=ChecksumAlgorithm.MD5, md5=False)
        return etag_of(self.pool.run(lambda worker: hash_part(task, worker)).checksum)

    def emit_started(self, kept: Sequence[PartRecord]) -> None:
        """Emit UploadStarted with the parts of earlier runs that are kept, then PartDone for each part of this run that
        is kept when sending starts over."""
        sizes = [part.size for part in kept if part.run < self.record.run]
        self.emit(
            UploadStarted(
                upload=self.record.id,
                source=self.record.source,
                target=self.target.url,
                total_bytes=self.plan.file_size,
                part_size=self.plan.part_size,
                part_count=self.plan.part_count,
                resumed_bytes=sum(sizes),
                resumed_parts=len(sizes),
            )
        )
        for part in kept:
            if part.run == self.record.run:
                self.emit_part_done(part)

    def fall_back(self, reason: ChecksumUnsupported) -> None:
        """Switch to Content-MD5, and remember that this endpoint needs it.

        Raises:
            UploadFailed: the user asked for an algorithm that the service does not support.
        """
        if self.settings.algorithm is not None:
            again = "start over with --restart and " if self.record.upload_id else ""
            raise UploadFailed(
                f"{reason}; to use what the service supports, {again}omit --checksum-algorithm",
                resumable=False,
                starts_over=self.record.upload_id is not None,
            ) from reason
        self.emit(ChecksumFellBack(upload=self.record.id, wanted=self.algorithm.value, used="MD5", reason=str(reason)))
        # The refusal may have another cause: the endpoint needs MD5 only if it now accepts the same part.
        self._fell_back = True
        # Receipts in the other algorithm no longer prove anything; the parts are compared again.
        self.store.replace_parts(self.record.id, ())
        self.save(checksum_algorithm=ChecksumAlgorithm.MD5.value)
        if not reason.code:
            self._save_fallback()

    def _save_fallback(self) -> None:
        """Remember that this endpoint needs the fallback algorithm."""
        if self._fell_back and self.target.endpoint:
            self.store.save_endpoint_algorithm(self.target.endpoint, self.algorithm.value, self.now())
        self._fell_back = False

    @property
    def source_changed(self) -> bool:
        """True when the source may have changed since the recorded parts were read from it."""
        return recorded_identity(self.record) != self.source or is_in_memory(self.source.device)

    def settle_source(self) -> None:
        """Identify the source in such a way that later writes are detected.

        Raises:
            SourceChanged: its size differs from the planned one.
            SourceError, UploadCancelled.
        """
        found = self.pool.run(lambda worker: worker.identify_settled(self.source.path))
        if found.size != self.source.size:
            raise SourceChanged(f"{found.path} changed while it was being checked; run again when it is complete")
        self.source = found

    def note_identities(self, seen: Iterable[SourceIdentity]) -> None:
        """Note the identities of the files that a worker read.  If one differs from the source's, its part counts only
        after its bytes have been compared, by this run or a later one.

        Raises:
            StateError.
        """
        others = {each for each in seen if each != self.source}
        if others and self.record.ctime_ns is not None:
            self.distrust_source()
        self.other_identities |= others

    def distrust_source(self) -> None:
        """Make the next run compare every part with the file's bytes."""
        self.save(ctime_ns=None)

    def trust_source(self, source: SourceIdentity) -> None:
        """Record that the stored parts match this source."""
        self.source = source
        self.other_identities.clear()
        self.save_source()

    def save_source(self, **changes: Any) -> None:
        """Like ``save``, together with the identity of the source that the stored parts were compared with."""
        source = self.source
        self.save(
            size=source.size,
            mtime_ns=source.mtime_ns,
            ctime_ns=None if self.other_identities else source.ctime_ns,
            inode=source.inode,
            device=source.device,
            **changes,
        )

    def finish(self, proof: Proof, etag: str, version_id: str | None = None) -> UploadDone:
        """Record that the object exists and is verified, and emit UploadDone."""
        self.save(status=UploadStatus.COMPLETED, etag=etag, proof=proof.value)
        done = UploadDone(
            upload=self.record.id,
            target=self.target.url,
            bytes=self.plan.file_size,
            sent_bytes=self.sent_bytes,
            resumed_bytes=sum(part.size for part in self.store.parts(self.record.id) if part.run < self.record.run),
            seconds=round(self.context.clock.monotonic() - self._began, 3),
            retries=self.retries,
            etag=etag,
            proof=proof.value,
            version_id=version_id,
        )
        self.emit(done)
        return done
