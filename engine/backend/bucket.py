"""What a bucket says about unfinished multipart uploads, as a protocol, and the values that cross it."""

from dataclasses import dataclass
from typing import Protocol

from .target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketUpload:
    """An unfinished multipart upload of any key, as ListMultipartUploads shows it.

    initiated: seconds since the epoch; None when the service names no credible time.
    initiator: who began it, as the service calls him; "" when it does not say.
    """

    key: str
    upload_id: str
    initiated: float | None
    initiator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketUploads:
    """Every page of a list.

    now: the service's time at the answer, seconds since the epoch; None when it does not tell.
    """

    uploads: tuple[BucketUpload, ...]
    now: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredParts:
    """What the service keeps of an upload.

    last: when the newest part arrived, seconds since the epoch; None without parts, or without a credible time.
    """

    count: int
    bytes: int
    last: float | None


class BucketBackend(Protocol):
    """Calls about a bucket's unfinished uploads.  Thread-safe; of remote trouble it raises only RemoteError."""

    def bucket_uploads(self, bucket: str, prefix: str) -> BucketUploads:
        """Unfinished uploads whose keys begin with ``prefix``, each once.

        Raises:
            AccessRefused, Refused: these credentials may not list them, or the service has no such call; says which
                permission is missing.
        """
        ...

    def stored_parts(self, target: Target, upload_id: str) -> StoredParts | None:
        """How many parts there are, and how new; None when the service does not tell.

        Raises:
            UploadVanished: S3 does not know the upload.
        """
        ...
