"""The limits of S3 and of S3-compatible services, with their sources.  Sizes are in bytes."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


# Hosts of services that require all parts but the last to have the same size.
# R2: https://developers.cloudflare.com/r2/objects/upload-objects/#multipart-upload
_EQUAL_PARTS_AT = (".r2.cloudflarestorage.com",)


# Hosts of AWS, including those of its VPC endpoints.
_AWS_AT = (".amazonaws.com", ".amazonaws.com.cn")
# Hosts of services that document If-None-Match for PutObject and CompleteMultipartUpload.
# R2: https://developers.cloudflare.com/r2/api/s3/conditional-operations/
_CONDITIONS_AT = (".r2.cloudflarestorage.com",)


def is_aws(endpoint: str) -> bool:
    """True when the endpoint is AWS itself, whose documented behaviour can be relied on."""
    return not endpoint or _host(endpoint).endswith(_AWS_AT)


def honours_conditions(endpoint: str) -> bool:
    """True when the service at this address is known to support conditional writes (If-None-Match).

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return is_aws(endpoint) or _host(endpoint).endswith(_CONDITIONS_AT)


def wants_equal_parts(endpoint: str) -> bool:
    """True when the service at this address is known to require parts of equal size (the last may be smaller)."""
    return _host(endpoint).endswith(_EQUAL_PARTS_AT)


def _host(endpoint: str) -> str:
    from urllib.parse import urlsplit  # imported here: not needed for uploads to AWS

    return urlsplit(endpoint).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Limits:
    """The limits of one service.  The defaults are Amazon's.

    min_part_size: for every part but the last.
    max_put_size: the largest object for a single PutObject.
    max_key_bytes: for the key in UTF-8.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """

    min_part_size: int = 5 * MIB
    max_part_size: int = 5 * GIB
    max_parts: int = 10_000
    max_put_size: int = 5 * GIB
    max_key_bytes: int = 1024

    @property
    def max_object_size(self) -> int:
        """The largest possible object: 48.8 TiB on AWS."""
        return self.max_parts * self.max_part_size


AWS = S3Limits()


MAX_CONCURRENCY = 32  # parts in flight when the number is adaptive
MAX_SMALL_FILES = 128  # files in flight that are sent as one object each, likewise
