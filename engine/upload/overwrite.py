"""--no-overwrite: keep an existing object, even on a service without conditional writes.

S3 refuses the write when the key is taken (If-None-Match).  Several services ignore that condition on PutObject or on
CompleteMultipartUpload, and overwrite the object.  So unless a service is known to honour it, the key is checked with
HEAD right before the write.  An object that another client writes between the two is overwritten; on such a service
that cannot be prevented.
"""

from ..backend.protocol import MultipartBackend
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import (
    AccessRefused,
    CredentialsExpired,
    ForeignResponse,
    ObjectExists,
    ObjectMissing,
    Refused,
    RemoteError,
    Transient,
)
from ..events.upload import TAKEN
from ..limits import honours_conditions

SAME_BYTES = "the object already exists, with the same bytes"
SOMEBODY_ELSES = "someone else wrote the object; yours was not uploaded"


def is_head_denied(error: RemoteError) -> bool:
    """True when these credentials, or this SSE-C key, do not allow HEAD of the object.  S3 responds to HEAD with a bare
    400 when the object is encrypted with a different SSE-C key, or with none although one was sent."""
    return isinstance(error, AccessRefused) or (error.operation == "HeadObject" and error.status == 400)


def target_exists(s3: MultipartBackend, target: Target, algorithm: ChecksumAlgorithm) -> bool:
    """True when the object exists.  When HEAD is denied, False for a service that honours conditional writes.

    Raises:
        Refused: it cannot be determined, and the service may overwrite.
        RemoteError.
    """
    try:
        s3.head_object(target, algorithm)
    except ObjectMissing:
        return False
    except (CredentialsExpired, ForeignResponse):
        raise
    except RemoteError as error:
        if not is_head_denied(error):
            raise
        if honours_conditions(target.endpoint):
            return False
        raise Refused(
            f"--no-overwrite cannot be guaranteed: whether {target.url} exists is unknown ({error}), and this service "
            "may ignore conditional writes; allow s3:GetObject and s3:ListBucket, or omit --no-overwrite",
            operation=error.operation,
            code=error.code,
            status=error.status,
        ) from error
    return True


def check_free(s3: MultipartBackend, target: Target, algorithm: ChecksumAlgorithm) -> None:
    """Check right before a write that the key is free, if it must be and the service may not check that itself.

    Raises:
        ObjectExists: the key is taken.
        RemoteError.
    """
    if needs_head(target) and target_exists(s3, target, algorithm):
        raise ObjectExists(TAKEN, operation="HeadObject")


def not_shown(error: RemoteError) -> Transient:
    """The error for a key that S3 reports as taken although it shows no object."""
    return Transient(
        "S3 refused the write because the object exists, but does not show it; run again",
        operation=error.operation,
        code=error.code,
        status=error.status,
    )


def needs_head(target: Target) -> bool:
    """True when the key has to be checked right before the write."""
    return target.options.no_overwrite and not honours_conditions(target.endpoint)
