"""Somebody else who writes the key that a test uploads to, at a chosen moment."""

from dataclasses import replace

from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_model.checksums import Algorithm, checksum_of
from tests.support.s3_server.server import StrictS3


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


def was_there_before(strict: StrictS3, content: bytes, *, key: str = "key", seconds: float = 3600.0) -> None:
    """Have an object that was made ``seconds`` ago, with S3's own checksum."""
    made = strict.model.put_object("bucket", key, content)
    strict.model.replace_object(replace(made, modified=made.modified - seconds))
