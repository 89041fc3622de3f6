"""Skip an upload with --no-overwrite whose key is taken, and remove or report the parts that were sent."""

from partway.state.uploads import UploadRecord, UploadStatus

from ..errors import ObjectExists, RemoteError, UploadFailed
from ..events.upload import TAKEN, UploadSkipped
from ..plural import plural, verb
from ..run.run import UploadRun
from .abort import abort
from .overwrite import target_exists


def check_key_free(run: UploadRun, given_up: UploadRecord | None) -> None:
    """With --no-overwrite, check the key before anything is sent or removed.  An upload whose Complete was sent is not
    checked: the object may be its own.

    given_up: the upload that this one replaces, or None.

    Raises:
        ObjectExists: the key is taken.
        Refused: it cannot be checked, and the service may overwrite.
        RemoteError, UploadCancelled.
    """
    if not run.target.options.no_overwrite or run.record.status is UploadStatus.COMPLETING:
        return
    if run.call(lambda s3: target_exists(s3, run.target, run.algorithm)):
        stays = f"; the unfinished upload {given_up.id} stays as it is" if given_up else ""
        raise ObjectExists(f"{TAKEN}{stays}", operation="HeadObject")


def skip_upload(run: UploadRun, error: ObjectExists) -> UploadSkipped:
    """End the upload without an object.  The caller holds the lock.

    A file's parts are removed from S3: they cannot become the wanted object, and the file can be sent again.  A
    stream's parts stay, and the reason says so: they may be the only copy of its bytes.

    Raises:
        UploadCancelled, StateError.
    """
    began = run.store.upload(run.record.id) is not None
    skipped = UploadSkipped(
        source=run.record.source,
        target=run.target.url,
        reason=f"{error}{_what_became_of_parts(run)}",
        upload=run.record.id if began else "",
    )
    run.emit(skipped)
    return skipped


def _what_became_of_parts(run: UploadRun) -> str:
    record = run.record
    if record.upload_id is None:
        run.store.delete_upload(record.id)
        return ""
    count, _ = run.store.part_totals(record.id)
    stay = f"; its {plural(count, 'part')} {verb(count, 'stays', 'stay')} on S3 until"
    if record.is_stream:
        return f"{stay} `partway resume {record.id}` or `partway cancel {record.id}`"
    try:
        abort(record, run.context, run.shared_workers)
    except (RemoteError, UploadFailed) as trouble:
        return f"{stay} `partway cancel {record.id}`, because {trouble}"
    sent = f"the {plural(count, 'part')} that {verb(count, 'was', 'were')} sent"
    return f"; {sent} {verb(count)} removed from S3" if count else ""
