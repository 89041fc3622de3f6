"""--no-overwrite: an object that exists stays, also where the service does not see to that itself.

S3 refuses the write when the key is taken (If-None-Match).  Several services ignore that condition on PutObject or on
CompleteMultipartUpload and overwrite.  So where a service is not known to honour it, the key is looked at right before
the write; whoever writes it between that look and the write is overwritten, which nobody can prevent there.
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
    """True when nobody may look at the object with these credentials and this key: S3 answers HEAD with a bare 400 when
    the object is encrypted with another customer's key, or with none where one was named."""
    return isinstance(error, AccessRefused) or (error.operation == "HeadObject" and error.status == 400)


def target_exists(s3: MultipartBackend, target: Target, algorithm: ChecksumAlgorithm) -> bool:
    """True when the object exists.  Where it may not be looked at, False for a service that decides itself.

    Raises:
        Refused: nobody can say, and the service may overwrite.
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
            "is not known to refuse an overwrite itself; allow s3:GetObject and s3:ListBucket, or omit --no-overwrite",
            operation=error.operation,
            code=error.code,
            status=error.status,
        ) from error
    return True


def check_free(s3: MultipartBackend, target: Target, algorithm: ChecksumAlgorithm) -> None:
    """Right before a write: refuse it when the key is taken, must not be, and the service may not care.

    Raises:
        ObjectExists: the key is taken.
        RemoteError.
    """
    if needs_head(target) and target_exists(s3, target, algorithm):
        raise ObjectExists(TAKEN, operation="HeadObject")


def not_shown(error: RemoteError) -> Transient:
    """The error for a key that is said to be taken, and where no object is."""
    return Transient(
        "S3 says that the object exists, and does not show one; run again",
        operation=error.operation,
        code=error.code,
        status=error.status,
    )


def needs_head(target: Target) -> bool:
    """True when the key has to be looked at right before the write."""
    return target.options.no_overwrite and not honours_conditions(target.endpoint)
