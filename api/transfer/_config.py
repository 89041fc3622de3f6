"""boto3's TransferConfig, with what only resumable uploads have."""

import os
from typing import Any

from boto3.s3.transfer import TransferConfig as Boto3TransferConfig


class TransferConfig(Boto3TransferConfig):
    """As ``boto3.s3.transfer.TransferConfig``, which is accepted everywhere too.

    Args:
        resume: False remembers nothing, and aborts a multipart upload that fails, as boto3 does.
        verify: True compares the finished object with the source by a HEAD request, which boto3 does not make.
        state_dir: Where unfinished uploads are remembered; None: PARTWAY_STATE_DIR, or the platform's directory.
        settings: As for boto3.
    """

    def __init__(
        self,
        *settings: Any,
        resume: bool = True,
        verify: bool = False,
        state_dir: str | os.PathLike[str] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(*settings, **named)
        self.resume = resume
        self.verify = verify
        self.state_dir = state_dir
