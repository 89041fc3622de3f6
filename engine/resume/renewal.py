"""An upload that begins anew: under another id, with nothing on S3."""

from dataclasses import replace

from partway.state.uploads import UploadStatus

from ..run.run import UploadRun, new_id

_LATER = 0.001  # seconds


def start_over(run: UploadRun) -> None:
    """Have the run continue under a new record; the one that was there stays in the store as it is."""
    run.record = replace(
        run.record,
        id=new_id(),
        status=UploadStatus.OPEN,
        upload_id=None,
        abort_date=None,
        remote_created_at=None,
        run=1,
        # The newest is found again, also where the clock went back meanwhile.
        created_at=max(run.now(), run.record.created_at + _LATER),
        etag=None,
        proof=None,
    )
