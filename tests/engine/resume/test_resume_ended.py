"""An upload that ended after the unfinished ones were listed and before its turn: it is not started again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.errors import AlreadyEnded
from partway.engine.events import Event
from partway.engine.s3.backend import S3Backend
from partway.engine.stream.finish import finish_stream
from partway.engine.upload.file import resume_upload
from partway.state.uploads import STREAM, UploadStatus
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_server.server import StrictS3


@pytest.mark.parametrize("ended", [UploadStatus.COMPLETED, UploadStatus.ABORTED, None])
@pytest.mark.parametrize("is_stream", [False, True])
def test_an_upload_that_ended_meanwhile_is_not_resumed(
    strict: StrictS3,
    backend: S3Backend,
    make_file: Callable[..., Path],
    ended: UploadStatus | None,
    is_stream: bool,
) -> None:
    """Another process finished or cancelled it while `resume --all` was sending others."""
    uploading = Uploading(path=make_file(3 * PART), backend=backend, endpoint=backend.endpoint)
    uploading.run()
    (record,) = uploading.store.uploads()
    record = replace(record, status=UploadStatus.COMPLETING, source=STREAM if is_stream else record.source)
    if ended is None:
        uploading.store.delete_upload(record.id)
    else:
        uploading.store.save_upload(replace(record, status=ended))
    before, calls = uploading.store.uploads(), len(strict.journal.calls)

    events: list[Event] = []

    with pytest.raises(AlreadyEnded, match=r"already (completed|cancelled|removed); there is nothing") as failure:
        resume = finish_stream if is_stream else resume_upload
        resume(record, replace(uploading.context, sink=events.append))

    assert not failure.value.resumable
    assert events == []
    assert len(strict.journal.calls) == calls
    assert uploading.store.uploads() == before
