"""One upload as s3transfer's managers run it: its future, its subscribers, and how it is cancelled."""

from typing import TYPE_CHECKING, Any

from s3transfer.tasks import SubmissionTask
from s3transfer.utils import get_callbacks

from partway.engine.workers.channel import CancelToken

from .._run.progress import ByteCounter
from ..errors import PartwayError
from ._errors import as_boto3
from ._source import open_source

if TYPE_CHECKING:
    from ._upload import Uploads


class UploadTask(SubmissionTask):
    """Sends the source while it runs, unlike s3transfer's tasks, which submit others."""

    def _submit(self, transfer_future: Any, uploads: "Uploads", **_: Any) -> None:
        own: Any = self
        coordinator = own._transfer_coordinator
        call = transfer_future.meta.call_args
        callbacks = get_callbacks(transfer_future, "progress")

        def count(sent: int) -> None:
            for callback in callbacks:
                callback(bytes_transferred=sent)

        name, problem = str(call.fileobj), None
        try:
            source = open_source(call.fileobj)
            name = source.name
            if transfer_future.meta.size is None:
                transfer_future.meta.provide_transfer_size(source.size)
            uploads.send(source, call, _Token(coordinator), ByteCounter(count))
        except PartwayError as error:
            problem = as_boto3(error, name, call.bucket, call.key)
        if problem is not None:
            # Outside of the block: its causes lead back to the error, whose context it would become.
            raise problem
        coordinator.set_result(None)
        coordinator.announce_done()


class _Token(CancelToken):
    """Set once the caller has cancelled the transfer."""

    def __init__(self, coordinator: Any) -> None:
        super().__init__()
        self._coordinator = coordinator

    def is_set(self) -> bool:
        return super().is_set() or bool(self._coordinator.done())
