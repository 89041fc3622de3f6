"""Begin a multipart upload on S3, and leave no other behind when answers to that were lost."""

from ..backend.sse_c import NOT_ENCRYPTED
from ..checksums import ChecksumAlgorithm
from ..errors import ChecksumUnsupported, Refused, RemoteError, Transient, UploadCancelled, UploadFailed
from ..run.run import UploadRun
from .abort import abort_upload


def create(run: UploadRun) -> None:
    """Begin the multipart upload on S3.

    An upload that can never become what the user asked for is aborted at once: it has no part.

    Raises:
        ChecksumUnsupported: its parts cannot carry the checksum; it was aborted if the user asked for that checksum.
        Refused: the service would not encrypt with the customer's key; it was aborted.
        RemoteError, UploadCancelled, StateError.
    """
    before = run.lost_answers
    try:
        created = run.call(lambda s3: s3.create_upload(run.target, run.algorithm))
    except Transient as error:
        if not error.unreachable:
            _remove_unanswered(run, run.lost_answers - before + error.is_lost_answer)
        raise
    # What is recorded before there was an upload is of a single object: the file has grown since.
    if run.store.parts(run.record.id):
        run.store.replace_parts(run.record.id, ())
    # At once: until this is stored, a crash leaves an upload that nobody knows.
    run.save(upload_id=created.upload_id, abort_date=created.abort_date, remote_created_at=created.created_at)
    _remove_unanswered(run, run.lost_answers - before)
    if run.target.options.customer_key is not None and not created.keyed:
        _abort_new(run)
        raise Refused(
            f"the service ignored the key of --sse-c; {NOT_ENCRYPTED}. No part was sent",
            operation="CreateMultipartUpload",
        )
    if run.algorithm is not ChecksumAlgorithm.MD5 and created.algorithm is not run.algorithm:
        if run.settings.algorithm is not None:
            _abort_new(run)
        raise ChecksumUnsupported(f"the service did not agree to {run.algorithm}", operation="CreateMultipartUpload")


def _abort_new(run: UploadRun) -> None:
    """Abort the upload that was created just now.  Where that fails it stays on S3 and in the list of uploads."""
    try:
        run.call(lambda s3: s3.abort_upload(run.target, run.upload_id))
    except RemoteError:
        return
    run.forget_parts()


def _remove_unanswered(run: UploadRun, tries: int) -> None:
    """Remove the uploads that tries of this run made whose answers were lost.

    Nobody told their ids.  They are those that S3 did not list before the first try, that have no part, and that are
    not more than the tries; where there are others, or nobody listed before, all stay.  What goes wrong here is no
    trouble of the upload's: an upload without parts costs nothing.

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
        run.ask(lambda line: abort_upload(run.retrying(line), run.target, id, run.algorithm, line.sleep))
