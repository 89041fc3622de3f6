"""Create a multipart upload on S3, and remove the duplicates that lost responses may have left behind."""

from ..backend.sse_c import NOT_ENCRYPTED
from ..errors import ChecksumUnsupported, Refused, RemoteError, Transient, UploadCancelled, UploadFailed
from ..run.run import UploadRun
from .abort import abort_upload


def create(run: UploadRun) -> None:
    """Create the multipart upload on S3.

    An upload that cannot become what the user asked for is aborted at once: it has no parts yet.

    Raises:
        ChecksumUnsupported: its parts cannot carry the checksum.  It was aborted if the user asked for that checksum.
        Refused: the service would not encrypt with the customer's key.  The upload was aborted.
        RemoteError, UploadCancelled, StateError.
    """
    before = run.lost_answers
    try:
        created = run.call(lambda s3: s3.create_upload(run.target, run.algorithm))
    except Transient as error:
        if not error.unreachable:
            _remove_unanswered(run, run.lost_answers - before + error.is_lost_answer)
        raise
    # A part recorded before the upload was created belongs to a single PutObject: the file has grown since.
    if run.store.parts(run.record.id):
        run.store.replace_parts(run.record.id, ())
    # Immediately: a crash before this is stored leaves an orphaned upload.
    run.save(upload_id=created.upload_id, abort_date=created.abort_date, remote_created_at=created.created_at)
    _remove_unanswered(run, run.lost_answers - before)
    if run.target.options.customer_key is not None and not created.keyed:
        _abort_new(run)
        raise Refused(
            f"the service ignored the key of --sse-c; {NOT_ENCRYPTED}. No part was sent",
            operation="CreateMultipartUpload",
        )
    if run.settings.needs_checksum(run.algorithm) and created.algorithm is not run.algorithm:
        if run.settings.algorithm is not None:
            _abort_new(run)
        raise ChecksumUnsupported(f"the service did not accept {run.algorithm}", operation="CreateMultipartUpload")


def _abort_new(run: UploadRun) -> None:
    """Abort the upload that was just created.  If that fails, it stays on S3 and in the store."""
    try:
        run.call(lambda s3: s3.abort_upload(run.target, run.upload_id))
    except RemoteError:
        return
    run.forget_parts()


def _remove_unanswered(run: UploadRun, tries: int) -> None:
    """Remove the uploads that this run created with attempts whose responses were lost.

    Their IDs are unknown.  An upload counts as one of them when S3 did not list it before the first attempt, and it
    has no parts.  When there are more new uploads than attempts, or none were listed before, all stay.  Errors here do
    not fail the run: an upload without parts costs nothing.

    Raises:
        UploadCancelled.
    """
    if not tries or run.listed_before is None:
        return
    try:
        found = run.call(lambda s3: s3.list_uploads(run.target)) or []
        known = run.listed_before | {record.upload_id for record in run.store.uploads()}
        news = [upload.upload_id for upload in found if upload.upload_id not in known]
        if len(news) > tries:
            return
        for id in news:
            _remove_if_empty(run, id)
    except UploadCancelled:
        raise
    except (RemoteError, UploadFailed):
        return


def _remove_if_empty(run: UploadRun, id: str) -> None:
    if run.call(lambda s3: s3.list_parts(run.target, id, run.algorithm)) == []:
        run.call_on_worker(
            lambda worker: abort_upload(run.retrying(worker), run.target, id, run.algorithm, worker.sleep)
        )
