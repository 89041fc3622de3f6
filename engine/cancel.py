"""Give an upload up: the only place that aborts, and only because somebody said so."""

from dataclasses import replace

from partway.state.records import UploadRecord, UploadStatus
from partway.state.store import StateStore

from .backend import MultipartBackend
from .checksum import ChecksumAlgorithm
from .claim import claimed
from .errors import Refused, UploadFailed, UploadVanished
from .options import target_of
from .pool import Cancel, Line, WorkerPool
from .settings import UploadSettings
from .work import retrying

_ABORTS = 5


def cancel_upload(
    record: UploadRecord,
    *,
    backend: MultipartBackend,
    store: StateStore,
    settings: UploadSettings = UploadSettings(),  # noqa: B008 - frozen
    cancel: Cancel | None = None,
) -> None:
    """Abort the upload on S3, make sure that no part is left, and mark it aborted.

    Raises:
        StateLocked: a process is sending it; stop that first.
        RemoteError: the service refused or is away; nothing is marked, so cancel again.
        UploadFailed: parts kept coming back.
    """
    target = target_of(record)
    with claimed(store, record.source, target):
        give_up(record, backend, store, settings, cancel or Cancel())


def give_up(
    record: UploadRecord,
    backend: MultipartBackend,
    store: StateStore,
    settings: UploadSettings,
    cancel: Cancel,
) -> None:
    """Abort, and again while ListParts shows parts: one that was in flight may arrive after the first abort.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
    """
    target, upload_id = target_of(record), record.upload_id
    algorithm = ChecksumAlgorithm(record.checksum_algorithm)

    def abort(line: Line) -> None:
        s3 = retrying(backend, settings.policy, line)
        assert upload_id is not None
        for _ in range(_ABORTS):
            try:
                s3.abort_upload(target, upload_id)
                if not s3.list_parts(target, upload_id, algorithm):
                    return
            except UploadVanished:
                return
            except Refused as error:
                # To list parts that are encrypted with the user's key takes the key; that they are there is all we ask.
                if target.options.customer_key is None or error.operation != "ListParts":
                    raise
            line.sleep(1.0)
        raise UploadFailed(f"S3 still lists parts of upload {record.id}; cancel it again", resumable=True)

    if upload_id is not None:
        with WorkerPool(1, cancel=cancel, hear=lambda _: None) as pool:
            pool.run(abort)
    store.save_upload(replace(record, status=UploadStatus.ABORTED))
    store.replace_parts(record.id, ())
    store.live.end(record.id)
