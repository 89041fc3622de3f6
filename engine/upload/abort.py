"""Abort an upload.  Nothing else in the engine removes recorded parts from S3."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from partway.state.store import StateStore
from partway.state.uploads import UploadRecord, UploadStatus

from ..backend.protocol import MultipartBackend
from ..backend.responses import PartReceipt
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import CredentialsExpired, Refused, Transient, UploadFailed, UploadVanished
from ..resume.lock import locked
from ..run.context import EngineContext
from ..run.stored_options import target_of
from ..workers.channel import SharedWorkers, WorkerContext
from ..workers.executor import fixed_workers
from ..workers.part_tasks import retrying
from ..workers.pool import WorkerPool

_ABORTS = 5
_BETWEEN = 1.0  # seconds between two aborts
_UNLISTED = 2  # aborts when the remaining parts cannot be listed


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortResult:
    """What an abort removed.

    existed: False when S3 no longer knew the upload.
    parts, bytes: as S3 listed them before the abort; None when it cannot list parts.
    confirmed: True when S3 confirmed afterwards that nothing is left.
    """

    existed: bool
    parts: int | None
    bytes: int | None
    confirmed: bool


NOTHING_TO_ABORT = AbortResult(existed=False, parts=0, bytes=0, confirmed=True)


def cancel_upload(record: UploadRecord, context: EngineContext) -> AbortResult:
    """Abort the upload on S3, make sure that no part is left, and mark it aborted.

    Raises:
        StateLocked: a process is sending it; stop that process first.
        RemoteError: the service refused or is unreachable; the record is unchanged, so cancel again.
        UploadFailed: S3 kept listing parts, or another process finished the upload meanwhile.
    """
    with locked(context.store, record.source, target_of(record)):
        # Read it again: the previous holder of the lock may have finished it, or restarted it on S3.
        return abort(unfinished_now(context.store, record), context)


def unfinished_now(store: StateStore, record: UploadRecord) -> UploadRecord:
    """The current record of the upload, whose lock the caller holds.

    Raises:
        UploadFailed: the upload is finished.
    """
    record = store.upload(record.id) or record
    if record.finished:
        raise UploadFailed(
            f"upload {record.id} was {record.status.label} in the meantime; there is nothing to cancel", resumable=False
        )
    return record


def abort(record: UploadRecord, context: EngineContext, workers: SharedWorkers | None = None) -> AbortResult:
    """Remove the parts and mark the upload aborted.  The caller holds the lock.

    workers: those of a run that shares them with others; None starts workers for this call.

    Raises:
        RemoteError: the service refused, and the message says how to forget the upload anyway; or it is unreachable.
        UploadFailed: S3 kept listing parts.
    """
    target, upload_id = target_of(record), record.upload_id
    algorithm = ChecksumAlgorithm(record.checksum_algorithm)
    removal = NOTHING_TO_ABORT
    if upload_id is not None:

        def remove(worker: WorkerContext) -> AbortResult:
            s3 = retrying(context.backend, context.settings.policy, worker)
            return abort_upload(s3, target, upload_id, algorithm, worker.sleep)

        pool_workers = workers or fixed_workers(1, context.runtime)
        with WorkerPool(pool_workers, cancel=context.cancel, on_message=lambda _: None) as pool:
            try:
                removal = pool.run(remove)
            except CredentialsExpired:
                raise
            except Refused as error:
                raise type(error)(
                    f"{error}; `partway cancel --forget {record.id}` forgets the upload and leaves its parts on S3",
                    operation=error.operation,
                    code=error.code,
                    status=error.status,
                    request_id=error.request_id,
                ) from error
    context.store.save_upload(replace(record, status=UploadStatus.ABORTED))
    context.store.replace_parts(record.id, ())
    context.store.live.remove(record.id)
    return removal


def abort_upload(
    s3: MultipartBackend,
    target: Target,
    upload_id: str,
    algorithm: ChecksumAlgorithm,
    sleep: Callable[[float], None],
) -> AbortResult:
    """Abort, and repeat while ListParts shows parts: a part in flight may arrive after the first abort.

    When the service cannot list parts, NoSuchUpload also confirms the abort.

    Raises:
        RemoteError: the service refused to abort, or is unreachable.
        UploadFailed: S3 kept listing parts.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
    """
    try:
        sizes = _sizes(_listed(s3, target, upload_id, algorithm))
    except UploadVanished:
        sizes = {}
    existed, unlisted = False, 0

    def ended(confirmed: bool) -> AbortResult:
        count = None if sizes is None else len(sizes)
        size = None if sizes is None else sum(sizes.values())
        return (
            AbortResult(existed=existed, parts=count, bytes=size, confirmed=confirmed) if existed else NOTHING_TO_ABORT
        )

    for _ in range(_ABORTS):
        try:
            s3.abort_upload(target, upload_id)
            existed = True
            rows = _listed(s3, target, upload_id, algorithm)
        except UploadVanished:
            return ended(confirmed=True)
        if rows is None:
            unlisted += 1
            if unlisted == _UNLISTED:
                return ended(confirmed=False)
        elif not rows:
            return ended(confirmed=True)
        else:
            sizes = (sizes or {}) | (_sizes(rows) or {})
            sleep(_BETWEEN)
    raise UploadFailed(f"S3 still lists parts of the upload to {target.url}; cancel it again", resumable=True)


def _listed(
    s3: MultipartBackend, target: Target, upload_id: str, algorithm: ChecksumAlgorithm
) -> list[PartReceipt] | None:
    """The listed parts; None when the service responds with anything else, since an abort does not need the list."""
    try:
        return s3.list_parts(target, upload_id, algorithm)
    except (UploadVanished, CredentialsExpired):
        raise
    except Transient as error:
        if error.unreachable:
            raise
        return None
    except Refused:
        return None


def _sizes(rows: list[PartReceipt] | None) -> dict[int, int] | None:
    return None if rows is None else {row.number: max(row.size, 0) for row in rows}
