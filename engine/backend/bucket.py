"""The protocol for calls about a bucket's unfinished multipart uploads, and the values they return."""

from dataclasses import dataclass
from typing import Protocol

from .target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketUpload:
    """An unfinished multipart upload of any key, as ListMultipartUploads shows it.

    initiated: seconds since the epoch; None when the service reports no plausible time.
    initiator: the user who started it, by the service's name; "" when not reported.
    """

    key: str
    upload_id: str
    initiated: float | None
    initiator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketUploads:
    """All pages of a list.

    now: the service's time when it responded, in seconds since the epoch; None when not reported.
    """

    uploads: tuple[BucketUpload, ...]
    now: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredParts:
    """The parts that the service stores for an upload.

    last: when the newest part arrived, in seconds since the epoch; None without parts or a plausible time.
    """

    count: int
    bytes: int
    last: float | None


class BucketBackend(Protocol):
    """Calls about a bucket's unfinished uploads.  Thread-safe.  Remote failures are raised as RemoteError only."""

    def bucket_uploads(self, bucket: str, prefix: str) -> BucketUploads:
        """The unfinished uploads whose keys start with ``prefix``, each once.

        Raises:
            AccessRefused, Refused: these credentials may not list them, or the service does not support the call.  The
                message names the missing permission.
        """
        ...

    def stored_parts(self, target: Target, upload_id: str) -> StoredParts | None:
        """The number, size and age of the parts; None when the service does not list them.

        Raises:
            UploadVanished: S3 does not know the upload.
        """
        ...
