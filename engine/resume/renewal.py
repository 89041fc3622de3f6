"""Start an upload over, with a new ID and nothing on S3."""

from dataclasses import replace

from partway.state.uploads import UploadStatus

from ..run.run import UploadRun, new_id

_LATER = 0.001  # seconds by which the new record is newer


def start_over(run: UploadRun) -> None:
    """Continue the run with a new record.  The old record stays in the store unchanged."""
    run.record = replace(
        run.record,
        id=new_id(),
        status=UploadStatus.OPEN,
        upload_id=None,
        abort_date=None,
        remote_created_at=None,
        run=1,
        # A lookup returns the newest record: keep this one newest even if the clock was set back.
        created_at=max(run.now(), run.record.created_at + _LATER),
        etag=None,
        proof=None,
    )
