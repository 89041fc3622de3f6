"""Orphans: unfinished multipart uploads in a bucket, and which of them may be removed.

An upload that looks abandoned may belong to another machine that is sending right now.  So the arrival of its newest
part decides, by the service's clock, and is checked again right before the removal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from partway.state.errors import StateLocked
from partway.state.uploads import UNFINISHED, UploadRecord

from ..backend.bucket import BucketBackend, BucketUpload, StoredParts
from ..backend.protocol import MultipartBackend
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import PartwayError, UploadCancelled, UploadVanished
from ..run.context import EngineContext
from ..run.settings import UploadSettings
from ..run.stored_options import target_of
from ..upload.abort import NOTHING_TO_ABORT, AbortResult, abort_upload, cancel_upload
from ..workers.channel import WorkerContext
from ..workers.executor import fixed_workers
from ..workers.outcome import TaskFailed
from ..workers.part_tasks import retrying
from ..workers.pool import WorkerPool

DAY = 86400.0
_MAX_CONCURRENT = 8  # concurrent inspections


class Owner(StrEnum):
    """Who owns the upload.

    RUNNING: ours, and a process on this machine is sending it.
    UNFINISHED: ours, and it can be resumed.
    LEFT_OVER: ours, and completed or aborted, but S3 still has parts.
    STRANGER: not in the store.
    """

    RUNNING = "running"
    UNFINISHED = "unfinished"
    LEFT_OVER = "left over"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """One unfinished upload on S3.

    parts: None when the service does not list them.
    age: seconds since the newest part arrived, or since the upload was started if it has none; None when unknown.
    upload_age: seconds since the upload was started; None when unknown.
    record: its record in the store; None when it is not ours.
    kept: why it is not offered for removal; None when it is.
    """

    upload: BucketUpload
    owner: Owner
    parts: StoredParts | None
    age: float | None
    upload_age: float | None
    record: UploadRecord | None
    kept: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalResult:
    """The outcome of removing an orphan: exactly one of the fields below is set.

    removal: what was removed.
    kept: why it was kept after all.
    error: why the removal failed.
    """

    orphan: Orphan
    removal: AbortResult | None = None
    kept: str | None = None
    error: PartwayError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalPolicy:
    """Which uploads may be removed.

    older_than: seconds without a new part; None means a day, and excludes uploads whose parts the service cannot list.
    ours: True includes uploads that are unfinished in the store and not running.
    """

    older_than: float | None = None
    ours: bool = False

    @property
    def seconds(self) -> float:
        """The minimum age in seconds."""
        return DAY if self.older_than is None else self.older_than


@dataclass(frozen=True, slots=True, kw_only=True)
class _InspectTask:
    """Inspect one upload."""

    bucket: BucketBackend
    backend: MultipartBackend
    settings: UploadSettings
    target: Target
    upload: BucketUpload


def _inspect(task: _InspectTask, worker: WorkerContext) -> StoredParts | None:
    s3 = retrying(task.backend, task.settings.policy, worker)
    return s3.retry(lambda: task.bucket.stored_parts(task.target, task.upload.upload_id))


class Orphans:
    """The unfinished uploads of a bucket.  Used in one thread.

    Args:
        bucket: Name of the bucket.
        prefix: Only keys that start with it; "" includes all.
        endpoint: The service's address, as in Target.
        uploads: Lists the uploads.
        context: Its backend removes them, and its store knows which are ours.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        endpoint: str,
        *,
        uploads: BucketBackend,
        context: EngineContext,
        policy: RemovalPolicy = RemovalPolicy(),
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint
        self._uploads = uploads
        self._context = context
        self._backend = context.backend
        self._store = context.store
        self._policy = policy
        self._settings = context.settings
        self._cancel = context.cancel
        self._clock_ahead = 0.0  # seconds by which the service's clock is ahead of this machine's

    def find(self) -> list[Orphan]:
        """The uploads that the service lists, and those in the store that still exist there, sorted by key and age.

        Raises:
            AccessRefused, Refused, Transient: the uploads cannot be listed; the message says why.
            UploadCancelled, StateError.
        """
        with self._pool(_MAX_CONCURRENT) as pool:
            listed = pool.run(
                lambda worker: retrying(self._backend, self._settings.policy, worker).retry(
                    lambda: self._uploads.bucket_uploads(self._bucket, self._prefix)
                )
            )
            if listed.now is not None:
                self._clock_ahead = listed.now - self._context.clock.time()
            found = {(each.key, each.upload_id): each for each in listed.uploads}
            ours = self._ours(self._store.uploads())
            for (key, upload_id), record in ours.items():
                # Some services list only exact keys, or with a delay: always inspect what the store knows.
                if record.endpoint == self._endpoint and not record.finished:
                    upload = BucketUpload(key=key, upload_id=upload_id, initiated=record.created_at)
                    found.setdefault((key, upload_id), upload)
            tasks = [self._task(each) for each in found.values()]
            orphans = []
            for outcome in pool.stream(_inspect, tasks):
                if isinstance(outcome, TaskFailed) and isinstance(outcome.error, UploadVanished):
                    continue
                orphans.append(self._classify(outcome.task.upload, outcome.get(), ours))
        return sorted(orphans, key=lambda each: (each.upload.key, -(each.upload_age or 0.0), each.upload.upload_id))

    def remove(self, orphans: list[Orphan]) -> Iterator[RemovalResult]:
        """Remove the orphans that are not kept, one after the other, and yield the outcome of each.

        Raises:
            UploadCancelled, StateError.
        """
        for orphan in orphans:
            if orphan.kept is not None:
                continue
            try:
                yield self._remove(orphan)
            except (UploadCancelled, StateLocked):
                raise
            except PartwayError as error:
                yield RemovalResult(orphan=orphan, error=error)

    def _remove(self, orphan: Orphan) -> RemovalResult:
        with self._pool(1) as pool:
            try:
                # Check again: the user may have taken a while to confirm, and a sender may have resumed.
                parts = pool.run(lambda worker: _inspect(self._task(orphan.upload), worker))
            except UploadVanished:
                return RemovalResult(orphan=orphan, removal=NOTHING_TO_ABORT)
            ours = self._ours(self._store.uploads_to(self._bucket, orphan.upload.key))
            now = self._classify(orphan.upload, parts, ours)
            if now.kept is not None:
                return RemovalResult(orphan=orphan, kept=now.kept)
            if now.owner is Owner.UNFINISHED:
                assert now.record is not None
                try:
                    removal = cancel_upload(now.record, self._context)
                except StateLocked as error:
                    return RemovalResult(orphan=orphan, kept=str(error))
                return RemovalResult(orphan=orphan, removal=removal)
            target, upload_id = self._target(orphan.upload), orphan.upload.upload_id
            removal = pool.run(
                lambda worker: abort_upload(
                    retrying(self._backend, self._settings.policy, worker),
                    target,
                    upload_id,
                    ChecksumAlgorithm.MD5,
                    worker.sleep,
                )
            )
            return RemovalResult(orphan=orphan, removal=removal)

    def _pool(self, tasks: int) -> WorkerPool:
        """Workers for this many tasks at a time."""
        return WorkerPool(fixed_workers(tasks, self._context.runtime), cancel=self._cancel, on_message=lambda _: None)

    def _classify(
        self, upload: BucketUpload, parts: StoredParts | None, ours: dict[tuple[str, str], UploadRecord]
    ) -> Orphan:
        now = self._context.clock.time() + self._clock_ahead
        record = ours.get((upload.key, upload.upload_id))
        last = None if parts is None else parts.last
        times = [when for when in (upload.initiated, last) if when is not None]
        # Parts whose time is not reported may have arrived just now.
        known = parts is not None and (parts.last is not None or parts.count == 0)
        orphan = Orphan(
            upload=upload,
            owner=self._owner(record),
            parts=parts,
            age=now - max(times) if times and known else None,
            upload_age=None if upload.initiated is None else now - upload.initiated,
            record=record,
            kept=None,
        )
        return replace(orphan, kept=self._why_kept(orphan))

    def _why_kept(self, orphan: Orphan) -> str | None:
        if orphan.owner is Owner.RUNNING:
            return "running now"
        if orphan.owner is Owner.UNFINISHED:
            assert orphan.record is not None
            if not self._policy.ours:
                return f"yours, unfinished: partway resume {orphan.record.id}, or cancel"
            if orphan.record.endpoint != self._endpoint:
                return f"yours, started with another endpoint: partway cancel {orphan.record.id}"
            return None
        age = orphan.age
        if age is None and self._policy.older_than is not None:
            age = orphan.upload_age
        if age is None:
            return "the time of its last part is unknown; use --older-than"
        return "it may be in progress" if age < self._policy.seconds else None

    def _owner(self, record: UploadRecord | None) -> Owner:
        if record is None:
            return Owner.STRANGER
        if record.status not in UNFINISHED:
            return Owner.LEFT_OVER
        target = target_of(record)
        try:
            with self._store.lock(record.source, target.endpoint, target.bucket, target.key):
                return Owner.UNFINISHED
        except StateLocked:
            return Owner.RUNNING

    def _ours(self, records: Iterable[UploadRecord]) -> dict[tuple[str, str], UploadRecord]:
        """The records of uploads to this bucket, through any endpoint, by key and S3's upload ID."""
        return {
            (record.key, record.upload_id): record
            for record in records
            if record.upload_id and record.bucket == self._bucket and record.key.startswith(self._prefix)
        }

    def _target(self, upload: BucketUpload) -> Target:
        return Target(bucket=self._bucket, key=upload.key, endpoint=self._endpoint)

    def _task(self, upload: BucketUpload) -> _InspectTask:
        return _InspectTask(
            bucket=self._uploads,
            backend=self._backend,
            settings=self._settings,
            target=self._target(upload),
            upload=upload,
        )
