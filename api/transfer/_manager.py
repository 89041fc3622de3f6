"""The transfer manager: s3transfer's, whose uploads go through the engine."""

from typing import Any

from s3transfer.futures import BoundedExecutor, NonThreadedExecutor
from s3transfer.manager import TransferManager as S3TransferManager
from s3transfer.upload import UploadSubmissionTask
from s3transfer.utils import get_callbacks

from ._body import send_checksums
from ._config import TransferConfig
from ._task import UploadTask
from ._upload import Uploads


class TransferManager(S3TransferManager):
    """As ``s3transfer.manager.TransferManager``: ``upload`` resumes; the other transfers are s3transfer's own.

    An ``osutil`` is used for those others alone.
    """

    def __init__(self, client: Any, config: Any = None, osutil: Any = None, executor_cls: Any = None) -> None:
        config = config or TransferConfig()
        super().__init__(client, config, osutil, executor_cls)
        send_checksums(client)
        self._uploads = Uploads(client, config, is_threaded=executor_cls is not NonThreadedExecutor)
        self._upload_executor = BoundedExecutor(
            config.max_submission_queue_size, config.max_request_concurrency, executor_cls=executor_cls
        )

    def _submit_transfer(
        self, call_args: Any, submission_task_cls: Any, extra_main_kwargs: dict[str, Any] | None = None
    ) -> Any:
        base: Any = super()
        if submission_task_cls is not UploadSubmissionTask:
            return base._submit_transfer(call_args, submission_task_cls, extra_main_kwargs)
        future, parts = base._get_future_with_components(call_args)
        for callback in get_callbacks(future, "done"):
            parts["coordinator"].add_done_callback(callback)
        self._upload_executor.submit(
            UploadTask(
                transfer_coordinator=parts["coordinator"],
                main_kwargs={"transfer_future": future, "uploads": self._uploads},
            )
        )
        own: Any = self
        own._id_counter += 1
        return future

    def _shutdown(self, *arguments: Any, **named: Any) -> None:
        base: Any = super()
        try:
            base._shutdown(*arguments, **named)
        finally:
            self._upload_executor.shutdown()


def create_transfer_manager(client: Any, config: Any, osutil: Any = None) -> TransferManager:
    """As ``boto3.s3.transfer.create_transfer_manager``; boto3's own configurations are accepted."""
    executor = None if getattr(config, "use_threads", True) else NonThreadedExecutor
    return TransferManager(client, config, osutil, executor)
