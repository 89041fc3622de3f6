"""Give all boto3 clients of this process resumable uploads, and take them back."""

from typing import Any

import boto3.s3.inject
import boto3.s3.transfer

from ._manager import create_transfer_manager

# Where boto3's clients, buckets, objects and S3Transfer find their manager.
_PLACES: tuple[Any, ...] = (boto3.s3.transfer, boto3.s3.inject)
_NAME = "create_transfer_manager"
_before: dict[Any, Any] = {}


class Installed:
    """As a context manager, it uninstalls at the end of the block."""

    def __enter__(self) -> "Installed":
        return self

    def __exit__(self, *_: object) -> None:
        uninstall()


def install() -> Installed:
    """Make the uploads of every boto3 client resumable, also of clients that exist already.

    A second call changes nothing.  ``with install(): ...`` uninstalls at the end of the block.
    """
    for place in _PLACES:
        if place not in _before:
            _before[place] = getattr(place, _NAME)
            setattr(place, _NAME, create_transfer_manager)
    return Installed()


def uninstall() -> None:
    """Give boto3 its own uploads back.  Without ``install()`` before, nothing happens."""
    while _before:
        place, found = _before.popitem()
        setattr(place, _NAME, found)
