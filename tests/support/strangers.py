"""Somebody else who writes the key that a test uploads to, at a chosen moment."""

from .faults import CallFunction, Fault, Stage
from .s3_checksums import Algorithm, checksum_of
from .strict_s3 import StrictS3


def stranger_writes(
    strict: StrictS3, content: bytes, *, before: str, key: str = "key", skip: int = 0, times: int | None = 1
) -> None:
    """Have a stranger put ``content`` under the key right before a request takes effect.

    The stranger's tool sends SHA-256, so that the service names no CRC64NVME of this object.

    Args:
        before: The request, as S3 names it: with "HeadObject" it happens between the write and the look at it.
        skip: Such requests that pass before.
        times: How often; None: before each.
    """

    def write() -> None:
        strict.model.put_object("bucket", key, content, checksum=checksum_of(Algorithm.SHA256, content))

    action = CallFunction(function=write)
    strict.faults.add(Fault(operation=before, stage=Stage.BEFORE_READ, action=action, skip=skip, times=times))
