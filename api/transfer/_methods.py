"""boto3's two ways to upload: the class S3Transfer, and the methods of clients."""

from typing import Any

from boto3.s3.transfer import ProgressCallbackInvoker
from boto3.s3.transfer import S3Transfer as Boto3S3Transfer

from ._config import TransferConfig
from ._manager import create_transfer_manager


class S3Transfer(Boto3S3Transfer):
    """As ``boto3.s3.transfer.S3Transfer``, with uploads that resume."""

    def __init__(self, client: Any = None, config: Any = None, osutil: Any = None, manager: Any = None) -> None:
        if client and not manager:
            manager = create_transfer_manager(client, config or TransferConfig(), osutil)
            client = config = osutil = None
        super().__init__(client, config, osutil, manager)


def upload_file(
    self: Any,
    Filename: Any,
    Bucket: str,
    Key: str,
    ExtraArgs: dict[str, Any] | None = None,
    Callback: Any = None,
    Config: Any = None,
) -> None:
    """As a client's ``upload_file``; ``self`` is the client."""
    with S3Transfer(self, Config) as transfer:
        transfer.upload_file(filename=Filename, bucket=Bucket, key=Key, extra_args=ExtraArgs, callback=Callback)


def upload_fileobj(
    self: Any,
    Fileobj: Any,
    Bucket: str,
    Key: str,
    ExtraArgs: dict[str, Any] | None = None,
    Callback: Any = None,
    Config: Any = None,
) -> None:
    """As a client's ``upload_fileobj``; ``self`` is the client."""
    if not hasattr(Fileobj, "read"):
        raise ValueError("Fileobj must implement read")
    subscribers = None if Callback is None else [ProgressCallbackInvoker(Callback)]
    with create_transfer_manager(self, Config or TransferConfig()) as manager:
        manager.upload(fileobj=Fileobj, bucket=Bucket, key=Key, extra_args=ExtraArgs, subscribers=subscribers).result()
